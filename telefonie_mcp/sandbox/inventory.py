"""The inventory: the free numbers that a search finds, computed instead of stored.

A search becomes a `Language` of national digits: the numbering plan, intersected with the filters. Its
members are visited in a fixed order that spreads them, and taken numbers are left out. So a search has the
same result each time, minus what was taken, and any area code or digits that the plan allows can be found.

Order. There are three tiers: numbers reserved for fiction, then those that look typical for the plan, then
all others. Within a tier of n numbers, ranks follow in steps of about 0.618 n, which spreads them evenly.

Cost. Buyers take what a search shows first, so taken numbers accumulate at the beginning of that order. A
tier of more than `WINDOW` numbers is therefore entered further on as purchases accumulate, in whole windows:
a search skips about one window of taken numbers, however many there are. A tier whose first window has too
few free numbers is continued after those that follow. `MOST_PROBES` bounds every search.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache, lru_cache
from itertools import islice
from typing import Final

from telefonie_mcp.numbering.number_types import NumberType
from telefonie_mcp.sandbox.automaton import Containing, EndingWith, Factor, Language, Patterns
from telefonie_mcp.sandbox.numbering_plan import Location, locate, plan, sharing

WINDOW: Final = 64
"""Numbers looked up at once, and the step by which the entry to a tier moves."""

MOST_PROBES: Final = 10_000
"""Numbers examined for one type in one search; a search that needs more finds fewer."""

# National digits that regulators keep free for films, books and documentation, by country calling code. Those
# that libphonenumber calls invalid (such as the United Kingdom's 07700 900xxx) are left out.
_FICTION: Final[dict[str, tuple[str, ...]]] = {
    # North America: exchange 555 in every area code and in toll-free numbers.
    "1": (r"\d{3}555\d{4}",),
    # ARCEP (France), numbers for audiovisual works.
    "33": (r"19900\d{4}", r"26191\d{4}", r"35301\d{4}", r"46571\d{4}", r"53649\d{4}"),
    # Ofcom (United Kingdom), telephone numbers for use in TV and radio drama.
    "44": (
        r"11[3-8]4960\d{3}|1[2-6]14960\d{3}|1914980\d{3}|1632960\d{3}",
        r"2079460\d{3}|2896496\d{3}|2920180\d{3}|3069990\d{3}|8081570\d{3}",
    ),
    # Post- och telestyrelsen (Sweden), numbers for books and films.
    "46": (r"313900[67]\d{2}|406280[4-9]\d{2}|8465004\d{2}|9803192\d{2}|7017406[1-9]\d",),
    # Bundesnetzagentur (Germany), numbers for media productions.
    "49": (r"3023125\d{3}|6990009\d{3}|4066969\d{3}|2214710\d{3}|8999998\d{3}|17139200\d{2}",),
    # ACMA (Australia), numbers for TV shows, films and creative works.
    "61": (
        r"[2378](?:5550|7010)\d{4}|491570(?:006|1(?:10|5[6-9])|313|737)",
        r"1800(?:160401|9757(?:0[7-9]|1[01]))",
    ),
}

# Open plans allow far longer numbers than anybody has; libphonenumber's example is no help there.
_TYPICAL_DIGITS: Final[dict[Location, int]] = {
    Location("DE", "local"): 10,
    Location("DE", "toll-free"): 10,
}


class _Tier(Enum):
    """The tier of a number in the order of a search."""

    FICTION = auto()
    TYPICAL = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Filter:
    """The numbers that a search is for, of one country and type."""

    country: str
    type: NumberType
    area_code: str = ""
    """First national digits of a local number; a national prefix before them (020 for 20) is understood."""
    contains: str = ""
    """Digits to be found anywhere in the E.164 number, calling code included."""


def find(
    wanted: Filter, *, limit: int, purchases: int, taken: Callable[[Collection[str]], set[str]]
) -> list[str]:
    """Return the first `limit` free numbers, in E.164 format.

    `purchases` counts the numbers of that country and type ever bought (not those owned now, so that the
    place where the search begins never moves back). `taken` returns those of at most `WINDOW` numbers that
    are not free.
    """
    wanted = _without_national_prefix(wanted)
    found: list[str] = []
    candidates = islice(_candidates(wanted, purchases // WINDOW * WINDOW), MOST_PROBES)
    while len(found) < limit and (batch := list(islice(candidates, WINDOW))):
        unavailable = taken(batch)
        free = (
            number
            for number in batch
            if number not in unavailable and locate(number) == (wanted.country, wanted.type)
        )
        found.extend(islice(free, limit - len(found)))
    return found


def _without_national_prefix(wanted: Filter) -> Filter:
    """Return the same search without the national prefix, where the plan has no area that begins with it."""
    prefix = plan(wanted.country).national_prefix
    if not (prefix and wanted.area_code.startswith(prefix)) or any(_tiers(replace(wanted, contains=""))):
        return wanted
    return replace(wanted, area_code=wanted.area_code.removeprefix(prefix))


def _candidates(wanted: Filter, entry: int) -> Iterator[str]:
    """Generate all matching numbers in E.164 format, in the order of the module's description.

    A few of them may belong to another country that shares the calling code: `locate` decides.
    """
    calling_code = plan(wanted.country).calling_code
    walks: list[Iterator[str]] = []
    for tier in _tiers(wanted):
        walk = _walk(tier, entry if tier.size > WINDOW else 0)
        yield from (f"+{calling_code}{national}" for national in islice(walk, WINDOW))
        walks.append(walk)
    for walk in walks:
        yield from (f"+{calling_code}{national}" for national in walk)


def _walk(tier: Language, entry: int) -> Iterator[str]:
    """Visit every member once: a step coprime to the size reaches all, 0.618… keeps neighbours apart."""
    size = tier.size
    step = max(1, size * 618_034 // 1_000_000)
    while math.gcd(step, size) > 1:
        step += 1
    return (tier[(entry + position) * step % size] for position in range(1, size + 1))


def _tiers(wanted: Filter) -> Iterator[Language]:
    """Generate the tiers of a search that are not empty, each built when those before are not enough."""
    return (tier for kind in _Tier if (tier := _tier(wanted, kind)) and tier.size)


@lru_cache(maxsize=64)
def _tier(wanted: Filter, tier: _Tier) -> Language | None:
    """Return the numbers of a tier that a search is for; None if the country has no such type."""
    own = plan(wanted.country)
    typical = own.typical(wanted.type)
    if typical is None:
        return None
    usual = typical.kind, _TYPICAL_DIGITS.get(Location(wanted.country, wanted.type), typical.digits)
    fiction = _fiction(own.calling_code)
    contains = Containing(wanted.contains)
    main, ending = sharing(wanted.country) or (wanted.country, "")
    main_plan, ends = plan(main), EndingWith(ending)

    def accept(states: Sequence[int], digits: int) -> bool:
        number, reserved, match, main_number, end = states
        if match != contains.found or own.type(number, digits) != wanted.type:
            return False
        if end != ends.found and main_plan.kind(main_number, digits):
            return False  # shared with the main country, which keeps it
        if fiction.matching(reserved):
            return tier is _Tier.FICTION
        return tier is (_Tier.TYPICAL if (own.kind(number, digits), digits) == usual else _Tier.OTHER)

    factors = (
        Factor(own.patterns),
        Factor(fiction, required=tier is _Tier.FICTION),
        Factor(contains, preceded_by=own.calling_code),
        Factor(main_plan.patterns, required=False),
        Factor(ends),
    )
    longest = usual[1] if tier is _Tier.TYPICAL else own.longest
    return Language(factors, accept, longest=longest, prefix=wanted.area_code)


@cache
def _fiction(calling_code: str) -> Patterns:
    return Patterns({expression: expression for expression in _FICTION.get(calling_code, ())})
