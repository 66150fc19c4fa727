"""Compiles the schemas of all tools, so that what is wrong with them is known at the start.

A pattern that JSON Schema (ECMA-262 §22.2) does not have is dropped with a note, and the API decides. A tool
whose schema is invalid otherwise, or takes too much memory, is left out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.omissions import LeftOut
from telefonie_mcp.openapi.structure import shown
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.document_tools import by_name, place_of, without_dependents
from telefonie_mcp.tools.validation import LITERALS, SchemaChecks, patterns_in

__all__ = ["check_schemas"]

_MAX_REASON: Final = 200
"""Characters of the validator's message about an invalid schema."""

_ESCAPES: Final = r"\\[pPux]\{[^{}]*\}|\\.|\[:\w+:\]"
_CLASS: Final = re.compile(rf"\[\^?(?:(?>{_ESCAPES})|[^\]\\])*(?:\]|\\?\Z)", re.DOTALL)
"""A class, or one without an end: its escapes are read in one way only, so that no pattern takes long."""

_PARTS: Final = re.compile(
    rf"{_ESCAPES}|{_CLASS.pattern}|\(\?[a-zA-Z-]+[:)]|\(\?P<|\(\?P|\(\?>|[*+?}}]\+|.", re.DOTALL
)
"""Parts of a pattern as far as dialects differ in them: escapes, classes, groups and quantifiers."""

_TRANSLATED: Final[dict[str, str]] = {r"\A": "^", r"\z": "$", r"\Z": "$", "(?P<": "(?<"}
_FOREIGN: Final = re.compile(
    r"\\[GhHKQER]|\\x\{.*|\\[pP](?!\{)|\\[pP]\{\^?(?:Alnum|Blank|Cntrl|Digit|Graph|Print|Punct|Space|XDigit|"
    r"(?:In|Is|java)\w+)\}|\(\?[a-zA-Z-]+[:)]|\(\?P|\(\?>|\[:\w+:\]|[*+?}]\+"
)
"""What clients that compile a pattern as ECMA-262 would refuse, or read differently."""

_LITERAL: Final = re.compile(r"/(\^.*|.*\$)/([a-z]*)", re.DOTALL)
"""A pattern that is written as in JavaScript, which matches nothing as it stands."""

_LOOSE_HYPHEN: Final = re.compile(r"(\\[dDsSwW])-(?!\])")
"""A hyphen in a class that begins no range; outside Unicode mode, ECMA-262 (§B.1.2) takes it for itself."""


def check_schemas(catalog: Catalog) -> Catalog:
    """Return the catalog with schemas that compile, and without the tools that have others.

    Raises:
        DocumentError: nothing is left of a document.

    """
    tools: list[Tool] = []
    left_out = [*catalog.left_out.values()]
    notes: dict[str, None] = {}
    for _, group in groupby(catalog.everything.values(), lambda tool: tool.document.id):
        checks = SchemaChecks()
        gone: list[LeftOut] = []
        kept: list[Tool] = []
        siblings = [*group]
        for tool in siblings:
            place = place_of(tool.document, tool.operation)
            patterns = _Patterns(checks.reads)
            checked = patterns.checked(tool)
            try:
                checks.check(checked.input_schema, validate_formats=tool.document.packaged)
                checks.check(checked.answer_schema, validate_formats=False)
            except ValueError as error:
                reason = " ".join(str(error).split())[:_MAX_REASON]
                words = f"the schema of {tool.name} is invalid: {reason}"
                gone.append(LeftOut(tool.operation.id, place, words))
            else:
                kept.append(checked)
                notes |= {f"{place}: {words}": None for words in patterns.notes}
        if gone and not kept:
            raise DocumentError(f"{siblings[0].document.title}: {gone[0].reason}")
        kept, dependents = without_dependents(kept, [*left_out, *gone])
        tools += kept
        left_out += [*gone, *dependents]
    everything = {tool.name: tool for tool in tools}
    named = by_name(left_out, everything)
    return replace(catalog, everything=everything, left_out=named, notes=(*catalog.notes, *notes))


def _translated(part: str) -> str:
    return _LOOSE_HYPHEN.sub(r"\1\\-", part) if _CLASS.fullmatch(part) else _TRANSLATED.get(part, part)


def _is_foreign(part: str) -> bool:
    inside = re.findall(_ESCAPES, part) if _CLASS.fullmatch(part) else [part]
    return any(map(_FOREIGN.fullmatch, inside))


@dataclass
class _Patterns:
    """Replaces or drops the patterns of other dialects in one tool, and notes those that it drops."""

    reads: Callable[[str], bool]
    notes: dict[str, None] = field(default_factory=dict[str, None])

    def checked(self, tool: Tool) -> Tool:
        """Return ``tool`` with patterns that can be read."""
        schemas = (tool.input_schema, tool.output_schema, tool.answer_schema)
        if all(self._read(each) == each for schema in schemas for each in patterns_in(schema)):
            return tool
        given, shown_output, answer = map(self._schema, schemas)
        return replace(tool, input_schema=given, output_schema=shown_output, answer_schema=answer)

    def _read(self, pattern: str) -> str | None:
        literal = _LITERAL.fullmatch(pattern)
        source = literal[1] if literal else pattern
        parts = [_translated(part) for part in cast("list[str]", _PARTS.findall(source))]
        ignores_case = literal is not None and "i" in literal[2]
        if not ignores_case and not any(map(_is_foreign, parts)) and self.reads("".join(parts)):
            return "".join(parts)
        self.notes[f"the pattern {shown(pattern)} cannot be read and is dropped"] = None
        return None

    def _schema(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._schema(each) for each in cast("list[Any]", schema)]
        if not isinstance(schema, dict):
            return schema
        kept: dict[str, Any] = {}
        for key, value in cast("dict[str, Any]", schema).items():
            if key == "pattern" and isinstance(value, str):
                kept |= {} if (pattern := self._read(value)) is None else {key: pattern}
            elif key == "patternProperties" and isinstance(value, dict):
                kept[key] = self._names(cast("dict[str, Any]", value))
            elif key == "properties":
                kept[key] = {name: self._schema(member) for name, member in value.items()}
            else:
                kept[key] = value if key in LITERALS else self._schema(value)
        return kept

    def _names(self, members: dict[str, Any]) -> dict[str, Any]:
        named = ((self._read(name), self._schema(member)) for name, member in members.items())
        return {name: member for name, member in named if name is not None}
