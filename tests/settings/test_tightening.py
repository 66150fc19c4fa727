"""A tenant tightens the operator's settings, and can loosen none."""

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.tightening import RESTRICTING, tightened

APPROVALS = ("confirm", "human", "block")

TABLE: list[tuple[str, Any, Any, Any, bool]] = [
    ("max_monthly_rate", None, Decimal(2), Decimal(2), False),
    ("max_monthly_rate", Decimal(5), Decimal(2), Decimal(2), False),
    ("max_monthly_rate", Decimal(1), Decimal(2), Decimal(1), True),
    ("max_monthly_spend", Decimal(0), Decimal(2), Decimal(0), True),
    ("max_monthly_spend", Decimal(5), Decimal(0), Decimal(0), False),
    ("max_purchases_per_day", 3, 5, 3, True),
    ("max_purchases_per_day", None, 0, 0, False),
    ("max_releases_per_day", 3, 1, 1, False),
    ("max_calls_per_minute", 600, 60, 60, False),
    ("max_calls_per_minute", 600, 6000, 600, True),
    ("timeout", 30.0, 10.0, 10.0, False),
    ("timeout", 30.0, 60.0, 30.0, True),
    ("read_only", True, False, True, True),
    ("read_only", False, True, True, False),
    ("live_porting", False, True, False, True),
    ("live_porting", True, False, False, False),
    ("approval", "human", "confirm", "human", True),
    ("approval", "confirm", "block", "block", False),
    ("approval", "block", "human", "block", True),
    ("currency", None, "USD", "USD", False),
    ("currency", "USD", "USD", "USD", False),
    ("countries", frozenset(), frozenset({"US"}), frozenset({"US"}), False),
    ("countries", frozenset({"US", "CA"}), frozenset({"US", "GB"}), frozenset({"US"}), True),
    ("number_types", frozenset({"local"}), frozenset({"local"}), frozenset({"local"}), False),
    ("toolsets", ("numbers", "lookup"), ("numbers", "porting"), ("numbers",), True),
    ("tools", (), ("a", "b"), ("a", "b"), False),
    ("tools", ("a", "b"), ("b", "c"), ("b",), True),
    ("exclude_tools", ("a",), ("b",), ("a", "b"), False),
    ("protected_numbers", frozenset({"+1"}), frozenset({"+2"}), frozenset({"+1", "+2"}), False),
    ("webhook_hosts", ("*.a.com",), ("b.a.com", "c.com"), ("b.a.com",), True),
    ("webhook_hosts", ("b.a.com",), ("*.a.com",), ("b.a.com",), True),
    ("webhook_hosts", ("*.a.com",), ("*.b.a.com",), ("*.b.a.com",), False),
]


def operator(**values: Any) -> Settings:
    return Settings.model_construct(**values)


@pytest.mark.parametrize(("name", "own", "asked", "holds", "looser"), TABLE)
def test_the_stricter_holds_and_what_is_looser_is_told(
    name: str, own: Any, asked: Any, holds: Any, looser: bool
) -> None:
    made = tightened(operator(**{name: own}), {name: asked})
    assert made.values == {name: holds}
    assert made.looser == ((name,) if looser else ())


@pytest.mark.parametrize(
    ("name", "own", "asked"),
    [
        ("countries", frozenset({"US"}), frozenset({"CA"})),
        ("number_types", frozenset({"local"}), frozenset({"mobile"})),
        ("webhook_hosts", ("*.a.com",), ("a.com", "b.com")),
        ("tools", ("a",), ("b",)),
        ("toolsets", ("numbers",), ("porting",)),
        ("currency", "USD", "EUR"),
    ],
)
def test_settings_without_anything_in_common_are_an_error_and_never_mean_everything(
    name: str, own: Any, asked: Any
) -> None:
    with pytest.raises(ValueError, match=f"^{name} .*TELEFONIE_{name.upper()}"):
        tightened(operator(**{name: own}), {name: asked})


def test_every_setting_that_restricts_is_in_the_table() -> None:
    assert {row[0] for row in TABLE} == RESTRICTING
    assert Settings.model_fields.keys() >= RESTRICTING


names = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)
hosts = st.lists(
    st.sampled_from(["a.com", "*.a.com", "x.a.com", "*.x.a.com", "y.x.a.com", "*.com", "b.com", "*.b.com"]),
    min_size=1,
    max_size=4,
    unique=True,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "timeout": st.integers(1, 600),
    "read_only": st.booleans(),
    "toolsets": names.map(tuple),
    "live_porting": st.booleans(),
    "tools": names.map(tuple),
    "exclude_tools": names.map(tuple),
    "approval": st.sampled_from(APPROVALS),
    "max_monthly_rate": st.integers(0, 9),
    "max_monthly_spend": st.integers(0, 9),
    "max_purchases_per_day": st.integers(0, 9),
    "max_releases_per_day": st.integers(0, 9),
    "currency": st.sampled_from(["USD", "EUR"]),
    "countries": names.map(frozenset),
    "number_types": names.map(frozenset),
    "webhook_hosts": hosts.map(tuple),
    "protected_numbers": names.map(frozenset),
    "max_calls_per_minute": st.integers(1, 9),
}
UNSET = {name: Settings.model_fields[name].default for name in VALUES}
PLACES = ("a.com", "x.a.com", "y.x.a.com", "z.y.x.a.com", "b.com", "x.b.com", "c.com", "d.org")


def allows(settings: Settings) -> dict[str, set[Any]]:
    """Return what settings allow, as sets: the larger, the looser."""
    amounts = range(12)

    def up_to(limit: Any) -> set[Any]:
        return {amount for amount in amounts if limit is None or amount <= limit}

    def listed(values: Any, everything: str = "abcd") -> set[Any]:
        return {each for each in everything if not values or each in values}

    return {
        "timeout": set(range(int(settings.timeout))),
        "write": set() if settings.read_only else {True},
        "toolsets": listed(settings.toolsets) if settings.toolsets else set(),
        "porting": {True} if settings.live_porting else set(),
        "tools": listed(settings.tools) - {*settings.exclude_tools},
        "without": set(APPROVALS[APPROVALS.index(settings.approval) :]),
        "rate": up_to(settings.max_monthly_rate),
        "spend": up_to(settings.max_monthly_spend),
        "purchases": up_to(settings.max_purchases_per_day),
        "releases": up_to(settings.max_releases_per_day),
        "currencies": {each for each in ("USD", "EUR") if settings.currency in {None, each}},
        "countries": listed(settings.countries),
        "types": listed(settings.number_types),
        "hosts": {
            place
            for place in PLACES
            if not settings.webhook_hosts or any(fnmatchcase(place, each) for each in settings.webhook_hosts)
        },
        "numbers": set("abcd") - settings.protected_numbers,
        "calls": set(range(settings.max_calls_per_minute)),
    }


some = st.fixed_dictionaries({}, optional=VALUES)


@given(some, some)
def test_a_tenant_never_gets_more_than_the_operator_allows_nor_than_it_asked_for(
    own: dict[str, Any], asked: dict[str, Any]
) -> None:
    settings = operator(**{**UNSET, "toolsets": ("a", "b"), **own})
    try:
        made = tightened(settings, asked)
    except ValueError:
        return
    holds = allows(settings.model_copy(update=dict(made.values)))
    wished = allows(
        operator(**{**UNSET, "toolsets": tuple("abcd"), "timeout": 600, "live_porting": True, **asked})
    )
    wished["calls"] = wished["calls"] if "max_calls_per_minute" in asked else holds["calls"]
    for name, most in allows(settings).items():
        # exactly what both allow: nothing more, and nothing less
        assert holds[name] == most & wished[name], name


@given(some, some, some)
def test_tightening_twice_never_loosens(
    own: dict[str, Any], first: dict[str, Any], second: dict[str, Any]
) -> None:
    settings = operator(**{**UNSET, "toolsets": tuple("abcd"), **own})
    try:
        once = settings.model_copy(update=dict(tightened(settings, first).values))
        twice = once.model_copy(update=dict(tightened(once, second).values))
    except ValueError:
        return
    before, after = allows(once), allows(twice)
    assert all(after[name] <= before[name] for name in before)
