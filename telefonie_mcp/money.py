"""Amounts of money, as APIs and operators write them; exact, and unreadable where they are ambiguous."""

import re
from decimal import ROUND_DOWN, ROUND_UP, Decimal, InvalidOperation
from typing import Any, Final

__all__ = ["ACCOUNT_CURRENCY", "amount_text", "limit", "money", "named_currency"]

ACCOUNT_CURRENCY: Final = "the account's currency"
"""What a rate is in where neither the document nor the operator names a currency."""

_STEP: Final = Decimal("0.0001")
_CENTS: Final = Decimal("0.01")
_HIGHEST: Final = 10**9
_LONGEST: Final = 40
"""Characters of the longest amount that is read."""

_AMOUNT: Final = (  # compiled with the first amount that is read, as those below
    r"(?P<before>[A-Z]{3}|[$€£¥])?\s?(?P<number>[0-9][0-9.,]*|\.[0-9]+)(?:E(?P<power>[-+]?[0-9]{1,9}))?"
    r"\s?(?P<after>[A-Z]{3}|[$€£¥])?"
)
_GROUPED: Final = r"[0-9]{1,3}(,[0-9]{3})+\.[0-9]*"
_DECIMAL_COMMA: Final = r"[0-9]+,[0-9]{2}"
_SYMBOLS: Final = {"$": "USD CAD AUD NZD SGD HKD MXN", "€": "EUR", "£": "GBP", "¥": "JPY CNY"}
"""Currencies (ISO 4217) that are written with a symbol."""


def money(value: Any, currency: str | None = None) -> Decimal | None:
    """Return a price as an amount with at most four decimals, rounded up; ``None`` if it cannot be read.

    A number, or text such as ``1.15``, ``$1.15``, ``1.15 USD``, ``1,15`` or ``1,000.00``. ``1,000`` alone is
    ambiguous, so it is not read; nor is a negative amount, nor one in another currency than ``currency``
    (ISO 4217), where that is given.

    >>> money("1.15"), money("$1.15"), money("1,15"), money("1,000.00"), money(2.5)
    (Decimal('1.15'), Decimal('1.15'), Decimal('1.15'), Decimal('1000.00'), Decimal('2.5'))
    >>> money("1,000"), money("1.15 EUR", "USD"), money("free"), money("-1"), money(True)
    (None, None, None, None, None)
    """
    return _rounded(_read(value, currency), ROUND_UP)


def limit(value: Any) -> Decimal | None:
    """Return a limit, read like a price but rounded down; ``None`` if it cannot be read.

    >>> limit("1.00009"), money("1.00009"), limit(-0.0)
    (Decimal('1.0000'), Decimal('1.0001'), Decimal('0'))
    """
    return _rounded(_read(value, None), ROUND_DOWN)


def named_currency(value: Any) -> str | None:
    """Return the currency that a readable price names, as a code or a symbol; ``None`` where it names none.

    >>> named_currency("1.15 EUR"), named_currency("$1.15"), named_currency("1.15")
    ('EUR', '$', None)
    """
    text = value.strip().upper() if isinstance(value, str) else ""
    match = re.fullmatch(_AMOUNT, text) if len(text) <= _LONGEST else None
    return (match["before"] or match["after"]) if match else None


def amount_text(amount: Decimal) -> str:
    """Return an amount with two decimals at least, as money is written.

    >>> amount_text(Decimal("1.0")), amount_text(Decimal("2")), amount_text(Decimal("0.0075"))
    ('1.00', '2.00', '0.0075')
    """
    cents = amount.quantize(_CENTS)
    return str(cents if cents == amount else amount)


def _read(value: Any, currency: str | None) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    is_zero = isinstance(value, float) and not value  # -0.0 is no negative amount
    text = "0" if is_zero else str(value).strip().upper()
    match = re.fullmatch(_AMOUNT, text) if len(text) <= _LONGEST else None
    if match is None or (match["before"] and match["after"]):
        return None
    named = match["before"] or match["after"]
    if named and currency and currency not in _SYMBOLS.get(named, named).split():
        return None
    number = match["number"]
    if re.fullmatch(_GROUPED, number):
        number = number.replace(",", "")
    elif re.fullmatch(_DECIMAL_COMMA, number):
        number = number.replace(",", ".")
    try:
        amount = Decimal(f"{number}E{match['power']}" if match["power"] else number)
    except InvalidOperation:
        return None
    return amount if amount < _HIGHEST else None


def _rounded(amount: Decimal | None, rounding: str) -> Decimal | None:
    if amount is None:
        return None
    exact = amount.quantize(_STEP, rounding=rounding)
    return amount if amount == exact else exact
