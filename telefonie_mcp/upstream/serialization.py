"""Operation and arguments → HTTP request; pure.

Parameters are serialised by their style (OpenAPI 3.1.1 §4.8.12.2): booleans are ``true`` and ``false``,
arrays repeat the name or are joined by a delimiter. In a path or query everything but unreserved characters
(RFC 3986 §2.3) is percent-encoded, so that no value can change the structure of the URL.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from telefonie_mcp.openapi.operation import Binding, Operation, Parameter

__all__ = ["Request", "build_request", "encoded"]

_HEADER_SAFE: Final = " !#$&'()*+,/:;=?@[]\"<>\\^`{|}%~"
"""Reserved ASCII characters that a field value may contain (RFC 9110 §5.5); others are percent-encoded."""

_OUTER_SPACES: Final = re.compile("^ +| +$")


@dataclass(frozen=True, slots=True)
class Request:
    """A request relative to a base URL, without credential; path and query are percent-encoded."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query, as in the request line (RFC 9112 §3.2.1)."""
        return f"{self.path}?{self.query}" if self.query else self.path


def build_request(operation: Operation, bindings: Iterable[Binding], arguments: Mapping[str, Any]) -> Request:
    """Return the request of ``operation`` with ``arguments``, which must be valid."""
    path = operation.path
    query: list[str] = []
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
                path = path.replace("{" + parameter.name + "}", encoded(parameter, value))
            case Parameter(location="query") as parameter:
                query.extend(_query(parameter, value))
            case Parameter(location="header") as parameter:
                headers[parameter.name] = encoded(parameter, value)
            case parameter:
                cookies.append(f"{parameter.name}={encoded(parameter, value)}")
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    body = operation.body
    if body is None or not (payload or body.required or not isinstance(payload, dict)):
        return Request(operation.method, path, "&".join(query), headers)
    headers["Content-Type"] = body.media_type
    content = _form(payload) if body.form else _json(payload).encode()
    return Request(operation.method, path, "&".join(query), headers, content)


def encoded(parameter: Parameter, value: Any) -> str:
    """Return ``value`` serialised and encoded for the location and style of ``parameter``."""
    if parameter.location == "header":
        text = _styled(parameter, value, _HEADER_SAFE, ",")
        return _OUTER_SPACES.sub(lambda spaces: "%20" * len(spaces[0]), text)
    comma = "%2C" if parameter.location == "cookie" else ","  # no comma in cookies (RFC 6265 §4.1.1)
    return _styled(parameter, value, "", comma)


def _query(parameter: Parameter, value: Any) -> Iterator[str]:
    name = quote(parameter.name, safe="")
    exploded = parameter.separator is None and not parameter.json
    if isinstance(value, Mapping) and (parameter.deep or exploded):
        for key, member in cast("Mapping[str, Any]", value).items():
            inner = quote(f"{parameter.name}[{key}]" if parameter.deep else key, safe="")
            yield f"{inner}={quote(_text(member), safe='')}"
    elif isinstance(value, list) and exploded:
        for item in cast("list[Any]", value):
            yield f"{name}={quote(_text(item), safe='')}"
    else:
        yield f"{name}={encoded(parameter, value)}"


def _styled(parameter: Parameter, value: Any, safe: str, comma: str) -> str:
    inner = safe.replace(",", "")
    separator = parameter.separator or ","
    between = comma if separator == "," else quote(separator, safe="")
    match value:
        case list() if not parameter.json:
            return between.join(quote(_text(item), safe=inner) for item in cast("list[Any]", value))
        case Mapping() if not parameter.json:
            assign = comma if parameter.assign == "," else parameter.assign
            members = cast("Mapping[str, Any]", value).items()
            pairs = ((quote(key, safe=inner), quote(_text(member), safe=inner)) for key, member in members)
            return between.join(assign.join(pair) for pair in pairs)
        case _:
            return quote(_json(value) if parameter.json else _text(value), safe=safe)


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
