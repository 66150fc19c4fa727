"""Hides the secrets of a call wherever the provider's answer repeats them; pure."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from telefonie_mcp.errors import ToolError
from telefonie_mcp.redaction import HIDDEN, Redactor
from telefonie_mcp.tools.catalog import Tool

__all__ = ["hide_secrets"]


def hide_secrets(error: ToolError, tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Hide in ``error`` the secrets among the ``arguments`` that were sent."""
    sent = {text for name in tool.secrets & arguments.keys() for text in _texts(arguments[name])}
    redactor = Redactor(sent, HIDDEN)
    error.message = redactor.text(error.message)
    error.args = (error.message,)
    error.details = redactor.json(error.details)


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
