"""Removes the secret arguments of a call from an error that quotes the API's answer."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from telefonie_mcp.errors import ToolError
from telefonie_mcp.redaction import HIDDEN, Redactor
from telefonie_mcp.tools.catalog import Tool

__all__ = ["hide_secrets"]


def hide_secrets(error: ToolError, tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Replace, in place, the values of secret arguments in the message and the details of ``error``."""
    sent = {text for name in tool.secrets & arguments.keys() for text in _scalars(arguments[name])}
    redactor = Redactor(sent, HIDDEN)
    error.message = redactor.text(error.message)
    error.args = (error.message,)
    error.details = redactor.json(error.details)


def _scalars(secret: Any) -> Iterator[str]:
    """Yield the scalars of a secret argument as strings, except booleans and nulls."""
    match secret:
        case dict():
            for member in cast("dict[str, Any]", secret).values():
                yield from _scalars(member)
        case list():
            for item in cast("list[Any]", secret):
                yield from _scalars(item)
        case bool() | None:
            return
        case _:
            yield str(secret)
