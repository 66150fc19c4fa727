"""Countries: codes (ISO 3166-1 alpha-2), and English names from ``countries.txt``."""

import re
from functools import cache
from importlib import resources
from typing import Final
from unicodedata import combining, normalize

__all__ = ["countries", "country_problem", "normalise_country"]

_COMMON_MISTAKES: Final = {"UK": "GB", "EL": "GR", "USA": "US", "EN": "GB"}


def normalise_country(value: str) -> str:
    """Return the code in upper case, or ``value`` unchanged if it is not two letters."""
    code = value.strip().upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else value


def country_problem(value: str) -> str | None:
    """Return what is wrong with a normalised code, with a suggestion, or ``None`` if it is valid."""
    import phonenumbers  # noqa: PLC0415 - not needed to start the server

    if value in phonenumbers.SUPPORTED_REGIONS:
        return None
    rule = "must be an ISO 3166-1 alpha-2 country code with a numbering plan, such as US, GB or DE"
    meant = _COMMON_MISTAKES.get(value.strip().upper())
    return f"{rule}; did you mean {meant}?" if meant else rule


def countries(typed: str) -> list[str]:
    """Return the codes of the countries that match ``typed``.

    A country matches if its code, its name, or a word of its name begins with ``typed``; matches are in that
    order.
    """
    wanted = _folded(typed.strip())
    ranks = {code: _rank(wanted, code, name) for code, name in _names().items()}
    found = sorted((rank, code) for code, rank in ranks.items() if rank is not None)
    return [code.upper() for _, code in found]


@cache
def _names() -> dict[str, str]:
    text = (resources.files("telefonie_mcp.numbering") / "countries.txt").read_text("utf-8")
    return dict(_folded(line).split(" ", 1) for line in text.splitlines())


def _rank(wanted: str, code: str, name: str) -> int | None:
    if code.startswith(wanted):
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if any(word.startswith(wanted) for word in re.split(r"\W+", name)) else None


def _folded(text: str) -> str:
    """Return text without case and accents, so that Turkiye matches Türkiye."""
    return "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()
