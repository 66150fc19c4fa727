"""Reads one operation of a parsed OpenAPI 3.0 or 3.1 document; pure.

An operation with what is not supported (request bodies other than JSON or forms, ``matrix`` paths) is left
out, with its place in the document and the reason, because silently dropping a parameter is worse than a tool
that is not there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import Json, is_object
from telefonie_mcp.openapi.nesting import check_writable
from telefonie_mcp.openapi.omissions import Omissions
from telefonie_mcp.openapi.operation import (
    Body,
    Location,
    Operation,
    Parameter,
    check_path,
    is_form,
    server_url,
)
from telefonie_mcp.openapi.references import Direction, References
from telefonie_mcp.openapi.schema import convert, nullable_members
from telefonie_mcp.openapi.security import Credential, Security, read_security
from telefonie_mcp.openapi.structure import items_of, members_of, name_of, one_line, plain_text

__all__ = ["OperationReader"]

_LOCATIONS: Final[tuple[Location, ...]] = ("path", "query", "header", "cookie")
_IGNORED_HEADERS: Final = frozenset(
    {"accept", "authorization", "content-type"}  # OpenAPI 3.1.1 §4.8.12.1
    | {"connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that no argument sets; the second line has those by which HTTP finds and frames a request."""

_MAX_PARAMETERS: Final = 500
"""Parameters of an operation, or members of its body."""

_TEMPLATED: Final = r"[\w.-]+"
"""A name in a path that is taken as a parameter which the document forgot to declare."""

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 §5.6.2

_SEPARATORS: Final = {
    "form": ",",
    "simple": ",",
    "spaceDelimited": " ",
    "pipeDelimited": "|",
    "deepObject": ",",
}
_DEFAULT_STYLES: Final = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}


class OperationReader:
    """Reads operations of one document.

    Args:
        root: The parsed document.
        omissions: Takes what is left out.

    """

    def __init__(self, root: Json, omissions: Omissions) -> None:
        self._root = root
        self._references = References(root, omissions)
        self._read: dict[tuple[int, str], tuple[Json, Parameter]] = {}
        self._servers: dict[int, tuple[Json, str]] = {}

    def path_item(self, source: Any, where: str) -> Json:
        """Return what stands under a path.

        Raises:
            DocumentError: it is no object, or a reference without a target.

        """
        return self._resolve(members_of(source, "what is under a path", where))

    def operation(self, name: str, method: str, path: str, item: Json, where: str) -> Operation:
        """Return the operation of ``method`` in the path item ``item``.

        Args:
            name: Its identifier.
            method: Its key in the path item.
            path: The path.
            item: The path item.
            where: Its place in messages.

        Raises:
            DocumentError: it is malformed or not supported.

        """
        self._references.begin()
        node = self._resolve(members_of(item[method], "an operation", where))
        check_path(path, where)
        security = self._security(node.get("security", self._root.get("security")), where)
        credentials = {credential for alternative in security for credential in alternative}
        declared = [*items_of(item.get("parameters"), "the parameters of the path", where)]
        declared += items_of(node.get("parameters"), "its parameters", where)
        parameters = tuple(self._parameters(declared, where))
        named = {p.name for p in parameters if p.location == "path"}
        templated = set(re.findall(r"{([^{}]+)}", path))
        if forgotten := sorted(name for name in templated - named if re.fullmatch(_TEMPLATED, name)):
            self._references.omissions.note(f"its path names {', '.join(forgotten)}, taken as text")
            added = [{"name": name, "in": "path", "schema": {"type": "string"}} for name in forgotten]
            parameters = (*self._parameters(added, where), *parameters)
            named |= {*forgotten}
        if named != templated:
            missing = ", ".join(sorted(named ^ templated))
            raise DocumentError(f"{where}: the path and its declared path parameters differ in {missing}")
        responses = self._resolve(members_of(node.get("responses"), "its responses", where))
        successes, texts, text = self._successes(responses, where)
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            server=self._server(node, item, where),
            summary=one_line(node.get("summary")),
            description=plain_text(node.get("description") or item.get("description")).strip(),
            parameters=tuple(p for p in parameters if not any(_sends(p, each) for each in credentials)),
            body=self._body(node.get("requestBody"), where),
            security=security,
            successes=dict.fromkeys(successes) if method == "head" else successes,  # RFC 9110 §9.3.2
            success_texts=texts,
            text=text and method != "head",
            hints=node.get("x-telefonie-hints", {}),
            deprecated=node.get("deprecated") is True,
        )

    def _schema(self, source: Any, direction: Direction) -> dict[str, Any]:
        return self._references.folded(convert(source, self._references, direction))

    def _resolve(self, node: Any) -> Json:
        return self._references.resolve(cast("Json", node))[0] if isinstance(node, Mapping) else {}

    def _server(self, node: Json, item: Json, where: str) -> str:
        servers: Sequence[Any] = (
            node.get("servers") or item.get("servers") or self._root.get("servers") or [{}]
        )
        server = self._resolve(servers[0])
        if id(server) not in self._servers:
            variables = self._resolve(server.get("variables"))
            defaults = {name: str(self._resolve(each).get("default", "")) for name, each in variables.items()}
            self._servers[id(server)] = server, server_url(str(server.get("url", "")), defaults, where)
        return self._servers[id(server)][1]

    def _security(self, requirements: Any, where: str) -> Security:
        schemes = self._resolve(self._resolve(self._root.get("components")).get("securitySchemes"))
        return read_security(requirements, schemes, self._resolve, where)

    def _parameters(self, nodes: Sequence[Any], where: str) -> Iterator[Parameter]:
        """Yield the parameters by location, then in document order; an operation's own replace the path's."""
        if len(nodes) > _MAX_PARAMETERS:
            raise DocumentError(f"{where}: more than {_MAX_PARAMETERS} parameters")
        merged: dict[tuple[str, str], Json] = {}
        for source in nodes:
            node = self._resolve(members_of(source, "a parameter", where))
            name = name_of(node, "name", "a parameter", where)
            merged[name_of(node, "in", f"the parameter {name!r}", where), name] = node
        if unsupported := [f"{name!r} in {place!r}" for place, name in merged if place not in _LOCATIONS]:
            raise DocumentError(f"{where}: parameters stand in {', '.join(_LOCATIONS)}, not {unsupported[0]}")
        for location in _LOCATIONS:
            for (place, name), node in merged.items():
                ignored = location == "header" and name.lower() in _IGNORED_HEADERS
                if place == location and not ignored:
                    if location in {"header", "cookie"} and not re.fullmatch(_NAME, name):
                        raise DocumentError(f"{where}: {name!r} is no name of a {location}")
                    yield self._parameter(name, location, node, where)

    def _parameter(self, name: str, location: Location, node: Json, where: str) -> Parameter:
        """Return a parameter, which is read once however many operations refer to it."""
        if (id(node), name) not in self._read:
            self._read[id(node), name] = node, self._read_parameter(name, location, node, where)
        return self._read[id(node), name][1]

    def _read_parameter(self, name: str, location: Location, node: Json, where: str) -> Parameter:
        where = f"{where}: {location} parameter {name!r}"
        content = self._resolve(node.get("content"))
        media = next((each for each in content if _is_json(each)), "")
        if content and not media:
            raise DocumentError(f"{where}: only application/json is supported as its content")
        style = node.get("style", _DEFAULT_STYLES[location])
        supported = (
            ("form", "spaceDelimited", "pipeDelimited", "deepObject")
            if location == "query"
            else (_DEFAULT_STYLES[location],)
        )
        if style not in supported:
            raise DocumentError(f"{where}: style {style!r} is not supported, only {', '.join(supported)}")
        source = (self._resolve(content[media]) if content else node).get("schema", {})
        schema = convert(source, self._references, "input")
        if description := node.get("description"):
            schema = {**schema, "description": one_line(description)}
        if node.get("deprecated") is True:
            schema = {**schema, "description": f"Deprecated. {schema.get('description', '')}".strip()}
        explode = bool(node.get("explode", style == "form"))
        parameter = Parameter(
            name=name,
            location=location,
            required=location == "path" or bool(node.get("required", False)),  # a path always needs them
            schema=schema,
            separator=None if explode and location == "query" else _SEPARATORS[style],
            assign="=" if explode and style == "simple" else ",",
            json=bool(content),
            deep=style == "deepObject",
        )
        check_writable(parameter, where)
        return parameter

    def _body(self, node: Any, where: str) -> Body | None:
        if node is None:
            return None
        body = self._resolve(node)
        for media_type, described in self._resolve(body.get("content")).items():
            media = self._resolve(described)
            source = media.get("schema", {})
            schema = self._schema(source, "input")
            form = is_form(media_type) and is_object(schema)
            text = _is_text(media_type) and schema.get("type") == "string"
            if form or text or _is_json(media_type):
                return Body(
                    required=bool(body.get("required", False)),
                    schema=schema,
                    media_type=_concrete(media_type),
                    encodings=_encodings(media, schema, where) if form else {},
                    nullable=nullable_members(source, self._references),
                    text=text,
                )
        offered = ", ".join(self._resolve(body.get("content"))) or "nothing"
        raise DocumentError(
            f"{where}: its request body must be JSON or a form with members or one text, "
            f"the document offers {offered}"
        )

    def _successes(
        self, responses: Json, where: str
    ) -> tuple[dict[str, Mapping[str, Any] | None], dict[str, str], bool]:
        schemas: dict[str, Mapping[str, Any] | None] = {}
        texts: dict[str, str] = {}
        text = False
        declared = {str(status).upper(): node for status, node in responses.items()}
        successful = {
            status: node for status, node in declared.items() if re.fullmatch("2([0-9]{2}|XX)", status)
        }
        if not successful and "DEFAULT" in declared:
            successful = {"2XX": declared["DEFAULT"]}
        for name, node in successful.items():
            response = self._resolve(node)
            texts[name] = one_line(response.get("description", ""))
            content = self._resolve(response.get("content"))
            media = next((media for media in content if _is_json(media)), None)
            if media is not None:
                source = self._resolve(content[media]).get("schema", {})
                schemas[name] = self._schema(source, "output")
            else:
                content = {kind: each for kind, each in content.items() if "/" in kind or "*" in kind}
                if not all(_is_text(kind) or kind in {"application/octet-stream", "*"} for kind in content):
                    raise DocumentError(
                        f"{where}: its {name} answer must be JSON or text, not {', '.join(content)}"
                    )
                text = text or bool(content)
                schemas[name] = {"type": "string"} if content else None
        if not schemas:
            raise DocumentError(f"{where}: declares no success response (2xx)")
        return schemas, texts, text


def _is_json(media_type: str) -> bool:
    """Return whether ``media_type`` is JSON, or a range that includes it, such as ``*/*``."""
    return bool(
        re.match(
            r"(application|text)/([\w.+-]+\+)?json\b|(\*|application)/\*", media_type.strip(), re.IGNORECASE
        )
    )


def _is_text(media_type: str) -> bool:
    """Return whether ``media_type`` is text that can be sent as it is: plain, XML or the like."""
    return bool(re.match(r"text/(?!json\b)|application/([\w.+-]+\+)?xml\b", media_type, re.IGNORECASE))


def _concrete(media_type: str) -> str:
    """Return a media type to send for one of the document, which may be a range."""
    if "*" not in media_type:
        return media_type
    return "text/plain" if media_type.startswith("text/") else "application/json"


def _sends(parameter: Parameter, credential: Credential) -> bool:
    return parameter.location == credential.location and parameter.name.lower() == credential.name.lower()


def _encodings(media: Json, schema: Json, where: str) -> dict[str, Parameter]:
    if "encoding" not in media:
        return {}
    from telefonie_mcp.openapi.encodings import form_encodings  # noqa: PLC0415 - few documents need it

    return form_encodings(media["encoding"], schema, where)
