"""Area codes of a country, computed from libphonenumber's numbering plans.

Digits are an area code if a geographic number of the country begins with them and its area code has that
length. The search goes digit by digit, so that it covers only what begins with the digits typed.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber

__all__ = ["area_codes"]

_LONGEST: Final = 5
_HOPEFUL: Final = 3
"""Digits after which a prefix that no number has is given up."""

_USUAL_DIGITS: Final = 11
"""Longest national numbers that are tried; open plans allow far longer ones than anybody has."""

_TAILS: Final = ("2345678901", "5550123456", "7777777777", "9876543210", "3000000000", "0123456789")
"""Digits tried after a prefix; every plan excludes some of them."""


def area_codes(country: str, typed: str, limit: int) -> tuple[str, ...]:
    """Return the first area codes of ``country`` that begin with ``typed``, in the order of their digits."""
    if not re.fullmatch("[A-Z]{2}", country) or not re.fullmatch(f"[0-9]{{0,{_LONGEST}}}", typed):
        return ()  # and remember nothing: whoever types chooses how long it is
    return _found(country, typed, limit)


@lru_cache(maxsize=1024)
def _found(country: str, typed: str, limit: int) -> tuple[str, ...]:
    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None:
        return ()
    fixed, calling_code = metadata.fixed_line, metadata.country_code
    assert fixed is not None
    assert calling_code is not None
    possible = [length for length in fixed.possible_length if 0 < length <= _USUAL_DIGITS]
    lengths = {max(possible, default=0), len(fixed.example_number or "")}
    return tuple(islice(_codes(country, calling_code, lengths, typed), limit))


def _codes(country: str, calling_code: int, lengths: set[int], prefix: str) -> Iterator[str]:
    found = _code_lengths(country, calling_code, lengths, prefix)
    if len(prefix) in found:
        yield prefix
    deeper = max(found) > len(prefix) if found else len(prefix) < _HOPEFUL
    if deeper and len(prefix) < _LONGEST:
        for digit in "0123456789":
            yield from _codes(country, calling_code, lengths, prefix + digit)


def _code_lengths(country: str, calling_code: int, lengths: set[int], prefix: str) -> set[int]:
    """Return how long the area codes are of numbers of the country that begin with ``prefix``."""
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
