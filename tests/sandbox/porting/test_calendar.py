from datetime import UTC, date, datetime, timedelta

import pytest

from telefonie_mcp.sandbox.porting.calendar import after_business_hours, business_day_from, is_business_day


@pytest.mark.parametrize(
    ("country", "day", "works"),
    [
        ("US", date(2026, 11, 25), True),
        ("US", date(2026, 11, 26), False),  # Thanksgiving
        ("GB", date(2026, 11, 26), True),
        ("US", date(2026, 7, 3), False),  # Independence Day, observed
        ("US", date(2026, 11, 28), False),  # Saturday
        ("DE", date(2026, 10, 3), False),  # German Unity Day, a Saturday too
        ("DE", date(2026, 5, 14), False),  # Ascension Day
        ("GB", date(2026, 12, 28), False),  # Boxing Day, substitute
        ("AX", date(2026, 12, 7), True),
        ("AC", date(2026, 12, 25), True),  # no country of the library: weekends alone
        ("AC", date(2026, 12, 26), False),
    ],
)
def test_business_days(country: str, day: date, works: bool) -> None:
    assert is_business_day(country, day) is works


@pytest.mark.parametrize(
    ("country", "count", "expected"),
    [("US", 0, date(2026, 11, 24)), ("US", 3, date(2026, 11, 30)), ("GB", 3, date(2026, 11, 27))],
)
def test_business_days_are_counted(country: str, count: int, expected: date) -> None:
    assert business_day_from(country, date(2026, 11, 24), count) == expected


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(24, 10), 4, at(24, 14)),
        (at(24, 13), 4, at(24, 17)),
        (at(24, 13, 1), 4, at(25, 9, 1)),
        (at(24, 3), 4, at(24, 13)),
        (at(24, 23), 4, at(25, 13)),
        (at(25, 16), 4, at(27, 12)),  # over Thanksgiving
        (at(27, 16), 4, at(30, 12)),  # over a weekend
        (at(28, 12), 4, at(30, 13)),
        (at(24, 10), 20, at(27, 14)),
    ],
)
def test_business_hours(start: datetime, hours: int, end: datetime) -> None:
    assert after_business_hours("US", start, timedelta(hours=hours)) == end
