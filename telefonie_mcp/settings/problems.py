"""What is wrong with the values of settings, in words of ours; pure.

pydantic finds the values that no parser of :mod:`~telefonie_mcp.settings.types` refuses, and its words are
about its own types. Here each becomes what the setting must be, as its field says, and what was given.
"""

from collections.abc import Iterator
from typing import Final, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.types import got

__all__ = ["problems_of"]

_WANTED: Final = {
    "account": "must begin with a letter or digit, followed by at most 63 letters, digits, ., _ and -",
    "currency": "must be three capital letters (ISO 4217), such as USD",
    "drain_seconds": "must be a number of seconds",
    "timeout": "must be a number of seconds",
}
"""What some settings must be, where their types do not tell."""

_HIDDEN: Final = frozenset({"account"})
"""Settings whose values are not repeated: somebody may write one of the API there, with a password."""


def problems_of(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield the name of a setting, and what is wrong with it as the predicate of a sentence about it.

    The name is empty where settings contradict each other: then the text is a sentence that names them.
    """
    for details in error.errors(include_url=False):
        name = str(details["loc"][0]) if details["loc"] else ""
        if details["type"] == "value_error":
            yield name, details["msg"].removeprefix("Value error, ")
        else:
            repeated = name not in _HIDDEN and isinstance(details["input"], str | int | float)
            yield name, f"{_wanted(name)}{got(details['input']) if repeated else ''}"


def _wanted(name: str) -> str:
    """Return what a setting must be."""
    field = Settings.model_fields[name]
    annotation = field.annotation
    types = {annotation, *get_args(annotation)}
    if get_origin(annotation) is Literal:
        *others, last = map(str, get_args(annotation))
        return f"must be {', '.join(others)} or {last}"
    if bool in types:
        return "must be true or false"
    if int in types:
        return f"must be a whole number{_range(field)}"
    if get_origin(annotation) in {tuple, frozenset}:
        return "must be a list of texts"
    return f"{_WANTED.get(name, 'must be a text, and not empty')}{_range(field)}"


def _range(field: FieldInfo) -> str:
    least, most = (
        next((getattr(each, bound) for each in field.metadata if hasattr(each, bound)), None)
        for bound in ("ge", "le")
    )
    if least is None:
        return ""
    return f" of at least {least}" if most is None else f" from {least} to {most}"
