"""Countries by code and by name, in English; the file beside this one has one a line."""

import re
from functools import cache
from importlib import resources
from unicodedata import combining, normalize

__all__ = ["countries"]


def countries(typed: str) -> list[str]:
    """Return the codes of countries whose code or name, or a word of whose name, begins with ``typed``.

    Codes that match come first, then names, then words.
    """
    wanted = _plain(typed.strip())
    ranks = {code: _rank(wanted, code, name) for code, name in _names().items()}
    found = sorted((rank, code) for code, rank in ranks.items() if rank is not None)
    return [code.upper() for _, code in found]


@cache
def _names() -> dict[str, str]:
    text = (resources.files("telefonie_mcp.numbering") / "countries.txt").read_text("utf-8")
    return dict(_plain(line).split(" ", 1) for line in text.splitlines())


def _rank(wanted: str, code: str, name: str) -> int | None:
    if code.startswith(wanted):
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if any(word.startswith(wanted) for word in re.split(r"\W+", name)) else None


def _plain(text: str) -> str:
    """Return text without case and accents: people type Turkiye."""
    return "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()
