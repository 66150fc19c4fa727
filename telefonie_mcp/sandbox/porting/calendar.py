"""Business days and business hours, per country; pure.

Public holidays and weekends are those of the `holidays` library; a country that it does not know
is closed on Saturdays and Sundays only. Business hours are 9:00 to 17:00 UTC everywhere: the sandbox has no
time zones.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

OPENING: Final = time(9, tzinfo=UTC)
CLOSING: Final = time(17, tzinfo=UTC)

_DAY: Final = timedelta(days=1)
_WEEKEND: Final = frozenset({5, 6})


def is_business_day(country: str, day: date) -> bool:
    """Return whether `day` is a business day in that country."""
    weekend, holidays = _closed(country, day.year)
    return day.weekday() not in weekend and day not in holidays


def business_day_from(country: str, day: date, count: int) -> date:
    """Return the business day that is `count` business days after `day`."""
    while count:
        day += _DAY
        count -= is_business_day(country, day)
    return day


def after_business_hours(country: str, start: datetime, length: timedelta) -> datetime:
    """Return the moment at which `length` of business time has passed since `start`."""
    day = start.date()
    while True:
        if is_business_day(country, day):
            begin = max(start, datetime.combine(day, OPENING))
            left = datetime.combine(day, CLOSING) - begin
            if length <= left:
                return begin + length
            length -= max(left, timedelta(0))
        day += _DAY


@lru_cache(maxsize=256)
def _closed(country: str, year: int) -> tuple[frozenset[int], frozenset[date]]:
    import holidays  # noqa: PLC0415  # only ports need it

    try:
        days = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return _WEEKEND, frozenset()
    return frozenset(days.weekend), frozenset(days)
