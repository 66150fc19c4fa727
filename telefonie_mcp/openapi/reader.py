"""Reads one operation of a parsed OpenAPI 3.0, 3.1 or 3.2 document; pure.

An operation with what is not supported (request bodies other than JSON, forms or one text) is left
out, with its place in the document and the reason, because silently dropping a parameter is worse than a tool
that is not there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import Json, is_object
from telefonie_mcp.openapi.nesting import styled
from telefonie_mcp.openapi.omissions import Omissions
from telefonie_mcp.openapi.operation import (
    Body,
    Location,
    Operation,
    Parameter,
    best_server,
    check_path,
    concrete,
    is_form,
    is_json,
    is_text,
)
from telefonie_mcp.openapi.references import Direction, References
from telefonie_mcp.openapi.schema import convert, nullable_members
from telefonie_mcp.openapi.security import FIELD_NAME, Credential, Security, implied_security, read_security
from telefonie_mcp.openapi.structure import is_true, items_of, members_of, name_of, one_line, plain_text

__all__ = ["OperationReader"]

_LOCATIONS: Final[tuple[Location, ...]] = ("path", "query", "header", "cookie")
_IGNORED_HEADERS: Final = frozenset(
    {"accept", "authorization", "content-type"}  # OpenAPI 3.1.1 §4.8.12.1
    | {"connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"x-http-method", "x-http-method-override", "x-method-override"}
)
"""Headers that no argument sets.

The second line has those by which HTTP finds and frames a request, the third those that make a read a write.
"""

_MAX_PARAMETERS: Final = 500
"""Parameters of an operation, or members of its body."""

_TEMPLATED: Final = r"[\w.-]+"
"""A name in a path that is taken as a parameter which the document forgot to declare."""


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
        self._servers: dict[int, tuple[Any, str]] = {}

    def path_item(self, source: Any, where: str) -> Json:
        """Return what stands under a path.

        Raises:
            DocumentError: it is no object, or a reference without a target.

        """
        return self._resolve(members_of(source, "what is under a path", where))

    def operation(
        self, name: str, method: str, path: str, item: Json, source: Any, *, where: str
    ) -> Operation:
        """Return the operation ``source`` in the path item ``item``.

        Args:
            name: Its identifier.
            method: Its method.
            path: The path.
            item: The path item.
            source: What stands under the method.
            where: Its place in messages.

        Raises:
            DocumentError: it is malformed or not supported.

        """
        self._references.begin()
        node = self._resolve(members_of(source, "an operation", where))
        check_path(path, where)
        declared = [*items_of(item.get("parameters"), "the parameters of the path", where)]
        declared += items_of(node.get("parameters"), "its parameters", where)
        security = self._security(node.get("security", self._root.get("security")), declared, where)
        credentials = {credential for alternative in security for credential in alternative}
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
            deprecated=is_true(node.get("deprecated")),
        )

    def _schema(self, source: Any, direction: Direction) -> dict[str, Any]:
        return self._references.folded(convert(source, self._references, direction))

    def _resolve(self, node: Any) -> Json:
        return self._references.resolve(cast("Json", node))[0] if isinstance(node, Mapping) else {}

    def _server(self, node: Json, item: Json, where: str) -> str:
        given = node.get("servers") or item.get("servers") or self._root.get("servers")
        if not given:
            return ""
        if id(given) not in self._servers:
            self._servers[id(given)] = given, best_server([*map(self._resolve, given)], self._resolve, where)
        return self._servers[id(given)][1]

    def _security(self, requirements: Any, declared: Sequence[Any], where: str) -> Security:
        if requirements is None:
            return implied_security(map(self._resolve, declared))
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
                    if location in {"header", "cookie"} and not re.fullmatch(FIELD_NAME, name):
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
        media = next((each for each in content if is_json(each)), "")
        if content and not media:
            raise DocumentError(f"{where}: only application/json is supported as its content")
        source = (self._resolve(content[media]) if content else node).get("schema", {})
        schema = convert(source, self._references, "input")
        if description := node.get("description"):
            schema = {**schema, "description": one_line(description)}
        if is_true(node.get("deprecated")):
            schema = {**schema, "description": f"Deprecated. {schema.get('description', '')}".strip()}
        return styled(name, location, node, schema, where, json=bool(content))

    def _body(self, node: Any, where: str) -> Body | None:
        if node is None:
            return None
        body = self._resolve(node)
        content = self._resolve(body.get("content"))
        for media_type, described in sorted(content.items(), key=lambda each: is_text(each[0])):
            media = self._resolve(described)
            source = media.get("schema", {})
            schema = self._schema(source, "input" if is_form(media_type) else "body")
            form = is_form(media_type) and is_object(schema)
            text = is_text(media_type) and schema.get("type") == "string"
            if form or text or is_json(media_type):
                return Body(
                    required=is_true(body.get("required")),
                    schema=schema,
                    media_type=concrete(media_type),
                    encodings=_encodings(media, schema, where) if form else {},
                    nullable=nullable_members(source, self._references),
                    text=text,
                )
        offered = ", ".join(content) or "nothing"
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
            texts[name] = one_line(response.get("description") or response.get("summary"))
            content = self._resolve(response.get("content"))
            media = next((media for media in content if is_json(media)), None)
            if media is not None:
                source = self._resolve(content[media]).get("schema", {})
                schemas[name] = self._schema(source, "output")
            else:
                content = {kind: each for kind, each in content.items() if "/" in kind or "*" in kind}
                if not all(is_text(kind) or kind in {"application/octet-stream", "*"} for kind in content):
                    raise DocumentError(
                        f"{where}: its {name} answer must be JSON or text, not {', '.join(content)}"
                    )
                text = text or bool(content)
                schemas[name] = {"type": "string"} if content else None
        if not schemas:
            raise DocumentError(f"{where}: declares no success response (2xx)")
        return schemas, texts, text


def _sends(parameter: Parameter, credential: Credential) -> bool:
    return parameter.location == credential.location and parameter.name.lower() == credential.name.lower()


def _encodings(media: Json, schema: Json, where: str) -> dict[str, Parameter]:
    if "encoding" not in media:
        return {}
    from telefonie_mcp.openapi.encodings import form_encodings  # noqa: PLC0415 - few documents need it

    return form_encodings(media["encoding"], schema, where)
