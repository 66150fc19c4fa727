"""Names of tools that clients and model APIs accept; pure."""

import hashlib
import re
from collections.abc import Container
from itertools import count
from typing import Final

from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.tools.catalog import MAX_NAME

__all__ = ["snake_case", "tool_name", "unique_name"]

_DIGEST_LENGTH: Final = 6
"""Hexadecimal digits that keep the names of two shortened tools distinct."""


def snake_case(name: str) -> str:
    """Return ``name`` in snake_case, with the characters ``[a-z0-9_]`` only.

    >>> snake_case("searchAvailableNumbers"), snake_case("X-Request-ID"), snake_case("getHTTPStatus2")
    ('search_available_numbers', 'x_request_id', 'get_http_status2')
    """
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def tool_name(operation_id: str) -> str:
    """Return the name of the tool for an operation, as far as no other tool has it."""
    return _shortened(snake_case(operation_id) or "operation")


def unique_name(operation: Operation, document_id: str, taken: Container[str], *, own: Container[str]) -> str:
    """Return the name of the tool for ``operation``.

    A name that another tool of the same document has is followed by method and path, one of another document
    is preceded by the document. Both stay what they are when the document gains operations.

    Args:
        operation: The operation.
        document_id: The document's name.
        taken: The names of all tools before it.
        own: Those of the same document.

    """
    name = tool_name(operation.id)
    if name in own:
        path = re.sub(r"{([^{}]+)}", r"by_\1", operation.path)
        name = _shortened(snake_case(f"{operation.id}_{operation.method.lower()}_{path}"))
    if name in taken:
        name = _shortened(snake_case(f"{document_id}_{name}"))
    if name not in taken:
        return name
    numbered = (_shortened(f"{name}_{number}") for number in count(2))
    return next(each for each in numbered if each not in taken)


def _shortened(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: MAX_NAME - _DIGEST_LENGTH - 1].rstrip('_')}_{digest}"
