"""Which options gave the settings that a message is about; pure.

Messages name a setting by its variable, which is where most values come from. Whoever gave it as an option
looks for that.
"""

import re
from collections.abc import Mapping
from typing import Any

from telefonie_mcp.settings.fields import PREFIX

__all__ = ["with_options"]


def with_options(message: str, flags: Mapping[str, Any]) -> str:
    """Return a message about settings, followed by the options that gave those which it names.

    Args:
        message: The message.
        flags: The options, by setting; ``None`` or empty where the value comes from elsewhere.

    """
    named = dict.fromkeys(name.lower() for name in re.findall(rf"{PREFIX}([A-Z]+(?:_[A-Z]+)*)", message))
    options = [
        f"--{'no-' if flags[name] is False else ''}{name.replace('_', '-')}"
        for name in named
        if flags.get(name) not in {None, ()}
    ]
    return f"{message}; given as {', '.join(options)}" if options else message
