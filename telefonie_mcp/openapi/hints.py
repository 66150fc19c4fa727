"""Hints: what an OpenAPI document cannot express about an operation, and agents or the pipeline need.

Hints are in a data file beside the packaged document, keyed by ``operationId``, or in the document itself as
``x-telefonie-hints`` of an operation. Assessment, preview and reconciliation follow hints and do not name
operations. Without hints an operation has safe defaults: GET only reads; everything else is destructive and
requires ``confirm``.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "ArgumentHint",
    "Hints",
    "OfferMembers",
    "Pages",
    "Read",
    "Requirement",
    "ResourceHint",
    "Settle",
    "answer_path",
    "reads_of",
    "sentence",
]


class _Hint(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    """They are built together, as parts of ``Hints``, and not each by itself as well."""


class ArgumentHint(_Hint):
    """What the document says about an argument only in prose, or not at all.

    Attributes:
        format: A format of :mod:`telefonie_mcp.tools.formats` for the value, or for each item of a list, such
            as ``e164``.
        keywords: JSON Schema keywords that override those of the document.
        null: What an explicit null means for a member of a JSON body: ``absent`` (many clients send it for
            whatever was left out), or ``clears``, and it is sent.
        protects: Whether the operator's rules about protected numbers and webhook hosts hold for the value;
            ``false`` where the write neither changes nor routes to it, such as the caller id of a call.
        secret: The value is sent to the API and appears nowhere else: not in the ledger, a preview, a
            question or an error. No response contains it, so it is not compared when a write is settled.

    """

    format: str | None = None
    null: Literal["absent", "clears"] = "absent"
    protects: bool = True
    secret: bool = False
    keywords: Mapping[str, Any] = Field(default_factory=dict[str, Any], alias="schema")

    @model_validator(mode="before")
    @classmethod
    def _null_is_a_name(cls, data: Any) -> Any:
        """Read the key ``null``, which is no string in YAML."""
        if isinstance(data, Mapping) and None in data:
            members = cast("Mapping[Any, Any]", data).items()
            return {"null" if key is None else key: value for key, value in members}
        return cast("Any", data)


class Read(_Hint):
    """A read that returns the current state of a write's subject; the reverse of an OpenAPI link.

    Attributes:
        operation: ``operationId`` of the read.
        arguments: Argument of the read → ``name`` or ``name|format`` (an argument of the write, converted by
            a derivation of :mod:`telefonie_mcp.tools.formats`), or a literal number. In ``settle`` also
            ``answer.name``: a member of the write's own answer, such as an id that nobody knows before.
        items: If the response is a list, the member that holds it. The state is the item whose ``key`` equals
            the subject.
        key: The member of an item that identifies it; by default it is called like the subject.
        absent: A sentence for when there is no such item or resource.

    """

    operation: str
    arguments: Mapping[str, str | int] = Field(default_factory=dict[str, str | int])
    items: str | None = None
    key: str | None = None
    absent: str = ""


class Settle(Read):
    """The read that shows whether a write has taken effect.

    Attributes:
        done: The state that means so: the subject is ``present`` (after a purchase), is ``absent`` (after a
            release), ``matches`` the arguments that were sent (after an update), or is in a ``state`` (after
            a step of a process), where its ``member`` has one of the ``values``.
        already: A sentence for a subject that was in that state before the write.
        member: With ``done: state``, the member of the response.
        values: With ``done: state``, its values.

    """

    done: Literal["present", "absent", "matches", "state"]
    already: str = ""
    member: str = ""
    values: tuple[str, ...] = ()

    @property
    def by_answer(self) -> bool:
        """Whether the write's own answer says what to read, and nothing else does."""
        sources = [source for source in self.arguments.values() if isinstance(source, str)]
        return self.items is None and bool(sources) and all(map(answer_path, sources))

    @model_validator(mode="after")
    def _a_state_has_values(self) -> Self:
        state = self.done == "state"
        if (bool(self.member), bool(self.values)) != (state, state):
            raise ValueError("done: state needs member and values, and nothing else takes them")
        return self


class Requirement(_Hint):
    """The read that says what a write requires beyond its arguments, such as an address.

    It can belong to another document of the same API. Where the API has no such read, or does not tell, the
    requirement is ``unknown``.

    Attributes:
        operation: ``operationId`` of the read.
        arguments: Argument of the read → argument of the write.
        items: The member of the response that holds a list, whose first item says it.
        member: The member that says it, of the item; or of the offer itself, where it has one.
        words: What it says → what a person understands.
        unknown: A sentence for when it cannot be known.

    """

    operation: str
    arguments: Mapping[str, str]
    items: str
    member: str
    words: Mapping[str, str] = Field(default_factory=dict[str, str])
    unknown: str


class Pages(_Hint):
    """Pagination of a read.

    Attributes:
        items: The member that holds the items of a page.
        key: The member that identifies an item.
        page: The argument for the page number, from 1.
        size: The argument for the page size.
        total: The member that holds the total number of items, if there is one.
        rate: The member of an item that is its monthly rate, if the items are what the account pays for.
        country: The member of an item that is its country, by which the rates are added.

    """

    items: str
    key: str
    page: str
    size: str
    total: str | None = None
    rate: str | None = None
    country: str = "country_code"


class ResourceHint(_Hint):
    """A read that is also an MCP resource.

    Attributes:
        uri: Its URI; variables in braces are arguments of the operation (RFC 6570, level 1).
        name: ``name`` of the MCP resource.
        title: ``title`` of the MCP resource.
        description: ``description`` of the MCP resource.
        member: The member for this read's response, if several operations share the URI.
        arguments: Further arguments of the read, as literals.
        pages: Pagination; the resource is the whole collection.

    """

    uri: str = Field(pattern=r"^telefonie://[a-z][a-z-]*(/([a-z][a-z-]*|\{[a-z_]+\}))*$")
    name: str
    title: str
    description: str
    member: str | None = None
    arguments: Mapping[str, str | int] = Field(default_factory=dict[str, str | int])
    pages: Pages | None = None


class OfferMembers(_Hint):
    """Names of the members of an offer: rates, country and type.

    Attributes:
        monthly_rate: The rate of the whole offer per month.
        highest_rate: The highest rate of a single number in it per month; unset where the offer is one
            number, whose rate is ``monthly_rate``.
        country: The country, as an ISO 3166-1 alpha-2 code.
        type: The type of number, or a list of types.

    """

    monthly_rate: str = "monthly_rate"
    highest_rate: str | None = None
    country: str = "country_code"
    type: str = "type"


class Hints(_Hint):
    """The hints of one operation.

    The *state* below is the item or response that the preview read returns.

    Attributes:
        description: Appended to the document's description: when to use it, what it costs, what comes next.
        read_only: Whether it only reads; by default GET does. For example, a search with a request body.
        brief: The listed output schema has only the names and types of required members, to save a model's
            context. Responses are still validated against the complete schema.
        destructive: Whether it is destructive; by default everything that does not only read.
        idempotent: Whether it is idempotent; by default as its HTTP method (RFC 9110 §9.2.2).
        subject: The argument that identifies what the operation is about.
        arguments: Hints by argument.
        confirm: What confirming means, in plain words that follow "would"; names in braces are members of the
            state, or arguments.
        preview: The read that returns the state before a destructive operation; by default ``settle``.
        effect: ``acquire`` starts a monthly cost, ``dispose`` ends one; budgets count them.
        offer_members: Names of the state's members for price, country and type (``facts`` in the file).
        asked: The members of the state that a decision needs; previews and questions to a person show them.
        requires: What else the API wants before it accepts the operation.
        ceiling: Name of an additional argument, not sent to the API: the highest monthly rate that the caller
            agrees to.
        loses: The members of the state that the operation deletes.
        lacks: The member of the state that lists what the API requires before it accepts the operation.
        settle: The read that settles a write whose outcome is unknown.
        replaced: The member of the result for the values that the write replaced.
        resource: The read as an MCP resource.
        refused: HTTP status → the next step after the API refused with it.
        scope: The OAuth scope that it takes in hosted mode (RFC 6749 §3.3).

    """

    description: str = ""
    read_only: bool | None = None
    brief: bool = False
    destructive: bool | None = None
    idempotent: bool | None = None
    subject: str | None = None
    arguments: Mapping[str, ArgumentHint] = Field(default_factory=dict[str, ArgumentHint])
    confirm: str = ""
    preview: Read | None = None
    effect: Literal["acquire", "dispose", "change"] = "change"
    offer_members: OfferMembers = Field(default=OfferMembers.model_construct(), alias="facts")
    asked: tuple[str, ...] = ()
    requires: Requirement | None = None
    ceiling: str | None = None
    loses: tuple[str, ...] = ()
    lacks: str = ""
    settle: Settle | None = None
    replaced: str | None = None
    resource: ResourceHint | None = None
    refused: Mapping[int, str] = Field(default_factory=dict[int, str])
    scope: str | None = Field(default=None, pattern=r"^[!#-\[\]-~]+$")

    @property
    def relies_on_answers(self) -> bool:
        """Whether they say what is in the operation's answer, or look it up when it is not there."""
        pages = self.resource is not None and self.resource.pages is not None
        return bool(pages or self.preview or self.settle or self.replaced or self.effect != "change")

    @model_validator(mode="after")
    def _reads_need_a_subject(self) -> Self:
        if self.subject is None and (self.preview or (self.settle and not self.settle.by_answer)):
            raise ValueError("preview and settle need a subject, or a settle identifies it by the answer")
        if self.replaced and not self.settle:
            raise ValueError("replaced needs a settle")
        if self.read_only and self.destructive:
            raise ValueError("what only reads is not destructive")
        return self


def answer_path(source: str | int) -> list[str]:
    """Return the steps to a member of the write's answer; none for any other source of an argument."""
    return source.split(".")[1:] if isinstance(source, str) and source.startswith("answer.") else []


def reads_of(hints: Mapping[str, Hints]) -> frozenset[str]:
    """Return the ``operationId`` of every read that hints of other operations name."""
    reads = (read for each in hints.values() for read in (each.preview, each.settle, each.requires))
    return frozenset(read.operation for read in reads if read)


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """Replace names in braces in a sentence of the hints by their values; unknown names stay."""

    def value(match: re.Match[str]) -> str:
        filled = values.get(match[1], match[0])
        return ", ".join(map(str, cast("list[Any]", filled))) if isinstance(filled, list) else str(filled)

    return re.sub(r"{(\w+)}", value, template)
