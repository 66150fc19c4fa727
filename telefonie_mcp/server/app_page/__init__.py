"""The page that MCP Apps clients show beside the tools that search and list numbers.

It is read-only: it sends nothing but reads and previews, and asks the assistant for everything else. Its
parts are joined into one document, because a page of MCP Apps loads nothing.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["page"]

_PARTS: Final = re.compile(r"/\* ((?:[a-z]+\.(?:css|js) ?)+)\*/\n")


@cache
def page() -> str:
    """Return the HTML document, with the style and the scripts that it names in place of their names."""
    source = files(__name__)

    def joined(match: re.Match[str]) -> str:
        return "\n".join(source.joinpath(name).read_text("utf-8") for name in match[1].split())

    return _PARTS.sub(joined, source.joinpath("numbers.html").read_text("utf-8"))
