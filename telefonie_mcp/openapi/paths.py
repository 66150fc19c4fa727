"""Walks the paths of a parsed OpenAPI 3.0, 3.1 or 3.2 document, and reads the operation of each method; pure.

Identifiers are unique in the result: of operations with the same ``operationId``, the first keeps it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain, count
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import Json
from telefonie_mcp.openapi.omissions import LeftOut, Omissions, TooMuchError
from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.openapi.reader import OperationReader

__all__ = ["read_operations"]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_OTHER_METHOD: Final = r"[A-Za-z][A-Za-z0-9-]*"
"""A method that stands under ``additionalOperations`` (OpenAPI 3.2)."""

_MAX_OPERATIONS: Final = 1000
"""Operations of a document that repeat others, because their paths refer to the same path item."""

_MAX_DISTINCT: Final = 4000
"""Other operations of a document: four times those of the largest provider."""


def read_operations(root: Json, omissions: Omissions) -> tuple[Operation, ...]:
    """Return the operations of ``root`` in document order.

    Args:
        root: The parsed document.
        omissions: Takes what is left out.

    Raises:
        DocumentError: the document is not OpenAPI 3.0, 3.1 or 3.2, has no paths, or asks for too much.

    """
    _check_version(root, omissions)
    paths = root.get("paths")
    if not isinstance(paths, Mapping) or not paths:
        raise DocumentError(
            f"{omissions.document}: the document has no paths, so there is nothing to make tools of"
        )
    return tuple(_Walk(root, omissions).operations(cast("Json", paths)))


def _check_version(root: Json, omissions: Omissions) -> None:
    version = root.get("openapi")
    if re.fullmatch(r"3\.[012](\.\d.*)?", str(version)):
        if str(version).count(".") == 1:
            omissions.note(f"openapi: {version!r} is read as {version}.0; a version has three numbers")
        return
    if version is None and "swagger" in root:
        found = f"this is Swagger {root['swagger']}; convert it, for example with swagger2openapi"
    else:
        found = "this has no openapi" if version is None else f"this says openapi: {version!r}"
    raise DocumentError(f"{omissions.document}: only OpenAPI 3.0, 3.1 and 3.2 are supported, {found}")


class _Walk:
    def __init__(self, root: Json, omissions: Omissions) -> None:
        self._omissions = omissions
        self._document = omissions.document
        self._reader = OperationReader(root, omissions)
        self._ids: set[str] = set()
        self._newer = str(root.get("openapi")).startswith("3.2")

    def operations(self, paths: Json) -> Iterator[Operation]:
        found = 0
        distinct: dict[int, Json] = {}
        for path, source in paths.items():
            if path.startswith("x-"):  # an extension (OpenAPI 3.1.1 §4.9), not a path
                continue
            where = f"{self._document}: {path}"
            item = self._omissions.attempt("", where, partial(self._reader.path_item, source, where)) or {}
            for method, node in self._methods(item, where):
                found += 1
                distinct[id(node)] = node
                if len(distinct) > _MAX_DISTINCT:
                    raise TooMuchError(f"{where}: more than {_MAX_DISTINCT:,} operations")
                if found - len(distinct) > _MAX_OPERATIONS:
                    raise TooMuchError(f"{where}: more than {_MAX_OPERATIONS:,} operations repeat others")
                if operation := self._attempt(method, path, node, item):
                    yield operation

    def _methods(self, item: Json, where: str) -> Iterator[tuple[str, Any]]:
        """Yield the operations of a path; from OpenAPI 3.2 on, of QUERY and of any other method as well."""
        yield from ((method, item[method]) for method in _METHODS if method in item)
        if not self._newer:
            return
        if "query" in item:
            yield "query", item["query"]
        others: Any = item.get("additionalOperations")
        for method, node in cast("Json", others).items() if isinstance(others, Mapping) else ():
            if not re.fullmatch(_OTHER_METHOD, method) or method.lower() in {*_METHODS, "query", "connect"}:
                self._omissions.left_out.append(LeftOut("", where, f"{method!r} is no additional method"))
            else:
                yield method, node

    def _attempt(self, method: str, path: str, node: Any, item: Json) -> Operation | None:
        """Return the operation, or leave it out; its identifier is taken in any case."""
        given: Any = cast("Json", node).get("operationId") if isinstance(node, Mapping) else None
        derived = _derived_id(method, path)
        plain = str(given) if isinstance(given, str | int) and given else derived
        candidates = chain([plain, f"{plain}_{derived}"], (f"{plain}_{derived}_{n}" for n in count(2)))
        unique = next(each for each in candidates if each not in self._ids)
        self._ids.add(unique)
        where = f"{self._document}: {method.upper()} {path}"
        operation = self._omissions.attempt(
            unique, where, partial(self._reader.operation, unique, method, path, item, node, where=where)
        )
        if operation and unique != plain:
            self._omissions.note(f"another operation is called {plain!r} as well; here it is {unique!r}")
        return operation


def _derived_id(method: str, path: str) -> str:
    words = re.sub(r"{([^{}]+)}", r"by_\1", path)
    return "_".join(re.findall(r"[A-Za-z0-9]+", f"{method} {words}"))
