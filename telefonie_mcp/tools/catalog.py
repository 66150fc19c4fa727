"""The tools of a server and which of them are enabled; frozen values.

:mod:`telefonie_mcp.tools.derivation` builds them from OpenAPI documents.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.errors import SettingsError, UnknownToolError
from telefonie_mcp.money import ACCOUNT_CURRENCY
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.openapi.hints import Hints
from telefonie_mcp.openapi.omissions import LeftOut
from telefonie_mcp.openapi.operation import Binding, Operation
from telefonie_mcp.redaction import HIDDEN
from telefonie_mcp.text import clean_line, did_you_mean

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

__all__ = ["CONFIRM", "MAX_NAME", "Catalog", "Tool", "member_name", "restrict", "ungiven", "with_currency"]

CONFIRM: Final = "confirm"
"""The argument that every destructive tool requires."""

_MAX_SENTENCE: Final = 500
"""Characters of a sentence about what is left out, which repeats names of the document."""

MAX_NAME: Final = 44
"""Characters of a tool's name: clients prefix it with the server's name, and model APIs allow 64 in all."""


@dataclass(frozen=True, eq=False)
class Tool:
    """One operation as an agent sees it.

    Attributes:
        output_schema: The schema in ``tools/list``; a subset of ``answer_schema`` where the hints say so.
        answer_schema: The schema that answers are validated against.
        document_secrets: The names of all secret arguments in the document, as :func:`member_name` has them.
        document_subjects: The names of what the document's operations are about, likewise.
        strict: Whether an answer that differs from the document is unusable, because this server relies on
            it: the document is packaged, or hints say what is in the answer.

    """

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    answer_schema: dict[str, Any]
    read_only: bool
    destructive: bool
    idempotent: bool
    operation: Operation
    document: Document
    hints: Hints
    bindings: tuple[Binding, ...]
    document_secrets: frozenset[str] = frozenset()
    document_subjects: frozenset[str] = frozenset()
    strict: bool = True

    @cached_property
    def formats(self) -> Mapping[str, str]:
        """Argument → name in :data:`~telefonie_mcp.tools.formats.FORMATS`, for arguments with a format."""
        return {name: hint.format for name, hint in self.hints.arguments.items() if hint.format}

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Names of the arguments that are sent to the API but never shown or recorded."""
        own = {name for name, hint in self.hints.arguments.items() if hint.secret}
        named = {
            binding.argument
            for binding in self.bindings
            if {member_name(binding.argument), member_name(binding.name)} & self.secret_names
        }
        return frozenset(own | named)

    @cached_property
    def secret_names(self) -> frozenset[str]:
        """Names of members that are hidden in arguments and answers: a secret belongs to the document."""
        return self.document_secrets - {member_name(self.hints.subject or "")}

    @cached_property
    def subject_names(self) -> frozenset[str]:
        """Names of members that say what an answer of the document is about."""
        return self.document_subjects - self.secret_names

    @cached_property
    def only_list(self) -> str | None:
        """The only member of an answer that is a list."""
        members = cast("Mapping[str, Mapping[str, Any]]", self.answer_schema.get("properties", {}))
        lists = [name for name, schema in members.items() if schema.get("type") == "array"]
        return lists[0] if len(lists) == 1 else None

    def shown(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``arguments`` with every secret replaced, at any depth, for messages and the ledger."""
        return {
            name: HIDDEN if name in self.secrets else _without_secrets(value, self.secret_names)
            for name, value in arguments.items()
        }

    @cached_property
    def argument_validator(self) -> "Draft202012Validator":
        """The validator of ``input_schema``, compiled on first use.

        In an added document, ``format`` is an annotation: the API decides.
        """
        from telefonie_mcp.tools.validation import compile_schema  # noqa: PLC0415 - not before a first call

        return compile_schema(self.input_schema, validate_formats=self.document.packaged)

    @cached_property
    def result_validator(self) -> "Draft202012Validator":
        """The validator of ``answer_schema``, compiled on first use.

        ``format`` is an annotation here (JSON Schema 2020-12 Validation §7.2.1): a date that the provider
        writes differently does not invalidate an otherwise usable answer.
        """
        from telefonie_mcp.tools.validation import compile_schema  # noqa: PLC0415 - not before a first call

        return compile_schema(self.answer_schema, validate_formats=False)


@dataclass(frozen=True, eq=False)
class Catalog:
    """The enabled tools, and the reason why each of the others is disabled.

    Attributes:
        everything: All tools in document order; a disabled read can still serve as the lookup of a write.
        switched_off: Name → the setting that disabled the tool.
        absent: A sentence about toolsets that are not loaded, appended to the error about an unknown tool.
        left_out: Name → the operation that is no tool, and why.
        notes: Sentences about parts of documents that the tools lack, or name differently.

    """

    everything: Mapping[str, Tool]
    switched_off: Mapping[str, str] = field(default_factory=dict[str, str])
    absent: str = ""
    left_out: Mapping[str, LeftOut] = field(default_factory=dict[str, LeftOut])
    notes: tuple[str, ...] = ()

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        """The tools of ``tools/list``, in its order."""
        return {name: tool for name, tool in self.everything.items() if name not in self.switched_off}

    def __getitem__(self, name: str) -> Tool:
        """Return the enabled tool called ``name``.

        Raises:
            UnknownToolError: there is none; the message has the closest name, or the setting that
                disabled the tool.

        """
        if tool := self.tools.get(name):
            return tool
        if left_out := self.left_out.get(name):
            raise UnknownToolError(clean_line(f"{name} is no tool: {left_out}", _MAX_SENTENCE))
        if setting := self.switched_off.get(name):
            raise UnknownToolError(f"{name} is switched off by {setting}")
        known = did_you_mean(name, self.tools, f"the tools are {', '.join(self.tools)}.")
        raise UnknownToolError(f"Unknown tool {clean_line(name, MAX_NAME)!r}: {known} {self.absent}".strip())

    @cached_property
    def omissions(self) -> tuple[str, ...]:
        """What the operator's documents have and the tools lack: a sentence each, operations first."""
        left_out = (f"{each.place} is no tool: {each.reason}" for each in self.left_out.values())
        return tuple(clean_line(sentence, _MAX_SENTENCE) for sentence in (*left_out, *self.notes))

    def __iter__(self) -> Iterator[Tool]:
        """Return the tools in the order of ``tools/list``."""
        return iter(self.tools.values())

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return the input schema of an enabled tool, or ``None`` for an unknown name."""
        tool = self.tools.get(name)
        return tool and tool.input_schema

    def sibling(self, tool: Tool, operation_id: str) -> Tool:
        """Return the tool for another operation, named by its operationId, of ``tool``'s document."""
        return next(
            other
            for other in self.everything.values()
            if other.document is tool.document and other.operation.id == operation_id
        )


def restrict(
    catalog: Catalog,
    *,
    read_only: bool,
    tools: Sequence[str],
    exclude_tools: Sequence[str],
    toolsets: Collection[str] | None = None,
    absent: str = "",
) -> Catalog:
    """Return the catalog with the tools disabled that the settings exclude.

    A tool is disabled by the first rule that applies: toolset, read-only, exclusion, inclusion.

    Args:
        catalog: All tools.
        read_only: Disable every tool that writes.
        tools: Names to keep; empty keeps all.
        exclude_tools: Names to disable.
        toolsets: Toolsets to keep, by default all; a tool that belongs to no toolset is always kept.
        absent: See :class:`Catalog`.

    Raises:
        SettingsError: there is no tool of a given name; the message has the closest match, or says why the
            operation is left out.

    """
    for setting, names in (("TELEFONIE_TOOLS", tools), ("TELEFONIE_EXCLUDE_TOOLS", exclude_tools)):
        for name in names:
            left_out = catalog.left_out.get(name)
            if left_out and setting == "TELEFONIE_TOOLS":
                raise SettingsError(f"{setting}: {name} is no tool: {left_out}")
            if name not in catalog.everything and not left_out:
                unknown = f"{setting}: there is no tool {name!r}; {did_you_mean(name, catalog.everything)}"
                raise SettingsError(f"{unknown} {absent}".strip())
    off: dict[str, str] = {}
    for name, tool in catalog.everything.items():
        if toolsets is not None and tool.document.toolset not in {"", *toolsets}:
            off[name] = "TELEFONIE_TOOLSETS"
        elif read_only and not tool.read_only:
            off[name] = "TELEFONIE_READ_ONLY"
        elif name in exclude_tools:
            off[name] = "TELEFONIE_EXCLUDE_TOOLS"
        elif tools and name not in tools:
            off[name] = "TELEFONIE_TOOLS"
    return replace(catalog, switched_off=off, absent=absent)


def check_number_types(catalog: Catalog, names: Collection[str]) -> None:
    """Check that an operator names only types of number that the API has.

    Raises:
        SettingsError: there is no such type; a misspelt one would silently allow nothing.

    """
    known: dict[str, None] = {}
    for tool in catalog:
        if tool.hints.effect == "acquire" and tool.hints.preview:
            offers = catalog.sibling(tool, tool.hints.preview.operation)
            schema = offers.input_schema["properties"].get(tool.hints.offer_members.type, {})
            known |= dict.fromkeys(schema.get("enum", ()))
    for name in sorted({*names} - known.keys()):
        raise SettingsError(f"TELEFONIE_NUMBER_TYPES: there is no type {name!r}; {did_you_mean(name, known)}")


def ungiven(tool: Tool) -> dict[str, str]:
    """Return what sentences of the hints say for arguments that are not given."""
    return dict.fromkeys(tool.input_schema["properties"], "(not given)")


def member_name(name: str) -> str:
    """Return a name as names are compared: ``pin_code``, ``pinCode`` and ``PIN-Code`` are the same."""
    return "".join(filter(str.isalnum, name)).casefold()


def _without_secrets(value: Any, names: frozenset[str]) -> Any:
    if not names:
        return value
    if isinstance(value, list):
        return [_without_secrets(item, names) for item in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    return {
        name: HIDDEN if member_name(name) in names else _without_secrets(member, names)
        for name, member in cast("Mapping[str, Any]", value).items()
    }


def with_currency(catalog: Catalog, currency: str | None) -> Catalog:
    """Return the catalog with ``currency`` (ISO 4217) in descriptions that mention the account's currency."""
    if currency is None:
        return catalog
    everything = {
        name: replace(tool, description=tool.description.replace(ACCOUNT_CURRENCY, currency))
        for name, tool in catalog.everything.items()
    }
    return replace(catalog, everything=everything)
