"""Which options gave the settings that a message is about; pure.

Messages name a setting by its variable, which is where most values come from. Whoever gave it as an option
looks for that.
"""

import re
from collections.abc import Iterator, Sequence

from telefonie_mcp.settings.fields import PREFIX

__all__ = ["with_options"]


def with_options(message: str, arguments: Sequence[str]) -> str:
    """Return a message about settings, followed by the options that gave those which it names.

    Args:
        message: The message.
        arguments: The command line.

    """
    given = ", ".join(_given(message, {argument.partition("=")[0] for argument in arguments}))
    if not given:
        return message
    return f"{message} Given as {given}." if message.endswith((".", "?")) else f"{message}; given as {given}"


def _given(message: str, options: set[str]) -> Iterator[str]:
    """Yield those of the ``options`` whose settings the message names, in the order of the message."""
    for variable in dict.fromkeys(re.findall(rf"{PREFIX}([A-Z]+(?:_[A-Z]+)*)", message)):
        name = variable.lower().replace("_", "-")
        yield from (option for option in (f"--{name}", f"--no-{name}") if option in options)
