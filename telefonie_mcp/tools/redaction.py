"""Hides the secrets of a call wherever the provider's answer repeats them; pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.errors import ToolError
from telefonie_mcp.text import CUTS, clean
from telefonie_mcp.tools.catalog import HIDDEN, Tool

__all__ = ["hide_secrets"]

_TELLING: Final = 4
"""Characters of a secret's beginning that tell something of it, where a text is cut."""


def hide_secrets(error: ToolError, tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Hide in ``error`` the secrets among the ``arguments`` that were sent."""
    sent = {text for name in tool.secrets & arguments.keys() for text in _texts(arguments[name])}
    spelled = {text for each in sent for text in (each, clean(each), " ".join(clean(each).split()))}
    spelled |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in spelled}
    secrets = sorted(filter(None, spelled), key=len, reverse=True)
    error.message = _without(secrets, error.message)
    error.args = (error.message,)
    error.details = _without(secrets, error.details)


def _texts(secret: Any) -> Iterator[str]:
    """Yield the parts of a secret that an answer can repeat."""
    match secret:
        case dict():
            for member in cast("dict[str, Any]", secret).values():
                yield from _texts(member)
        case list():
            for item in cast("list[Any]", secret):
                yield from _texts(item)
        case bool() | None:
            return
        case _:
            yield str(secret)


def _without(secrets: Sequence[str], value: Any) -> Any:
    match value:
        case str():
            for secret in secrets:
                value = _hidden_end(secret, value.replace(secret, HIDDEN))
            return value
        case list():
            return [_without(secrets, item) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value).items()
            return {_without(secrets, name): _without(secrets, member) for name, member in members}
        case _:
            return value


def _hidden_end(secret: str, text: str) -> str:
    """Hide the beginning of a secret, where the rest of it was cut off."""
    for cut in CUTS:
        stem = text.removesuffix(cut)
        for length in range(min(len(secret) - 1, len(stem)), _TELLING - 1, -1) if stem != text else ():
            if stem.endswith(secret[:length]):
                return f"{stem[:-length]}{HIDDEN}{cut}"
    return text
