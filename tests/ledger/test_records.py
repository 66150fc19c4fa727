import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from telefonie_mcp.ledger.errors import LimitReachedError
from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.money import limit, money


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1.15", "1.15"),
        (" 1.15 ", "1.15"),
        ("0", "0"),
        (0, "0"),
        (2.5, "2.5"),
        (0.1, "0.1"),
        (7, "7"),
        (Decimal("3.0000"), "3.0000"),
        ("0.0001", "0.0001"),
        ("0.00001", "0.0001"),
        ("1.15001", "1.1501"),
        ("1.15009", "1.1501"),
        ("999999999", "999999999"),
        ("1e2", "100"),
        ("1e-999999", "0.0001"),
        ("$1.15", "1.15"),
        ("1.15 USD", "1.15"),
        ("USD 1.15", "1.15"),
        ("1.15 eur", "1.15"),
        ("\u20ac1,15", "1.15"),
        ("1,15", "1.15"),
        ("1000,15", "1000.15"),
        ("1,000.00", "1000"),
        ("1,234,567.89", "1234567.89"),
        ("$1,000.001", "1000.001"),
        (".5", "0.5"),
    ],
)
def test_what_is_an_amount_is_read_and_rounded_up_to_four_decimals(value: Any, amount: str) -> None:
    assert money(value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [
        *("", "free", "1,150", "1,000", "1,5", "1,0000", "1.000,00", "1,00,000.00", "1.15.2", "1 15", "$-1"),
        *(
            "$1.15 USD",
            "$",
            "USD",
            "1.15 dollars",
            "1.15 / month",
            "from 1.15",
            "1.15-2.30",
            "-1",
            "NaN",
            "sNaN",
            "Infinity",
            "-Infinity",
            "0x10",
        ),
        *("1e9", 10**9, "1e999999999", -0.01, float("nan"), True, False, None, [], {}, b"1", 1j),
    ],
)
def test_what_is_no_amount_is_not_money(value: Any) -> None:
    assert money(value) is None


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        ("1.15", "USD", "1.15"),
        (1.15, "EUR", "1.15"),
        ("$1.15", "USD", "1.15"),
        ("$1.15", "CAD", "1.15"),
        ("USD 1.15", "USD", "1.15"),
        ("1.15 usd", "USD", "1.15"),
        ("1,15 \u20ac", "EUR", "1.15"),
        ("$1.15", "EUR", None),
        ("1.15 EUR", "USD", None),
        ("\u00a31.15", "USD", None),
        ("CAD 1.15", "USD", None),
        ("\u20ac1,15", None, "1.15"),
    ],
)
def test_a_rate_in_another_currency_is_another_price(
    value: Any, currency: str | None, amount: str | None
) -> None:
    assert money(value, currency) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("value", "most"),
    [
        ("1.15", "1.15"),
        ("1.15009", "1.15"),
        ("0.00009", "0"),
        (0.00019, "0.0001"),
        ("-1", None),
        ("1,000", None),
    ],
)
def test_a_limit_is_rounded_down(value: Any, most: str | None) -> None:
    assert limit(value) == (None if most is None else Decimal(most))


def test_a_refusal_names_the_setting_the_limit_and_what_is_used() -> None:
    error = LimitReachedError("TELEFONIE_MAX_MONTHLY_SPEND", limit=Decimal("11.5"), used=Decimal("10.35"))
    assert (error.setting, error.limit, error.used) == (
        "TELEFONIE_MAX_MONTHLY_SPEND",
        Decimal("11.5"),
        Decimal("10.35"),
    )
    assert str(error) == "TELEFONIE_MAX_MONTHLY_SPEND allows 11.5 and 10.35 is used"


def entry(**changes: Any) -> Entry:
    values: dict[str, Any] = {
        "id": 7,
        "created": datetime(2026, 11, 24, 9, 30, 1, 234_000, tzinfo=UTC),
        "updated": datetime(2026, 11, 24, 9, 30, 2, tzinfo=UTC),
        "account": "sandbox",
        "caller": "client 1.0",
        "tool": "purchase_number",
        "operation": "purchaseNumber",
        "effect": "acquire",
        "subject": "+14155550100",
        "state": "done",
        "monthly_rate": None,
        "reason": "",
    }
    return Entry(**values | changes)


def test_an_entry_is_shown_as_json_without_what_it_has_not() -> None:
    assert entry().as_dict() == {
        "id": 7,
        "created": "2026-11-24T09:30:01.234+00:00",
        "updated": "2026-11-24T09:30:02.000+00:00",
        "account": "sandbox",
        "caller": "client 1.0",
        "tool": "purchase_number",
        "subject": "+14155550100",
        "state": "done",
        "arguments": {},
    }


def test_an_entry_is_shown_with_its_rate_its_reason_and_what_was_before() -> None:
    shown = entry(
        monthly_rate=Decimal("1.15"), reason="unavailable", arguments={"a": 1}, previous={"sms_url": ""}
    ).as_dict()
    assert json.loads(json.dumps(shown)) == shown
    assert shown["monthly_rate"] == "1.15"
    assert shown["reason"] == "unavailable"
    assert shown["arguments"] == {"a": 1}
    assert shown["previous"] == {"sms_url": ""}
