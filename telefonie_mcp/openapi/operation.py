"""One operation of an API, as everything else in this package knows it.

Frozen values without behaviour: what the document says, with references resolved and schemas in JSON
Schema 2020-12. :mod:`telefonie_mcp.openapi.reader` makes them, :mod:`telefonie_mcp.tools` shows them to
agents and :mod:`telefonie_mcp.upstream` turns calls of them into requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Binding", "Body", "Credential", "Location", "Operation", "Parameter"]

Location = Literal["path", "query", "header", "cookie"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter outside the body (OpenAPI 3.1.1 §4.8.12).

    ``separator`` joins the items of an array; ``None`` repeats the name instead (``explode``).
    ``assign`` stands between a name and its value where the members of an object are joined.
    ``json`` marks a parameter whose value travels as JSON text (``content: application/json``), and
    ``deep`` an object that travels as ``name[key]=value`` (``style: deepObject``).
    """

    name: str
    location: Location
    required: bool
    schema: Mapping[str, Any]
    separator: str | None = ","
    assign: Literal[",", "="] = ","
    json: bool = False
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Where an argument of a tool goes: a parameter, a member of the body, or the whole body.

    ``argument`` is what callers say, ``name`` what the API calls it.
    """

    argument: str
    required: bool
    schema: Mapping[str, Any]
    place: Parameter | Literal["member", "body"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: JSON, or a form where ``form`` is true."""

    required: bool
    schema: Mapping[str, Any]
    media_type: str = "application/json"

    @property
    def form(self) -> bool:
        """Whether the body travels as ``application/x-www-form-urlencoded``."""
        return self.media_type == "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the API key goes: ``prefix`` + key, under ``name``, in a header, the query or a cookie."""

    name: str
    location: Literal["header", "query", "cookie"]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    Attributes:
        id: The document's ``operationId``, or one made of method and path where it has none.
        server: Base URL without a trailing slash.
        successes: Status → schema of its JSON body, for every 2xx the document declares; ``None`` for a
            response without a body. The key ``2XX`` stands for all of them.
        success_texts: Status → what it means, in the document's words.
        text: Success answers are text, not JSON.
        hints: The operation's own ``x-telefonie-hints``, if any.

    """

    id: str
    method: str
    path: str
    server: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    credential: Credential | None
    successes: Mapping[str, Mapping[str, Any] | None]
    success_texts: Mapping[str, str]
    text: bool = False
    hints: Mapping[str, Any] = field(default_factory=dict[str, Any])
