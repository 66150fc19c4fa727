"""An operation and its arguments → an HTTP request; pure.

Serialisation follows OpenAPI 3.1.1 §4.8.12.2: booleans are ``true``/``false``, arrays repeat the name or
are joined by a delimiter that no item can contain, and every value in a path or query is percent-encoded
completely (RFC 3986 §2.3), so that it can never leave its segment.
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
"""Everything visible in ASCII; what a header cannot carry (RFC 9110 §5.5) is percent-encoded."""

_OUTER_SPACES: Final = re.compile("^ +| +$")


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its credential, relative to the operation's server; path and query are encoded."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


def build_request(operation: Operation, bindings: Iterable[Binding], arguments: Mapping[str, Any]) -> Request:
    """Return the request for one call. ``arguments`` are valid and complete."""
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
    """Return ``value`` as it stands in ``parameter``'s place."""
    if parameter.location == "header":
        text = _joined(parameter, value, _HEADER_SAFE, ",")
        return _OUTER_SPACES.sub(lambda spaces: "%20" * len(spaces[0]), text)
    comma = "%2C" if parameter.location == "cookie" else ","  # no comma in cookies (RFC 6265 §4.1.1)
    return _joined(parameter, value, "", comma)


def _query(parameter: Parameter, value: Any) -> Iterator[str]:
    name = quote(parameter.name, safe="")
    scattered = parameter.separator is None and not parameter.json
    if isinstance(value, Mapping) and (parameter.deep or scattered):
        for key, member in cast("Mapping[str, Any]", value).items():
            inner = quote(f"{parameter.name}[{key}]" if parameter.deep else key, safe="")
            yield f"{inner}={quote(_text(member), safe='')}"
    elif isinstance(value, list) and scattered:
        for item in cast("list[Any]", value):
            yield f"{name}={quote(_text(item), safe='')}"
    else:
        yield f"{name}={encoded(parameter, value)}"


def _joined(parameter: Parameter, value: Any, safe: str, comma: str) -> str:
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
