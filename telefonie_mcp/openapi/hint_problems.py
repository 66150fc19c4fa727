"""What is wrong with the hints of an operation, in words of ours; pure.

pydantic finds it, in words about its own types. Whoever writes a hint needs its place, what it must be, and
the name that was probably meant.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from telefonie_mcp.openapi.hints import Hints
from telefonie_mcp.text import clean_line, did_you_mean

__all__ = ["hint_problems"]

_WANTED: Final = {
    "bool": "must be true or false",
    "dict": "must be an object",
    "int": "must be a whole number",
    "model": "must be an object",
    "string": "must be a text",
    "tuple": "must be a list",
}
"""Beginning of an error's type → what a value must be."""

_TYPES: Final = frozenset({"str", "int", "[key]"})
"""Steps to an error that name an alternative, and no member."""


def hint_problems(error: ValidationError) -> Iterator[str]:
    """Yield what is wrong, each as a sentence that begins with its place."""
    for details in error.errors(include_url=False):
        place = [str(step) for step in details["loc"] if step not in _TYPES]
        where = clean_line(".".join(place) or "hints")
        yield f"{where}{_problem(details, place)}"


def _problem(details: Mapping[str, Any], place: Sequence[str]) -> str:
    """Return what is wrong there, as what follows the place in a sentence."""
    match details["type"]:
        case "extra_forbidden":
            return f" is unknown; {did_you_mean(place[-1], _members(place[:-1]))}"
        case "missing":
            return " is missing"
        case "value_error":
            return f": {details['msg'].removeprefix('Value error, ')}"
        case "literal_error":
            return f" must be {details['ctx']['expected'].replace(chr(39), '')}"
        case "string_pattern_mismatch":
            return f" must match {details['ctx']['pattern']}"
        case other:
            wanted = _WANTED.get(other.partition("_")[0])
            return f" {wanted}" if wanted else f": {details['msg']}"


def _members(place: Sequence[str]) -> Mapping[str, FieldInfo]:
    """Return the members that hints have at a place."""
    members = _fields(Hints)
    for step in place:
        if step in members:  # otherwise it is a key that whoever writes the hints chooses
            members = next(map(_fields, _models(members[step].annotation)), members)
    return members


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
