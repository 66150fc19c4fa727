"""Budgets of an account: what of them is used, and whether one more write fits; pure.

The ledger applies them in the transaction that records an intent, a preview before anything is recorded, both
with the functions of this module.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, assert_never

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.errors import LimitReachedError, UnpricedError
from telefonie_mcp.ledger.records import Effect, Usage

__all__ = ["DAY", "check_budgets", "shown_limits"]

DAY: Final = timedelta(days=1)
"""The window of the limits per day; it slides."""


def check_budgets(effect: Effect, rate: Decimal | None, usage: Usage, limits: Limits) -> None:
    """Check whether a write with this effect, at this monthly rate, fits into the budgets.

    Raises:
        LimitReachedError: it does not.
        UnpricedError: spend is limited, and something is held at an unknown rate.

    """
    most = limits.monthly_spend if effect == "acquire" else None
    if most is not None and usage.unpriced:
        raise UnpricedError(tuple(entry.subject for entry in usage.unpriced))
    if most is not None and usage.spend + (rate or 0) > most:
        raise LimitReachedError("TELEFONIE_MAX_MONTHLY_SPEND", limit=most, used=usage.spend)
    daily = _daily(effect, usage, limits)
    if daily and len(daily.times) >= daily.limit:
        raise LimitReachedError(
            daily.setting, limit=daily.limit, used=len(daily.times), frees_up=daily.frees_up
        )


def shown_limits(effect: Effect, usage: Usage, limits: Limits) -> dict[str, Any]:
    """Return what is left of each budget that a write with this effect uses, as JSON."""
    shown: dict[str, Any] = {}
    if effect == "acquire" and limits.monthly_spend is not None:
        left = max(Decimal(0), limits.monthly_spend - usage.spend)
        shown["monthly_spend"] = {"limit": str(limits.monthly_spend), "left": str(left)}
    if daily := _daily(effect, usage, limits):
        left_today = max(0, daily.limit - len(daily.times))
        shown[daily.name] = {"limit": daily.limit, "left": left_today}
        if daily.frees_up:
            shown[daily.name]["frees_up"] = daily.frees_up.isoformat(timespec="seconds")
    return shown


@dataclass(frozen=True, slots=True)
class _Daily:
    name: str
    limit: int
    times: tuple[datetime, ...]

    @property
    def setting(self) -> str:
        return f"TELEFONIE_MAX_{self.name.upper()}"

    @property
    def frees_up(self) -> datetime | None:
        """When one more write fits than does now, if ever."""
        if not self.times or not self.limit:
            return None
        return self.times[max(0, len(self.times) - self.limit)] + DAY


def _daily(effect: Effect, usage: Usage, limits: Limits) -> _Daily | None:
    match effect:
        case "acquire":
            name, limit, times = "purchases_per_day", limits.purchases_per_day, usage.acquired
        case "dispose":
            name, limit, times = "releases_per_day", limits.releases_per_day, usage.disposed
        case "change":
            return None
        case _:
            assert_never(effect)
    return None if limit is None else _Daily(name, limit, times)
