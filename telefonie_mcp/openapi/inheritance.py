"""Schemas with a ``discriminator`` (OpenAPI 3.1.1 §4.8.25) as the union of the schemas that it names; pure.

Models fill in one flat object better than one of several alternatives. So the union is an object with the
members of all children, of which only those that every child requires are required; the description of the
discriminator says which members belong to which of its values. The API has the last word.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from telefonie_mcp.openapi.combining import Json, fold
from telefonie_mcp.openapi.references import SCHEMAS, Direction, References
from telefonie_mcp.openapi.structure import shown

__all__ = ["FAMILY", "Child", "Family", "family", "is_parent", "united"]

FAMILY: Final = frozenset({"anyOf", "discriminator", "oneOf"})
"""Keywords that say which children a schema has."""

_MAX_DESCRIPTION: Final = 2000
"""Characters of what the discriminator's description says about members."""


@dataclass(frozen=True, slots=True)
class Child:
    """A schema that inherits, and the discriminator's values that mean it."""

    schema: Json
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """The children of a schema.

    Attributes:
        discriminator: The member whose value says which child an object is.
        children: The children.
        values: All values that the document names, for arguments; empty if it names none.

    """

    discriminator: str
    children: tuple[Child, ...]
    values: tuple[str, ...]


def family(node: Json, references: References, direction: Direction) -> Family | None:
    """Return the children of ``node``, if its discriminator says which there are.

    In results, alternatives stay alternatives.
    """
    source = node.get("discriminator")
    found: Any = cast("Json", source).get("propertyName") if isinstance(source, Mapping) else source
    if not isinstance(found, str):
        return None
    mapping: Any = cast("Json", source).get("mapping") if isinstance(source, Mapping) else None
    values = _values(cast("Json", mapping) if isinstance(mapping, Mapping) else {}, references)
    alternatives = [*_listed(node, "oneOf"), *_listed(node, "anyOf")]
    if alternatives and direction == "output":
        return None
    if not alternatives:
        alternatives = [{"$ref": reference} for reference in values] or references.children_of(node)
    named = bool(values)
    children = tuple(_child(each, values, named=named) for each in alternatives)
    known = dict.fromkeys(value for child in children for value in child.values)
    return Family(found, children, tuple(known) if direction != "output" else ()) if children else None


def is_parent(node: Json, references: References) -> bool:
    """Return whether a schema with a discriminator is inherited from, rather than a choice between others."""
    if "discriminator" not in node:
        return False
    listed = {part.get("$ref") for part in (*_listed(node, "oneOf"), *_listed(node, "anyOf"))}
    heirs = {heir["$ref"] for heir in references.children_of(node)}
    return not listed or bool(listed & heirs)


def _child(schema: Json, values: Mapping[str, list[str]], *, named: bool) -> Child:
    reference = schema.get("$ref")
    if not named or not isinstance(reference, str):
        return Child(schema)
    return Child(schema, tuple(values.get(reference) or [reference.rpartition("/")[2]]))


def _values(mapping: Json, references: References) -> dict[str, list[str]]:
    """Return reference → the values that mean it; a mapping may name a schema instead of referring to it."""
    values: dict[str, list[str]] = {}
    for value, target in mapping.items():
        reference = SCHEMAS + target if isinstance(target, str) and references.has_schema(target) else target
        if isinstance(reference, str) and reference.startswith("#/"):
            values.setdefault(reference, []).append(value)
        else:
            references.omissions.note(f"discriminator: {value!r} has no schema, but {shown(target)}")
    return values


def _listed(node: Json, key: str) -> list[Json]:
    parts = node.get(key)
    listed = cast("list[Any]", parts) if isinstance(parts, list) else []
    return [cast("Json", part) for part in listed if isinstance(part, Mapping) and part != {"type": "null"}]


def united(found: Family, parent: Json, children: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the union of converted schemas, or ``None`` if one of them is no object with listed members."""
    own = fold(dict(parent))
    folded = [fold(child) for child in children]
    if not all(_is_plain_object(each) for each in [own, *folded]):
        return None
    properties: dict[str, Any] = {}
    for each in [own, *folded]:
        for name, schema in each.get("properties", {}).items():
            alternatives = properties.setdefault(name, [])
            if schema not in alternatives:
                alternatives.append(schema)
    members = {name: each[0] if len(each) == 1 else _either(each) for name, each in properties.items()}
    required = dict.fromkeys(own.get("required", ()))
    everywhere = [set(each.get("required", ())) for each in folded]
    required |= dict.fromkeys(name for name in members if all(name in each for each in everywhere))
    members[found.discriminator] = _discriminator(found, members, own, folded)
    closed = all(each.get("additionalProperties") is False for each in folded)
    kept = {key: value for key, value in own.items() if key not in {"additionalProperties", "required"}}
    return {
        **kept,
        "type": "object",
        "properties": members,
        **({"required": [*required]} if required else {}),
        **({"additionalProperties": False} if closed else {}),
    }


def _is_plain_object(schema: Json) -> bool:
    return schema.get("type", "object") == "object" and not schema.keys() & {
        "allOf",
        "anyOf",
        "enum",
        "items",
    }


def _either(alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a schema for what is different in several children; of enumerations, all values together."""
    if {} in alternatives:
        return {}
    if all("enum" in each for each in alternatives):
        values = [value for each in alternatives for value in each["enum"]]
        distinct = [value for index, value in enumerate(values) if value not in values[:index]]
        return {**alternatives[0], "enum": distinct}
    return {"anyOf": alternatives}


def _discriminator(
    found: Family, members: Mapping[str, Any], own: Json, folded: Sequence[Json]
) -> dict[str, Any]:
    """Return the schema of the discriminator, with its values, and what belongs to each."""
    schema: dict[str, Any] = {"type": "string", **members.get(found.discriminator, {})}
    if found.values:
        kept = {key: value for key, value in schema.items() if key in {"description", "title", "default"}}
        schema = {"type": "string", "enum": [*found.values], **kept}
    inherited = {*own.get("properties", ()), found.discriminator}
    parts = "; ".join(_words(found, folded, inherited))[:_MAX_DESCRIPTION]
    described = schema.get("description", "").rstrip(".")
    description = ". ".join(filter(None, [described, parts and f"With {parts}."]))
    return {**schema, "description": description} if description else schema


def _words(found: Family, folded: Sequence[Json], inherited: set[str]) -> Iterator[str]:
    for child, schema in zip(found.children, folded, strict=True):
        required = schema.get("required", ())
        names = [name for name in schema.get("properties", ()) if name not in inherited]
        listed = ", ".join(f"{name} (required)" if name in required else name for name in names)
        if child.values and listed:
            yield f"{' or '.join(child.values)}: {listed}"
