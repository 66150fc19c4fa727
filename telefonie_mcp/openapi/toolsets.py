"""The toolsets: groups of tools that an operator can switch on; each has a packaged document of its own.

This must be known at every start, also of toolsets that are off, whose documents and hints are not
read then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["BASE", "TOOLSETS", "Toolset"]


@dataclass(frozen=True, slots=True)
class Toolset:
    """A group of tools; the name of its document is ``telefonie-`` and the toolset's name.

    Attributes:
        default: It is on unless the operator chooses others.
        composed: A live API lacks its operations; this process answers them, with those that the API has.
        live_setting: The setting by which the operator says that the live account has it, if it needs one.

    """

    default: bool = True
    composed: bool = False
    live_setting: str = ""


BASE: Final = "numbers"
"""The API that the provider publishes, on which the others rest."""

TOOLSETS: Final[Mapping[str, Toolset]] = {
    BASE: Toolset(),
    "lookup": Toolset(composed=True),
    "porting": Toolset(default=False, live_setting="live_porting"),
}
"""In the order in which their tools are listed."""
