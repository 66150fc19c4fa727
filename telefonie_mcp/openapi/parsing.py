"""Parses the text of a document, YAML or JSON, within bounds on time and memory; pure.

A short text can stand for much: aliases of YAML multiply what they repeat, and an empty list takes two bytes
of text and sixty of memory. So values are counted before they are made.
"""

import json
import re
from functools import partial
from typing import Any, Final

import yaml

__all__ = ["parse_text", "parse_yaml"]

_MAX_JSON_VALUES: Final = 1_000_000
"""Values in a JSON text: what a small machine holds and checks in a second."""

_MAX_YAML_NODES: Final = 200_000
"""Nodes in a YAML text, whose parser is slower: some two seconds."""

_MAX_EXPANDED: Final = 32 * 1024 * 1024
"""Characters of a YAML text when each alias is replaced by what it repeats."""

_NODE_CHARACTERS: Final = 32
"""What a node counts beside its own characters, because it takes time and memory even without any."""

_Loader: Final[Any] = type(
    "_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": {}}
)
"""A safe YAML loader with the JSON schema of YAML 1.2, as OpenAPI requires (3.1.1 §4.3).

PyYAML implements YAML 1.1, where ``NO`` (Norway) is false and ``2026-01-01`` a date. Here both are strings.
"""
for _tag, _pattern, _first in (
    ("null", "|~|null|Null|NULL", ["", "~", "n", "N"]),
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", "-?(?:0|[1-9][0-9]*)", [*"-0123456789"]),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", [*"-0123456789"]),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def parse_text(text: str) -> tuple[Any, bool]:
    """Return the value of ``text``, and whether it is JSON.

    Raises:
        ValueError: it is neither JSON nor YAML, or it holds too much.

    """
    if not text.lstrip().startswith("{"):
        return parse_yaml(text), False
    if sum(map(text.count, ",[{")) > _MAX_JSON_VALUES:  # an upper bound: some may be in strings
        raise ValueError(f"holds more than {_MAX_JSON_VALUES:,} values")
    return _parse(json.loads, text), True


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises:
        ValueError: it is no YAML, or it holds too much.

    """
    _parse(_check_expansion, text)
    return _parse(partial(yaml.load, Loader=_Loader), text)


class _TooMuchError(Exception):
    pass


def _parse(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except _TooMuchError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("neither YAML nor JSON: it is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"neither YAML nor JSON: {' '.join(str(error).split())}") from error


def _check_expansion(text: str) -> None:
    """Raise if ``text`` has too many nodes, or too many characters once its aliases are replaced."""
    loader = _Loader(text)
    sizes: dict[str, int] = {}  # anchor → characters
    opened: list[tuple[str | None, int]] = []  # anchor of each open collection, and the total before it
    nodes = total = 0
    while loader.check_event():
        event = loader.get_event()
        match event:
            case yaml.AliasEvent():  # an alias inside its own anchor makes a cycle, which is found later
                total += sizes.get(event.anchor, 0) + _NODE_CHARACTERS
            case yaml.ScalarEvent():
                size = len(event.value) + _NODE_CHARACTERS
                sizes |= {event.anchor: size} if event.anchor else {}
                total += size
            case yaml.CollectionStartEvent():
                opened.append((event.anchor, total))
                total += _NODE_CHARACTERS
            case yaml.CollectionEndEvent():
                anchor, before = opened.pop()
                sizes |= {anchor: total - before} if anchor else {}
                continue
            case _:
                continue
        nodes += 1
        line = event.start_mark.line + 1
        if total > _MAX_EXPANDED:
            raise _TooMuchError(f"line {line}: its aliases expand to more than {_MAX_EXPANDED:,} characters")
        if nodes > _MAX_YAML_NODES:
            raise _TooMuchError(
                f"line {line}: more than {_MAX_YAML_NODES:,} values; convert it to JSON, which is read faster"
            )
