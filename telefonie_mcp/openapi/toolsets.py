"""Toolsets: groups of tools that an operator can enable, each with a packaged document of its own.

Kept apart from the documents and hints, which are not read at start-up for toolsets that are off.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["BASE", "TOOLSETS", "Toolset"]


class Toolset(NamedTuple):
    """A group of tools; its document is named ``telefonie-`` and the toolset's name.

    Attributes:
        default: It is on by default.
        composed: The live API lacks its operations; this process composes them from those that the API has.
        live_setting: The setting that declares that the live account has it, if one is needed.

    """

    default: bool = True
    composed: bool = False
    live_setting: str = ""


BASE: Final = "numbers"
"""The toolset of the API that the provider publishes; the others depend on it."""

TOOLSETS: Final[Mapping[str, Toolset]] = {
    BASE: Toolset(),
    "lookup": Toolset(composed=True),
    "porting": Toolset(default=False, live_setting="live_porting"),
}
"""Toolsets by name, in the order in which their tools are listed."""
