"""References between the schemas of a document, and what schemas were converted to; pure."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Literal, cast
from urllib.parse import unquote

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import Json, fold, is_object, merged, opened
from telefonie_mcp.openapi.omissions import Omissions, TooMuchError
from telefonie_mcp.openapi.sizes import MAX_SCHEMA

__all__ = ["MAX_TRAIL", "SCHEMAS", "Direction", "Json", "References", "Trail", "is_object"]

Direction = Literal["input", "body", "output"]
"""For arguments, for a body that holds null where the document allows it, or for results."""

Trail = tuple[str, ...]

SCHEMAS: Final = "#/components/schemas/"
"""Begins a reference to a schema by its name."""

_MAX_WORK: Final = 5_000_000
"""Values that are looked at to convert the schemas of one document: some two seconds."""

MAX_TRAIL: Final = 100
"""References that lead to a schema, one inside the other."""

_MAX_TURNS: Final = 1000
"""Schemas inside recursive ones that are converted once for each place."""


class References:
    """Resolves local references (``#/components/…``) of one document, and remembers converted schemas.

    What is referred to from many places is converted once: references that double at each step would
    otherwise take exponential time. Inside a recursive schema the result depends on where it is cut, so it is
    remembered only when there are too many of them.

    Attributes:
        omissions: Takes notes about parts of schemas that are dropped.
        steps: The members that lead to the schema which is converted now, for notes.
        outermost: The first step of the trail to which a cut in the schema that is converted now leads back.

    """

    def __init__(self, root: Json, omissions: Omissions) -> None:
        self._root = root
        self._document = omissions.document
        self.omissions = omissions
        self.steps: list[str] = []
        self.outermost = MAX_TRAIL
        self._converted: dict[tuple[int, Direction, bool], tuple[Json, dict[str, Any]]] = {}
        self._folded: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._sizes: dict[int, int] = {}
        self._work = 0
        self._cut: list[dict[str, Any]] = []
        self._children: dict[int, list[Json]] | None = None
        self._named: dict[str, Json] | None = None

    def begin(self) -> None:
        """Begin another operation, whatever the one before was left at."""
        self.steps.clear()
        self.outermost = MAX_TRAIL

    def converted(self, node: Json, direction: Direction, *, part: bool = False) -> dict[str, Any] | None:
        """Return what ``node`` was converted to, if it was."""
        known = self._converted.get((id(node), direction, part))
        return known and known[1]

    def remember(
        self,
        node: Json,
        direction: Direction,
        schema: dict[str, Any],
        *,
        part: bool = False,
        cut: bool = False,
    ) -> dict[str, Any]:
        """Remember and return the converted ``schema`` of ``node``, or an open one if it is too large.

        The node is kept as well, so that its identity stays its own.

        Args:
            node: What was converted.
            direction: For arguments or results.
            schema: What it was converted to.
            part: It was converted as a part of an ``allOf``.
            cut: It is part of a recursive schema, and cut where it would repeat what leads to it.

        """
        size = self._size(schema)
        if size > MAX_SCHEMA:
            schema = opened(schema)
            size = self._size(schema)
        self._cut += [schema] if cut else []
        if not cut or len(self._cut) > _MAX_TURNS:
            self._converted[id(node), direction, part] = node, schema
        self._sizes[id(schema)] = size
        return schema

    def folded(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return :func:`fold` of a converted schema, and remember it."""
        if id(schema) not in self._folded:
            self._folded[id(schema)] = schema, fold(schema)
        return self._folded[id(schema)][1]

    def count(self, values: int) -> None:
        """Count values that are looked at.

        Raises:
            DocumentError: the document's schemas repeat so much that this takes too long.

        """
        self._work += values
        if self._work > _MAX_WORK:
            raise TooMuchError(
                f"{self._document}: its schemas repeat too much: more than {_MAX_WORK:,} values"
            )

    def _size(self, value: Any) -> int:
        """Return about how many characters ``value`` has as JSON, without walking remembered schemas.

        Raises:
            DocumentError: the document's schemas repeat so much that this takes too long.

        """
        self.count(1)
        match value:
            case dict():
                if (known := self._sizes.get(id(cast("Any", value)))) is not None:
                    return known
                members = cast("dict[str, Any]", value).items()
                return 2 + sum(len(str(name)) + 4 + self._size(member) for name, member in members)
            case list():
                return 2 + sum(1 + self._size(item) for item in cast("list[Any]", value))
            case str():
                return len(value) + 2
            case _:
                return len(str(value))

    def resolve(self, node: Json) -> tuple[Json, Trail]:
        """Follow ``node``'s ``$ref``, if it has one, and return the target with the references on the way.

        In 2020-12 the target and the keywords beside ``$ref`` both apply. Where they cannot be merged, the
        keyword beside ``$ref`` is used.

        Raises:
            DocumentError: a reference leaves the document, has no target, or leads back to itself.

        """
        return self.enter(node, (), "")[:2]

    def enter(self, node: Json, trail: Trail, mark: str) -> tuple[Json, Trail, int | None]:
        """Follow the reference to a schema.

        Args:
            node: The schema, with or without a reference.
            trail: The references that lead to it.
            mark: How it is used there; the same reference used otherwise is another step.

        Returns:
            The target, the trail to it, and where in ``trail`` the same step was taken before, if it was.

        Raises:
            DocumentError: as :meth:`resolve`, or the trail is too long.

        """
        begin = len(trail)
        while isinstance(reference := node.get("$ref"), str):
            step = mark + reference
            if step in trail[:begin]:
                return self._target(reference), trail, trail.index(step)
            if step in trail:
                path = " → ".join([*trail[begin:], step]).replace(mark or " ", " ")
                raise DocumentError(f"{self._document}: the reference {path} leads back to itself")
            if len(trail) == MAX_TRAIL:
                raise DocumentError(
                    f"{self._document}: the reference {reference!r} is the end of more than {MAX_TRAIL}"
                )
            trail += (step,)
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            target = self._target(reference)
            node = merged(target, siblings) if siblings else target
        return node, trail, None

    def has_schema(self, name: str) -> bool:
        """Return whether the components have a schema of that name."""
        return name in self._schemas()

    def children_of(self, parent: Json) -> list[Json]:
        """Return references to the component schemas that inherit from ``parent`` by ``allOf``."""
        if self._children is None:
            self._children = {}
            for name, schema in self._schemas().items():
                parts: Any = cast("Json", schema).get("allOf") if isinstance(schema, Mapping) else None
                for part in cast("list[Any]", parts) if isinstance(parts, list) else []:
                    reference: Any = cast("Json", part).get("$ref") if isinstance(part, Mapping) else None
                    with suppress(DocumentError):
                        if isinstance(reference, str):
                            found = self._children.setdefault(id(self._target(reference)), [])
                            found.append({"$ref": SCHEMAS + name})
        return self._children.get(id(parent), [])

    def _schemas(self) -> Json:
        components: Any = self._root.get("components")
        schemas: Any = cast("Json", components).get("schemas") if isinstance(components, Mapping) else None
        return cast("Json", schemas) if isinstance(schemas, Mapping) else {}

    def _target(self, reference: str) -> Json:
        node, pointer = self._base(reference)
        for token in unquote(pointer).split("/") if pointer else ():
            key = token.replace("~1", "/").replace("~0", "~")
            node = _member(node, key)
        if not isinstance(node, Mapping):
            raise DocumentError(f"{self._document}: the reference {reference!r} has no target")
        return cast("Json", node)

    def _base(self, reference: str) -> tuple[Any, str]:
        """Return where a reference begins, and the pointer from there, without its first slash."""
        base, _, fragment = reference.partition("#")
        if base and base == self._root.get("$self"):
            base = ""
        if not base and fragment.startswith("/"):
            return self._root, fragment[1:]
        if self._named is None:
            self._named = dict(_named(self._root))
        if (anchored := self._named.get(f"{base}#{fragment}" if not base else reference)) is not None:
            return anchored, ""
        if base and (found := self._named.get(base)) is not None and fragment[:1] in {"", "/"}:
            return found, fragment[1:]
        raise DocumentError(
            f"{self._document}: the reference {reference!r} leaves the document; bundle its files into one"
        )


def _named(root: Json) -> Iterator[tuple[str, Json]]:
    """Yield what the schemas of a document call themselves: ``$id``, and ``#`` with ``$anchor``."""
    waiting: list[Any] = [root]
    seen = set[int]()
    while waiting:
        inner = waiting.pop()
        if not isinstance(inner, dict | list) or id(cast("Any", inner)) in seen:
            continue
        inner = cast("dict[str, Any] | list[Any]", inner)
        seen.add(id(inner))
        waiting += inner.values() if isinstance(inner, dict) else inner
        if isinstance(inner, dict):
            own = inner.get("$id")
            if isinstance(own, str):
                yield own.removesuffix("#"), inner
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(anchor := inner.get(keyword), str):
                    yield f"{own if isinstance(own, str) else ''}#{anchor}", inner


def _member(node: Any, key: str) -> Any:
    if isinstance(node, list):
        items = cast("list[Any]", node)
        return items[int(key)] if key.isascii() and key.isdecimal() and int(key) < len(items) else None
    return cast("Json", node).get(key) if isinstance(node, Mapping) else None
