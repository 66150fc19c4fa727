"""Parts of a document with the type that OpenAPI gives them, or a sentence with their place; pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError

__all__ = ["is_true", "items_of", "members_of", "name_of", "one_line", "plain_text", "shown"]

_MAX_TEXT: Final = 16 * 1024
"""Characters of a summary or description."""

_TRUE: Final = frozenset({"on", "true", "yes"})

_MAX_SHOWN: Final = 40
"""Characters of a value that a sentence repeats."""


def is_true(value: Any, *, unsaid: bool = False) -> bool:
    """Return a boolean of the document; many authors write ``yes`` and ``no``, as in YAML 1.1."""
    if value is None:
        return unsaid
    return value.lower() in _TRUE if isinstance(value, str) else bool(value)


def members_of(value: Any, what: str, where: str) -> Mapping[str, Any]:
    """Return an object of the document; what is absent, or an empty list, has no members.

    Raises:
        DocumentError: it is no object.

    """
    if value is None or value == []:  # some generators know no other empty object
        return {}
    if not isinstance(value, Mapping):
        raise DocumentError(f"{where}: {what} must be an object, not {shown(value)}")
    return cast("Mapping[str, Any]", value)


def items_of(value: Any, what: str, where: str) -> Sequence[Any]:
    """Return a list of the document; what is absent has no items.

    Raises:
        DocumentError: it is no list.

    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise DocumentError(f"{where}: {what} must be a list, not {shown(value)}")
    return cast("list[Any]", value)


def name_of(node: Mapping[str, Any], key: str, what: str, where: str) -> str:
    """Return the name that ``node`` has under ``key``; a number or boolean as it is written in JSON.

    Raises:
        DocumentError: there is none.

    """
    value = node.get(key)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    lacks = f"has no {key!r}" if value is None else f"has {shown(value)} as its {key!r}"
    raise DocumentError(f"{where}: {what} {lacks}")


def plain_text(text: Any) -> str:
    """Return a text of the document, cut, because many operations can share and copy it."""
    whole = "" if text is None or isinstance(text, dict | list) else str(text)
    return whole if len(whole) <= _MAX_TEXT else f"{whole[:_MAX_TEXT]}…"


def one_line(text: Any) -> str:
    """Return a text of the document on one line."""
    return " ".join(plain_text(text).split())


def shown(value: Any) -> str:
    """Return a value as a sentence repeats it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
