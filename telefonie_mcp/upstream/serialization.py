"""Operation and arguments → HTTP request; pure.

Parameters are serialised by their style (OpenAPI 3.1.1 §4.8.12.2): booleans are ``true`` and ``false``,
arrays repeat the name or are joined by a delimiter, ``deepObject`` writes what is nested in brackets, at any
depth. In a path or query everything but unreserved characters (RFC 3986 §2.3) is percent-encoded, so that no
value can change the structure of the URL. The members of a form are serialised like parameters of the query
where the document says how (§4.8.15); objects are JSON text where it does not. No other style than
``deepObject`` can hold what is nested; :mod:`telefonie_mcp.openapi.nesting` finds it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus

from telefonie_mcp.openapi.operation import Binding, Body, Operation, Parameter

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
                query.extend(_pairs(parameter, value))
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
    return Request(operation.method, path, "&".join(query), headers, _content(body, payload))


def _content(body: Body, payload: Any) -> bytes:
    if body.form:
        return _form(payload, body.encodings)
    return (payload if body.text else _json(payload)).encode()


def encoded(parameter: Parameter, value: Any) -> str:
    """Return ``value`` serialised and encoded for the location and style of ``parameter``."""
    value = value if parameter.json else _defined(value)
    if parameter.location == "header":
        text = _styled(parameter, value, partial(quote, safe=_HEADER_SAFE.replace(",", "")), ",")
        return _OUTER_SPACES.sub(lambda spaces: "%20" * len(spaces[0]), text)
    if parameter.prefix:
        return _expanded(parameter, value)
    comma = "%2C" if parameter.location == "cookie" else ","  # no comma in cookies (RFC 6265 §4.1.1)
    return _styled(parameter, value, _percent, comma)


_Encode = Callable[[str], str]
_percent: Final[_Encode] = partial(quote, safe="")
_plus: Final[_Encode] = partial(quote_plus, safe="")
"""Encodes for a form, where a space is a plus (WHATWG URL §5)."""


_unreserved: Final[_Encode] = partial(quote, safe=":/?@!$'()*,;=")
"""Encodes in a query what would end a value, or become another one, such as ``&``, ``#`` and ``+``."""


def _expanded(parameter: Parameter, value: Any) -> str:
    """Return a path parameter of the style ``label`` or ``matrix`` (RFC 6570 §3.2.5, §3.2.7)."""
    name, exploded = _percent(parameter.name), parameter.separator is None
    texts: list[str]
    match value:
        case list():
            texts = [_percent(_text(item)) for item in cast("list[Any]", value)]
        case Mapping():
            members = cast("Mapping[str, Any]", value).items()
            assign = "=" if exploded else ","
            texts = [f"{_percent(key)}{assign}{_percent(_text(member))}" for key, member in members]
        case _:
            texts, exploded = [_percent(_text(value))], False
    if parameter.prefix == ".":
        return f".{('.' if exploded else ',').join(texts)}"
    if not exploded:
        return f";{name}={','.join(texts)}" if any(texts) else f";{name}"
    return "".join(f";{each}" if isinstance(value, Mapping) else f";{name}={each}" for each in texts)


def _pairs(parameter: Parameter, value: Any, encode: _Encode = _percent) -> Iterator[str]:
    """Yield the ``name=value`` pairs of a parameter of the query, or of a member of a form."""
    name = encode(parameter.name)
    encode = _unreserved if parameter.reserved else encode
    exploded = parameter.separator is None and not parameter.json
    value = value if parameter.json else _defined(value)
    if parameter.deep:
        yield from (f"{encode(key)}={encode(_text(each))}" for key, each in _bracketed(parameter.name, value))
    elif isinstance(value, Mapping) and exploded:
        for key, member in cast("Mapping[str, Any]", value).items():
            for item in cast("list[Any]", member) if isinstance(member, list) else [member]:
                yield f"{encode(key)}={encode(_text(item))}"
    elif isinstance(value, list) and exploded:
        for item in cast("list[Any]", value):
            yield f"{name}={encode(_text(item))}"
    else:
        yield f"{name}={_styled(parameter, value, encode, ',')}"


def _defined(value: Any) -> Any:
    """Return a list or an object without nulls, which are not written (RFC 6570 §2.3)."""
    match value:
        case list():
            return [item for item in cast("list[Any]", value) if item is not None]
        case Mapping():
            members = cast("Mapping[str, Any]", value).items()
            return {key: member for key, member in members if member is not None}
        case _:
            return value


def _bracketed(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the scalars in ``value`` with their places, such as ``a[b][]`` and ``a[0][c]``."""
    if isinstance(value, Mapping):
        for key, member in cast("Mapping[str, Any]", value).items():
            yield from _bracketed(f"{name}[{key}]", member)
    elif isinstance(value, list):
        for position, item in enumerate(cast("list[Any]", value)):
            place = position if isinstance(item, list | dict) else ""
            yield from _bracketed(f"{name}[{place}]", item)
    elif value is not None:
        yield name, value


def _styled(parameter: Parameter, value: Any, encode: _Encode, comma: str) -> str:
    separator = parameter.separator or ","
    between = comma if separator == "," else quote(separator, safe="")
    match value:
        case list() if not parameter.json:
            return between.join(encode(_text(item)) for item in cast("list[Any]", value))
        case Mapping() if not parameter.json:
            assign = between if parameter.assign == "," else parameter.assign
            members = cast("Mapping[str, Any]", value).items()
            return between.join(f"{encode(key)}{assign}{encode(_text(member))}" for key, member in members)
        case _:
            text = _json(value) if parameter.json else _text(value)
            return quote(text, safe=_HEADER_SAFE) if parameter.location == "header" else encode(text)


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


def _form(payload: Mapping[str, Any], encodings: Mapping[str, Parameter]) -> bytes:
    pairs: list[str] = []
    for name, value in payload.items():
        unsaid = Parameter(name, "query", False, {}, separator=None, json=isinstance(value, Mapping))
        pairs += _pairs(encodings.get(name, unsaid), value, _plus)
    return "&".join(pairs).encode()
