"""Amounts of money, as APIs and operators write them."""

from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any

__all__ = ["money"]


def money(value: Any) -> Decimal | None:
    """Return ``value`` as an amount of money with at most four decimals, rounded up; ``None`` if it is none.

    >>> money("1.15"), money("free"), money(2.5), money("-1"), money(True)
    (Decimal('1.15'), None, Decimal('2.5'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount >= 10**9:
        return None
    exact = amount.quantize(Decimal("0.0001"), rounding=ROUND_UP)
    return amount if amount == exact else exact
