"""Test numbers and switches: every error on demand.

Test numbers have their effect when they are bought. They are local numbers of the US in area code 500, which
libphonenumber calls personal numbers, so none of them is in the inventory; and they are private, so that each
account has its own. Switches are API keys whose accounts have errors. The package's docstring lists both.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from telefonie_mcp.sandbox.inventory import Filter
from telefonie_mcp.sandbox.numbering_plan import Location
from telefonie_mcp.sandbox.problems import Problem, ProblemCode, rate_limited
from telefonie_mcp.sandbox.values import Json

TEST_NUMBERS: Final = Location("US", "local")
TEST_AREA_CODE: Final = "500"
_TEST_DIGITS: Final = "5005550"

UNVERIFIED_KEY: Final = "sandbox-unverified"
"""The key of an account without address and documents."""

BROKE_KEY: Final = "sandbox-broke"
"""The key of an account with a balance of zero."""


class Fault(Enum):
    """An error around the purchase of a test number."""

    FIRST_ATTEMPT_LIMITED = auto()
    """429 on the account's first attempt, nothing committed."""
    ERROR = auto()
    """Committed, answered 500."""
    TRUNCATED = auto()
    """Committed, answered 201 with half a body."""
    SILENT = auto()
    """Committed, never answered."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A success whose response is to go wrong."""

    body: Json
    fault: Fault


@dataclass(frozen=True, slots=True)
class Trigger:
    """The effect of buying a test number: a problem each time, or a purchase that may have a fault.

    A number that nobody can buy is not `findable`. One that cannot be bought by this account or at this time
    is, as in real life.
    """

    problem: ProblemCode | None = None
    fault: Fault | None = None
    findable: bool = True


TRIGGERS: Final = {
    "+15005550000": Trigger("number_unavailable", findable=False),
    "+15005550001": Trigger("invalid_number", findable=False),
    "+15005550006": Trigger(),
    "+15005550010": Trigger("insufficient_funds"),
    "+15005550011": Trigger("rate_limited"),
    "+15005550012": Trigger(fault=Fault.FIRST_ATTEMPT_LIMITED),
    "+15005550013": Trigger("address_required"),
    "+15005550014": Trigger("bundle_required"),
    "+15005550015": Trigger("unauthorized"),
    "+15005550016": Trigger("forbidden"),
    "+15005550017": Trigger("already_owned", findable=False),
    "+15005550020": Trigger(fault=Fault.ERROR),
    "+15005550021": Trigger("unavailable"),
    "+15005550022": Trigger(fault=Fault.TRUNCATED),
    "+15005550023": Trigger(fault=Fault.SILENT),
}


def found_by(wanted: Filter) -> list[str]:
    """Return the test numbers that a search finds.

    Area code 500 finds those that can be bought, their digits all that are findable: whoever searches for a
    number by its digits is about to buy it, to see its error.
    """
    named = _TEST_DIGITS in wanted.contains
    in_area = wanted.area_code == TEST_AREA_CODE
    if (wanted.country, wanted.type) != TEST_NUMBERS or not (in_area or (named and not wanted.area_code)):
        return []
    return [
        number
        for number, trigger in TRIGGERS.items()
        if wanted.contains in number and (trigger.findable if named else trigger.problem is None)
    ]


def problem(code: ProblemCode) -> Problem:
    """Return the problem of a trigger with that code."""
    return rate_limited(seconds=1) if code == "rate_limited" else Problem(code)


def check_key(key: str) -> None:
    """Raise the problem that the switch `key` stands for, if it stands for one."""
    match key:
        case "sandbox-unauthorized":
            raise Problem("unauthorized", "This API key is not valid. Use another one.")
        case "sandbox-forbidden":
            raise Problem("forbidden")
        case "sandbox-limited":
            raise rate_limited(seconds=2)
        case _:
            return
