"""What a specification cannot say about an operation, and an agent or the guard must know.

Hints live in a data file beside the packaged document, keyed by ``operationId``, or in the document
itself as ``x-telefonie-hints`` on an operation. They are the only place outside the sandbox that names
an operation: guard, preview and reconciliation follow hints. Without hints an operation is safe by
default: GET only reads; everything else is destructive and asks for ``confirm``.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ArgumentHint", "Exposed", "Hints", "OfferMembers", "Pages", "Read", "Settle", "sentence"]


class _Hint(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArgumentHint(_Hint):
    """What the document says about an argument only in prose.

    Attributes:
        format: A reading of the value, or of each item of a list, that :mod:`telefonie_mcp.tools.formats`
            knows, such as ``e164``.
        keywords: JSON Schema keywords laid over those of the document.
        secret: The value goes to the API and nowhere else: not into the ledger, a preview, a question or an
            error. No answer shows it either, so nothing can be settled by comparing it.

    """

    format: str | None = None
    secret: bool = False
    keywords: Mapping[str, Any] = Field(default_factory=dict[str, Any], alias="schema")


class Read(_Hint):
    """A read that shows the facts a write is about, like an OpenAPI link in the other direction.

    Attributes:
        operation: ``operationId`` of the read.
        arguments: Argument of the read → ``name`` or ``name|format`` (an argument of the write, seen
            through a derivation of :mod:`telefonie_mcp.tools.formats`), or a literal number.
        items: Where the answer is a list, the member that holds it; the fact is the item whose field
            named like the subject equals it.
        absent: A sentence for when there is no such fact.

    """

    operation: str
    arguments: Mapping[str, str | int] = Field(default_factory=dict[str, str | int])
    items: str | None = None
    absent: str = ""


class Settle(Read):
    """The read that tells whether a write happened, before and after it.

    ``done`` says which answer means that the write has happened: the thing is ``present`` (a purchase),
    ``absent`` (a release), it ``matches`` the arguments that were sent (an update), or it is in a
    ``state`` (a step of a process): its ``member`` has one of the ``values``. ``already`` is the sentence
    for a thing that was there, or in that state, before the write.
    """

    done: Literal["present", "absent", "matches", "state"]
    already: str = ""
    member: str = ""
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _a_state_has_values(self) -> Self:
        state = self.done == "state"
        if (bool(self.member), bool(self.values)) != (state, state):
            raise ValueError("done: state needs member and values, and nothing else takes them")
        return self


class Pages(_Hint):
    """How a read that answers in pages is read to its end.

    Attributes:
        items: The member that holds the items of a page.
        key: The member of an item that identifies it.
        page: The argument that says which page, from 1.
        size: The argument that says how many items a page has at most.
        total: The member that says how many items there are in all, if one does.

    """

    items: str
    key: str
    page: str
    size: str
    total: str | None = None


class Exposed(_Hint):
    """A read whose answer can be read as a resource too.

    Attributes:
        uri: Its URI; variables in braces are arguments of the operation (RFC 6570, level 1).
        name: A short name for programs.
        title: A name for people.
        description: What it shows.
        member: Where operations share a URI, each one's answer stands under a member of its own.
        arguments: Further arguments of the read, literally.
        pages: The resource is the whole collection.

    """

    uri: str = Field(pattern=r"^telefonie://[a-z][a-z-]*(/([a-z][a-z-]*|\{[a-z_]+\}))*$")
    name: str
    title: str
    description: str
    member: str | None = None
    arguments: Mapping[str, str | int] = Field(default_factory=dict[str, str | int])
    pages: Pages | None = None


class OfferMembers(_Hint):
    """Which members of a fact say what it costs and where it belongs.

    Attributes:
        monthly_rate: What all of it costs per month.
        highest_rate: What the dearest number in it costs per month; ``monthly_rate`` if unset, as where it is
            one number.
        country: ISO 3166-1 alpha-2 code.
        type: The type of number, or a list of them.

    """

    monthly_rate: str = "monthly_rate"
    highest_rate: str | None = None
    country: str = "country_code"
    type: str = "type"


class Hints(_Hint):
    """Everything known about one operation beyond its document.

    Attributes:
        description: Added to the document's description: when to use it, what it costs, what comes next.
        read_only: Overrides the default, which is "only GET": a search, say, whose query needs a body.
        brief: Clients are told only the names and types of what every answer has, to save a model's context;
            the answer is validated completely all the same.
        destructive: Overrides the default, which is "anything that does not only read".
        idempotent: Overrides the default, which follows the HTTP method (RFC 9110 §9.2.2).
        subject: The argument that identifies the thing the operation is about.
        arguments: Per argument.
        confirm: What confirming means, in plain words, from "would"; members of the preview's fact and
            arguments stand in braces.
        preview: The read that shows what a destructive operation is about to touch; ``settle`` if unset.
        effect: ``acquire`` starts a monthly cost, ``dispose`` ends one; budgets count them.
        offer_members: Where in the preview's fact its price and place stand (``facts``).
        asked: Which members of the fact a person sees who must approve.
        ceiling: An argument of our own, not the API's: the highest monthly rate that the caller agrees to.
        loses: Which members of the fact are lost by the operation.
        lacks: The member of the fact that lists what the API wants before it accepts the operation.
        settle: The read that settles a write whose outcome is unknown.
        replaced: The result tells under this name which values the write replaced.
        resource: The read as a resource.
        refused: HTTP status → the next step after the API refused with it.

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
    offer_members: OfferMembers = Field(default=OfferMembers(), alias="facts")
    asked: tuple[str, ...] = ()
    ceiling: str | None = None
    loses: tuple[str, ...] = ()
    lacks: str = ""
    settle: Settle | None = None
    replaced: str | None = None
    resource: Exposed | None = None
    refused: Mapping[int, str] = Field(default_factory=dict[int, str])

    @model_validator(mode="after")
    def _reads_need_a_subject(self) -> Self:
        if self.subject is None and (self.preview or self.settle):
            raise ValueError("preview and settle need a subject")
        if self.replaced and not self.settle:
            raise ValueError("replaced needs a settle")
        if self.read_only and self.destructive:
            raise ValueError("what only reads is not destructive")
        return self


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """Fill values into a sentence of the hints, where their names stand in braces."""

    def value(match: re.Match[str]) -> str:
        filled = values.get(match[1], match[0])
        return ", ".join(map(str, cast("list[Any]", filled))) if isinstance(filled, list) else str(filled)

    return re.sub(r"{(\w+)}", value, template)
