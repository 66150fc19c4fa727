"""How large schemas may be, and what becomes of those that are larger; pure."""

from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import opened
from telefonie_mcp.text import compact

__all__ = ["MAX_SCHEMA", "SharedSchemas", "bounded_input"]

MAX_SCHEMA: Final = 64 * 1024
"""Characters of a schema, as compact JSON; also of all arguments of a tool, and of its output."""

_ANNOTATIONS: Final = frozenset({"default", "description", "examples", "title"})


class SharedSchemas:
    """What is known of the schemas of one document; operations share what they refer to.

    Every schema is kept, so that its identity stays its own.
    """

    def __init__(self) -> None:
        self._sizes: dict[int, tuple[Any, int]] = {}
        self._plain: dict[int, tuple[Any, Any]] = {}

    def size(self, schema: Any) -> int:
        """Return the bytes of ``schema`` as compact JSON."""
        if not isinstance(schema, dict | list):
            return _bytes(schema)
        whole = cast("dict[str, Any] | list[Any]", schema)
        if id(whole) not in self._sizes:
            names = sum(_bytes(str(name)) + 1 for name in whole) if isinstance(whole, dict) else 0
            members = whole.values() if isinstance(whole, dict) else whole
            commas = max(0, len(whole) - 1)
            self._sizes[id(whole)] = whole, 2 + names + commas + sum(map(self.size, members))
        return self._sizes[id(whole)][1]

    def plain(self, schema: Any) -> Any:
        """Return ``schema`` without annotations."""
        if id(schema) not in self._plain:
            self._plain[id(schema)] = schema, _without_annotations(schema)
        return self._plain[id(schema)][1]


def _bytes(value: Any) -> int:
    """Return the bytes of a string, number, boolean or null as JSON."""
    return len(compact(value).encode())


def bounded_input(schema: dict[str, Any], shared: SharedSchemas, most: int, where: str) -> dict[str, Any]:
    """Return an input schema whose largest arguments are open, as far as its size requires.

    Raises:
        DocumentError: it would be too large even with every argument open.

    """
    properties: dict[str, Any] = dict(schema["properties"])
    total = shared.size(schema)
    for name in sorted(properties, key=lambda name: -shared.size(properties[name])):
        if total <= most:
            return {**schema, "properties": properties}
        total -= shared.size(properties[name])
        properties[name] = opened(properties[name])
        total += shared.size(properties[name])
    if total <= most:
        return {**schema, "properties": properties}
    raise DocumentError(
        f"{where}: its tool, or those of the document together, are too large even with open arguments"
    )


def _without_annotations(schema: Any) -> Any:
    """Return ``schema`` without annotations: validation ignores them, and they cost a model's context."""
    if isinstance(schema, list):
        return [_without_annotations(member) for member in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", schema).items():
        if key == "properties":
            kept[key] = {name: _without_annotations(member) for name, member in value.items()}
        elif key not in _ANNOTATIONS:
            kept[key] = _without_annotations(value)
    return kept
