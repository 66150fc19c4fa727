"""Countries: their codes (ISO 3166-1 alpha-2), and their names in English from the file beside this one."""

import re
from functools import cache
from importlib import resources
from typing import Final
from unicodedata import combining, normalize

__all__ = ["countries", "country_problem", "normalise_country"]

_MISTAKES: Final = {"UK": "GB", "EL": "GR", "USA": "US", "EN": "GB"}


def normalise_country(value: str) -> str:
    """Return a code in upper case, or ``value`` unchanged where it is none."""
    code = value.strip().upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else value


def country_problem(value: str) -> str | None:
    """Return what is wrong with a normalised code and what would be right, or ``None``."""
    import phonenumbers  # noqa: PLC0415 - starting the server does not pay for it

    if value in phonenumbers.SUPPORTED_REGIONS:
        return None
    rule = "must be an ISO 3166-1 alpha-2 country code with a numbering plan, such as US, GB or DE"
    meant = _MISTAKES.get(value.strip().upper())
    return f"{rule}; did you mean {meant}?" if meant else rule


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
