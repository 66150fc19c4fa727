"""Reads and validates the settings from the environment and from flags.

The setting ``name`` is the variable ``TELEFONIE_NAME`` and the flag ``--name`` (kebab case); the flag has
precedence. Secrets have no flag, because command lines are visible to every user of a machine. A
``TELEFONIE_`` variable, in whatever case, that is not a setting is an error, so that a misspelt safety
setting does not silently protect nothing. An empty variable counts as unset: desktop clients pass one for
every field left blank. An empty option is an error: a script meant to give it a value.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.text import did_you_mean

__all__ = ["read_settings"]


def read_settings(environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings from ``environment``, overridden by the ``flags`` that are not ``None``.

    Raises:
        SettingsError: one message with every problem, each with the setting's name.

    """
    ours = {
        name: value
        for name, value in environment.items()
        if name.upper().startswith(PREFIX) and value.strip()
    }
    problems = list(_unknown(ours))
    given: dict[str, Any] = {name.removeprefix(PREFIX).lower(): value for name, value in ours.items()}
    for name, value in (flags or {}).items():
        if value == "" or (isinstance(value, tuple) and "" in value):
            problems.append(f"{PREFIX}{name.upper()}: the option is empty; give it a value, or leave it out")
        elif value not in {None, ()}:
            given[name] = value
    known = {name: value for name, value in given.items() if name in Settings.model_fields}
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        from telefonie_mcp.settings.problems import problems_of  # noqa: PLC0415 - most settings have none

        problems += [f"{PREFIX}{name.upper()}: {text}" if name else text for name, text in problems_of(error)]
    else:
        if not problems:
            return settings
    raise SettingsError("; ".join(problems))


def _unknown(variables: Iterable[str]) -> Iterator[str]:
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for variable in variables:
        if variable not in known:
            yield f"{variable} is not a setting; {did_you_mean(variable.upper(), known, cutoff=0.8)}"
