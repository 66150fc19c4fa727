"""An operation and its arguments → an HTTP request; pure.

Serialisation follows OpenAPI 3.1.1 §4.8.12.2: booleans are ``true``/``false``, arrays repeat the name or
are joined, and what stands in a path is percent-encoded completely (RFC 3986 §2.3), so that a value can
never leave its segment.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from telefonie_mcp.openapi.operation import Binding, Operation, Parameter

__all__ = ["Request", "build_request"]

_HEADER_SAFE: Final = " !#$&'()*+,/:;=?@[]\"<>\\^`{|}%~"
"""Everything visible in ASCII; what a header cannot carry (RFC 9110 §5.5) is percent-encoded."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its credential, relative to the operation's server."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query, encoded."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path


def build_request(operation: Operation, bindings: Iterable[Binding], arguments: Mapping[str, Any]) -> Request:
    """Return the request for one call. ``arguments`` are valid and complete."""
    path = operation.path
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {"Accept": "application/json, */*;q=0.5"}
    cookies: list[str] = []
    payload: Any = {}
    for binding in bindings:
        if binding.argument not in arguments:
            continue
        value = arguments[binding.argument]
        match binding.place:
            case "member":
                payload[binding.name] = value
            case "body":
                payload = value
            case Parameter(location="path") as parameter:
                path = path.replace("{" + parameter.name + "}", quote(_joined(parameter, value), safe=""))
            case Parameter(location="query") as parameter:
                query.extend(_query(parameter, value))
            case Parameter(location="header") as parameter:
                headers[parameter.name] = quote(_joined(parameter, value), safe=_HEADER_SAFE)
            case parameter:
                cookies.append(f"{parameter.name}={quote(_joined(parameter, value), safe='')}")
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    body = operation.body
    if body is None or not (payload or body.required or not isinstance(payload, dict)):
        return Request(operation.method, path, tuple(query), headers)
    headers["Content-Type"] = body.media_type
    content = _form(payload) if body.form else _json(payload).encode()
    return Request(operation.method, path, tuple(query), headers, content)


def _query(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    if parameter.json:
        yield parameter.name, _json(value)
    elif isinstance(value, Mapping) and parameter.deep:
        yield from ((f"{parameter.name}[{key}]", _text(member)) for key, member in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    elif isinstance(value, Mapping) and parameter.separator is None:
        yield from ((str(key), _text(member)) for key, member in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    elif isinstance(value, list) and parameter.separator is None:
        yield from ((parameter.name, _text(item)) for item in value)  # pyright: ignore[reportUnknownVariableType]
    else:
        yield parameter.name, _joined(parameter, value)


def _joined(parameter: Parameter, value: Any) -> str:
    if parameter.json:
        return _json(value)
    separator = parameter.separator or ","
    if isinstance(value, list):
        return separator.join(_text(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        pairs = ((str(key), _text(member)) for key, member in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return separator.join(part for pair in pairs for part in pair)
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case _:
            return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _form(payload: Mapping[str, Any]) -> bytes:
    pairs = [
        (key, _text(item))
        for key, value in payload.items()
        for item in (value if isinstance(value, list) else [value])  # pyright: ignore[reportUnknownVariableType]
    ]
    return urlencode(pairs).encode()
