"""Area codes of a country, computed from libphonenumber's metadata.

Digits are an area code if a geographic number of the country begins with them and libphonenumber reports an
area code of that length. The search extends the typed digits one by one.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber

__all__ = ["area_codes"]

_MAX_DIGITS: Final = 5
"""Maximum length of an area code."""

_MAX_UNMATCHED_DIGITS: Final = 3
"""Length up to which a prefix is extended although no tried number begins with it."""

_MAX_NATIONAL_DIGITS: Final = 11
"""Maximum length of the national numbers tried; open plans allow far longer ones than are in use."""

_TAILS: Final = ("2345678901", "5550123456", "7777777777", "9876543210", "3000000000", "0123456789")
"""Digits tried after a prefix; several, because every numbering plan excludes some."""


def area_codes(country: str, typed: str, limit: int) -> tuple[str, ...]:
    """Return at most ``limit`` area codes of ``country`` that begin with ``typed``, in ascending order."""
    if not re.fullmatch("[A-Z]{2}", country) or not re.fullmatch(f"[0-9]{{0,{_MAX_DIGITS}}}", typed):
        return ()  # checked outside the cache, because the client chooses the length
    return _found(country, typed, limit)


@lru_cache(maxsize=1024)
def _found(country: str, typed: str, limit: int) -> tuple[str, ...]:
    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None:
        return ()
    fixed, calling_code = metadata.fixed_line, metadata.country_code
    assert fixed is not None
    assert calling_code is not None
    possible = [length for length in fixed.possible_length if 0 < length <= _MAX_NATIONAL_DIGITS]
    lengths = {max(possible, default=0), len(fixed.example_number or "")}
    return tuple(islice(_codes(country, calling_code, lengths, typed), limit))


def _codes(country: str, calling_code: int, lengths: set[int], prefix: str) -> Iterator[str]:
    found = _code_lengths(country, calling_code, lengths, prefix)
    if len(prefix) in found:
        yield prefix
    deeper = max(found) > len(prefix) if found else len(prefix) < _MAX_UNMATCHED_DIGITS
    if deeper and len(prefix) < _MAX_DIGITS:
        for digit in "0123456789":
            yield from _codes(country, calling_code, lengths, prefix + digit)


def _code_lengths(country: str, calling_code: int, lengths: set[int], prefix: str) -> set[int]:
    """Return the lengths of the area codes of the country's numbers that begin with ``prefix``."""
    return {
        phonenumbers.length_of_geographical_area_code(number)
        for length in lengths
        if length > len(prefix) > 0
        for tail in _TAILS
        if (number := _number(calling_code, (prefix + tail)[:length]))
        and phonenumbers.region_code_for_number(number) == country
    } - {0}


def _number(calling_code: int, national: str) -> PhoneNumber:
    zeros = len(national) - len(national.lstrip("0"))
    return PhoneNumber(
        country_code=calling_code,
        national_number=int(national),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
