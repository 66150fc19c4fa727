"""Body of a refusal → what the provider says in it; pure.

Reads problem details (RFC 9457), JSON:API errors, and what other APIs commonly send: a message under one of
its usual names, in the body itself or wrapped (``{"error": {…}}``), and lists of errors, each with its place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

__all__ = ["Words", "words_of"]

_MESSAGES: Final = (
    "detail",
    "message",
    "error",
    "errormessage",
    "errordescription",
    "description",
    "text",
    "msg",
    "reason",
    "errorcodelabel",
    "title",
)
_CODES: Final = ("code", "errorcode", "messageid")
_LISTS: Final = (
    "errors",
    "error",
    "details",
    "detail",
    "message",
    "violations",
    "invalidparams",
    "validationerrors",
)
_PLACES: Final = (
    "field",
    "parameter",
    "parametername",
    "param",
    "attribute",
    "property",
    "pointer",
    "path",
    "loc",
    "name",
)
"""Members by their names, folded, the best first."""

_MOST: Final = 10
"""Errors of a list that are read."""

_DEEPEST: Final = 4
"""Levels below which nobody puts a message."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a provider says, neither cleaned nor redacted; empty where it says nothing."""

    code: str = ""
    message: str = ""


def words_of(body: Any, deeper: int = _DEEPEST) -> Words:
    """Return the code and the message of a refusal whose body is this JSON value."""
    if isinstance(body, str):
        return Words(message=body)
    if isinstance(body, list):
        return _several(_entries(cast("list[Any]", body), deeper))
    if not isinstance(body, Mapping) or not deeper:
        return Words()
    problem = _folded(cast("Mapping[str, Any]", body))
    if isinstance(problem.get("error"), Mapping):
        return words_of(problem["error"], deeper - 1)
    own = Words(_first(problem, _CODES, str | int), _first(problem, _MESSAGES, str))
    only = next(iter(problem.values())) if len(problem) == 1 else None
    if own == Words() and isinstance(only, Mapping):
        return words_of(only, deeper - 1)
    lists = [cast("list[Any]", problem[name]) for name in _LISTS if isinstance(problem.get(name), list)]
    listed = _entries(lists[0], deeper) if lists else ()
    return _several([own, *listed, *_by_field(problem.get("errors"))])


def _several(words: Iterable[Words]) -> Words:
    """Return all messages, each once, and the first code."""
    said = [*words]
    messages = dict.fromkeys(each.message for each in said if each.message)
    return Words(next((each.code for each in said if each.code), ""), "; ".join(messages))


def _entries(errors: Sequence[Any], deeper: int) -> Iterator[Words]:
    """Yield what each object of a list of errors says, after the place it is about."""
    for each in errors[:_MOST]:
        if isinstance(each, Mapping):
            said, place = words_of(each, deeper - 1), _place(_folded(cast("Mapping[str, Any]", each)))
            yield Words(said.code, f"{place}: {said.message}" if place and said.message else said.message)


def _by_field(errors: Any) -> Iterator[Words]:
    """Yield what is said of each member of ``{"field": "message"}`` or ``{"field": ["message", …]}``."""
    fields = cast("Mapping[str, Any]", errors if isinstance(errors, Mapping) else {})
    for field, said in islice(fields.items(), _MOST):
        for message in cast("list[Any]", said) if isinstance(said, list) else [said]:
            if isinstance(message, str):
                yield Words(message=f"{field}: {message}")


def _place(error: Mapping[str, Any]) -> str:
    """Return the argument that an error is about: by name, JSON pointer, or a list of steps."""
    source = error.get("source")
    if isinstance(source, Mapping):
        return _place(_folded(cast("Mapping[str, Any]", source)))
    steps = error.get("loc")
    if isinstance(steps, list):
        return ".".join(str(step) for step in cast("list[Any]", steps)[:_MOST])
    return _first(error, _PLACES, str)


def _first(problem: Mapping[str, Any], names: Sequence[str], kind: Any) -> str:
    members = (problem.get(name) for name in names)
    return next((str(member) for member in members if isinstance(member, kind) and member), "")


def _folded(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members by their names as they are looked for, however an API writes them."""
    return {name.replace("_", "").replace("-", "").lower(): each for name, each in members.items()}
