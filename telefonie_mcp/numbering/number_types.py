"""The types under which phone numbers are sold, by libphonenumber's types.

- local: fixed line, or fixed line or mobile where a numbering plan does not tell them apart (US, CA: no
  mobile there);
- mobile: mobile;
- toll-free: toll-free;
- national: VoIP, universal access (UAN) and shared cost, the numbers of a whole country that belong to no
  place.

Premium rate, personal, pager and voicemail numbers exist but are not sold.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

__all__ = ["NUMBER_TYPES", "SOLD_AS", "NumberType"]

NumberType = Literal["local", "national", "toll-free", "mobile"]
NUMBER_TYPES: Final[tuple[NumberType, ...]] = get_args(NumberType)

SOLD_AS: Final[Mapping[str, NumberType | None]] = {
    "premium_rate": None,
    "toll_free": "toll-free",
    "shared_cost": "national",
    "voip": "national",
    "personal_number": None,
    "pager": None,
    "uan": "national",
    "voicemail": None,
    "fixed_line_or_mobile": "local",
    "fixed_line": "local",
    "mobile": "mobile",
}
"""libphonenumber's type (`PhoneNumberType.to_string`, in lower case) → the type sold; None if it is not sold.

In libphonenumber's order of precedence (`number_type`): a number of several types has the first of them.
"""
