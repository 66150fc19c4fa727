"""The arguments of a tool as a command line has them: ``NAME=VALUE``, ``NAME=@FILE`` and ``--json``."""

import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import click

__all__ = ["arguments_of", "is_base64", "types_of"]

_MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes of a file that are read: more than any document's limit, and an end where there is none."""

_JSON: Final = "--json"


def arguments_of(schema: Mapping[str, Any], pairs: Sequence[str], text: str | None) -> dict[str, Any]:
    """Return the arguments of the JSON ``text``, overridden by the ``NAME=VALUE`` pairs.

    A value is read as its schema's type: text stays as it is, a list is separated by commas or given by
    repeating its name, and everything else is JSON.

    Raises:
        click.BadParameter: something cannot be read.

    """
    given = _from_json(text)
    named = dict[str, Any]()
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="arguments")
        member = schema["properties"].get(name, {})
        read = _value(name, member, value)
        if name in named and not isinstance(read, list):
            raise click.BadParameter(f"{name} is given twice", param_hint="arguments")
        named[name] = [*named[name], *cast("list[Any]", read)] if name in named else read
    return {**given, **named}


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """Return the types that a schema allows; empty where it does not say."""
    found = schema.get("type", ())
    types = {found} if isinstance(found, str) else {*found}
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types |= types_of(part)
    return types - {"null"}


def is_base64(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema wants the content of a file in base64."""
    return schema.get("contentEncoding") == "base64" or schema.get("format") in {"byte", "base64"}


def _from_json(text: str | None) -> dict[str, Any]:
    if text == "-" or (text or "").startswith("@"):
        text = _text(_JSON, "-" if text == "-" else (text or "")[1:])
    if text is not None and not text.strip():
        raise click.BadParameter("is not JSON: it is empty; {} means no arguments", param_hint=_JSON)
    try:
        given: Any = json.loads(text) if text is not None else {}
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint=_JSON) from error
    if not isinstance(given, dict):
        raise click.BadParameter("is not a JSON object", param_hint=_JSON)
    return cast("dict[str, Any]", given)


def _value(name: str, schema: Mapping[str, Any], text: str) -> Any:
    types = types_of(schema)
    if text.startswith("@@"):  # a value that begins with @ itself
        text = text[1:]
    elif text.startswith("@"):
        if is_base64(schema):
            return base64.b64encode(_content(name, text[1:])).decode()
        text = _text(name, text[1:]).removesuffix("\n").removesuffix("\r")
        if "array" in types and not text.lstrip().startswith("["):
            text = ",".join(text.split("\n"))
    if types == {"array"}:
        return _list(schema, text)
    return text if not types or "string" in types else _json_or_text(text)


def _list(schema: Mapping[str, Any], text: str) -> Any:
    """Return a list: of JSON if it looks so, and of what stands between commas otherwise."""
    if text.lstrip().startswith("["):
        return _json_or_text(text)
    textual = types_of(schema.get("items") or {}) <= {"string"}
    parts = [part.strip() for part in text.split(",")]
    return [part if textual else _json_or_text(part) for part in parts if part]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _text(name: str, path: str) -> str:
    try:
        return _content(name, path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(name, path, "it is not UTF-8 text") from error


def _content(name: str, path: str) -> bytes:
    """Return what stands in a file; ``-`` is standard input."""
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with open(os.path.expanduser(path), "rb") as file:  # noqa: PTH111, PTH123 - the path as it was typed
                content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise _unreadable(name, path, reason or "it cannot be opened") from error
    if len(content) > _MAX_BYTES:
        raise _unreadable(name, path, f"it has more than {_MAX_BYTES // 2**20} MiB")
    return content


def _unreadable(name: str, path: str, reason: str) -> click.BadParameter:
    hint = "" if name == _JSON else f"; a value that begins with @ itself is {name}=@@…"
    return click.BadParameter(f"{name}: {path or 'a file without a name'} cannot be read ({reason}){hint}")
