"""Validation against JSON Schema within bounds on time and memory, whatever a document and a caller combine.

The validator makes an object with a message for each violation before it returns the first, so that a list
of wrong values takes seconds. Where that would be many, only the first violation is looked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

__all__ = [
    "LITERALS",
    "UNCHECKED",
    "SchemaChecks",
    "compile_schema",
    "is_unchecked",
    "patterns_in",
    "values_in",
    "violations_of",
]

LITERALS: Final = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose values are no schemas."""

_MEMBERS: Final = frozenset({"properties", "patternProperties"})
"""Keywords whose members are schemas, whatever their names are."""

UNCHECKED: Final = "cannot be checked: its pattern takes too many steps"
"""The predicate of a sentence about a value whose ``pattern`` the validator gives up."""

_MAX_BACKTRACKS: Final = 10_000
"""Steps back of one match; only a pattern with a lookaround or a back reference makes any."""

_PATTERN_BYTES: Final = (2**12, 2**16, 2**19, 2**22, 10 * 2**20)
"""Bytes that a compiled pattern is tried to fit into; the validator allows no more than the last."""

_MAX_SCHEMA_BYTES: Final = 100 * 2**20
"""Bytes of all compiled patterns of one schema."""

_MAX_DOCUMENT_BYTES: Final = 1536 * 2**20
"""Bytes of all compiled patterns of a document, one schema after the other: some three seconds."""

_MAX_WORK: Final = 100_000
"""Values of an instance times values of its schema: how many violations there may be, at 20 µs each."""


def compile_schema(schema: Mapping[str, Any], *, validate_formats: bool) -> "Draft202012Validator":
    """Return the validator of ``schema``.

    Raises:
        ValueError: it is not valid JSON Schema.

    """
    from jsonschema_rs import (  # noqa: PLC0415 - not needed before a first call
        Draft202012Validator,
        FancyRegexOptions,
    )

    options = FancyRegexOptions(backtrack_limit=_MAX_BACKTRACKS)
    return Draft202012Validator(dict(schema), validate_formats=validate_formats, pattern_options=options)


class SchemaChecks:
    """Checks the schemas of one document by compiling them, without keeping the results."""

    def __init__(self) -> None:
        self._sizes: dict[str, int | None] = {}
        self._left = _MAX_DOCUMENT_BYTES

    def reads(self, pattern: str) -> bool:
        """Return whether the validator can compile ``pattern`` within its bounds."""
        if pattern not in self._sizes:
            self._sizes[pattern] = _pattern_bytes(pattern)
        return self._sizes[pattern] is not None

    def check(self, schema: Mapping[str, Any], *, validate_formats: bool) -> None:
        """Compile ``schema``.

        Raises:
            ValueError: it is not valid JSON Schema, or its patterns would take too much memory or time.

        """
        total = 0
        for pattern in dict.fromkeys(patterns_in(schema)):
            if not self.reads(pattern) or (size := self._sizes[pattern]) is None:
                break  # compiling the schema says what is wrong with it
            total += size
            if total > _MAX_SCHEMA_BYTES or total > self._left:
                raise ValueError("its patterns, or the document's together, take too much memory or time")
        compile_schema(schema, validate_formats=validate_formats)
        self._left -= total


def patterns_in(schema: Any) -> Iterator[str]:
    """Yield every pattern of a schema; literals have none, whatever they look like."""
    if isinstance(schema, list):
        for each in cast("list[Any]", schema):
            yield from patterns_in(each)
    elif isinstance(schema, dict):
        for keyword, value in cast("dict[str, Any]", schema).items():
            if keyword == "pattern" and isinstance(value, str):
                yield value
            elif keyword == "patternProperties" and isinstance(value, dict):
                yield from cast("dict[str, Any]", value)
            if keyword in _MEMBERS and isinstance(value, dict):
                yield from patterns_in([*cast("dict[str, Any]", value).values()])
            elif keyword not in LITERALS:
                yield from patterns_in(value)


def _pattern_bytes(pattern: str) -> int | None:
    """Return into how many bytes the compiled pattern fits, or ``None`` if the validator refuses it."""
    from jsonschema_rs import Draft202012Validator, FancyRegexOptions  # noqa: PLC0415

    for size in _PATTERN_BYTES:
        with suppress(ValueError):
            Draft202012Validator({"pattern": pattern}, pattern_options=FancyRegexOptions(size_limit=size))
            return size
    return None


def violations_of(
    validator: "Draft202012Validator", schema: Mapping[str, Any], instance: Any
) -> "Iterator[ValidationError]":
    """Yield the violations of ``schema`` by ``instance``; only the first if there may be too many."""
    if validator.is_valid(instance):
        return
    if values_in(instance, _MAX_WORK) * values_in(schema, _MAX_WORK) <= _MAX_WORK:
        yield from validator.iter_errors(instance)
        return
    from jsonschema_rs import ValidationError  # noqa: PLC0415

    try:
        validator.validate(instance)
    except ValidationError as error:
        yield error


def is_unchecked(error: "ValidationError") -> bool:
    """Whether the validator could not tell if ``pattern`` matches."""
    return error.kind.name == "pattern" and "pattern" not in error.kind.as_dict()


def values_in(value: Any, most: int) -> int:
    """Return how many values JSON ``value`` has, itself included, or a little more than ``most``."""
    count, waiting = 1, [value]
    while waiting and count <= most:
        each = waiting.pop()
        if not isinstance(each, dict | list):
            continue
        inner = cast("dict[str, Any] | list[Any]", each)
        members = inner.values() if isinstance(inner, dict) else inner
        count += len(members)
        waiting += islice(members, most)
    return count
