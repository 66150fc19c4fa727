"""The groups of tools that an operator can switch on; each has a packaged document of its own."""

from typing import Final

__all__ = ["BASE", "TOOLSETS"]

BASE: Final = "numbers"
"""The API that the provider publishes, on which the others rest."""

TOOLSETS: Final = (BASE, "lookup", "porting")
"""In the order in which their tools are listed. The document of each is ``telefonie-`` and its name."""
