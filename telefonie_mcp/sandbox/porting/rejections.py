"""Codes with which a losing carrier rejects an order, and the values that trigger them.

The codes are the industry's. Account number and PIN are judged when they are received; only the verdict is
kept, never the value.
"""

from collections.abc import Mapping
from typing import Final, Literal

RejectionCode = Literal[
    "ACCOUNT_NUMBER_MISMATCH",
    "AUTH_PERSON_MISMATCH",
    "BTN_ATN_MISMATCH",
    "ENTITY_NAME_MISMATCH",
    "FOC_EXPIRED",
    "FOC_REJECTED",
    "LOCATION_MISMATCH",
    "LSR_PENDING",
    "MAIN_BTN_PORTING",
    "OSP_IRRESPONSIVE",
    "OTHER",
    "PASSCODE_PIN_INVALID",
    "PHONE_NUMBER_HAS_SPECIAL_FEATURE",
    "PHONE_NUMBER_MISMATCH",
    "PHONE_NUMBER_NOT_PORTABLE",
    "PORT_TYPE_INCORRECT",
    "PORTING_ORDER_SPLIT_REQUIRED",
    "POSTAL_CODE_MISMATCH",
    "RATE_CENTER_NOT_PORTABLE",
    "SV_CONFLICT",
    "SV_UNKNOWN_FAILURE",
]

WORDS: Final[Mapping[RejectionCode, str]] = {
    "ACCOUNT_NUMBER_MISMATCH": "The account number is not the one at the losing carrier. Correct it.",
    "AUTH_PERSON_MISMATCH": "The authorized person is not the one at the losing carrier. Correct the name.",
    "BTN_ATN_MISMATCH": "The numbers belong to another billing number. Check them against the invoice.",
    "ENTITY_NAME_MISMATCH": "The customer's name is not the one at the losing carrier. Correct it.",
    "FOC_EXPIRED": "The confirmed date has passed without activation. Choose a new foc_date.",
    "FOC_REJECTED": "The losing carrier does not accept the date. Choose another foc_date.",
    "LOCATION_MISMATCH": "The service address is not the one at the losing carrier. Correct it.",
    "LSR_PENDING": "Another request to port these numbers is pending. Have it withdrawn there.",
    "MAIN_BTN_PORTING": "The main billing number is among the numbers. Name a new one at the losing carrier.",
    "OSP_IRRESPONSIVE": "The losing carrier does not answer. Submit the order again.",
    "OTHER": "The losing carrier rejects the order for a reason of its own. Ask the support.",
    "PASSCODE_PIN_INVALID": "The PIN is wrong. Ask the losing carrier for the port-out PIN and correct it.",
    "PHONE_NUMBER_HAS_SPECIAL_FEATURE": "A number has a feature such as distinctive ring. Have it removed.",
    "PHONE_NUMBER_MISMATCH": "A number is not on this account at the losing carrier. Correct the numbers.",
    "PHONE_NUMBER_NOT_PORTABLE": "A number cannot be ported. Take it out of the order.",
    "PORT_TYPE_INCORRECT": "A full port was declared as a partial one, or the reverse. Correct the numbers.",
    "PORTING_ORDER_SPLIT_REQUIRED": "The numbers belong to several accounts. Make an order for each.",
    "POSTAL_CODE_MISMATCH": "The postal code is not the one at the losing carrier. Correct it.",
    "RATE_CENTER_NOT_PORTABLE": "The rate center is not served here. Take its numbers out of the order.",
    "SV_CONFLICT": "The losing carrier put the port in conflict at the last moment. Clear it with them.",
    "SV_UNKNOWN_FAILURE": "The numbering registry failed at activation. Choose a new foc_date.",
}
"""The sentence for each code, with the remedy."""

AT_ACTIVATION: Final[frozenset[RejectionCode]] = frozenset(
    {"FOC_EXPIRED", "SV_CONFLICT", "SV_UNKNOWN_FAILURE"}
)
"""Rejections on the FOC date; all others come instead of the confirmation."""

WRONG_PIN: Final = "0000"
_TRIGGER: Final = "reject-"


def judge_account_number(value: str) -> RejectionCode | None:
    """Return the rejection that an account number triggers, if any."""
    return _triggered(value)


def judge_pin(value: str) -> RejectionCode | None:
    """Return the rejection that a PIN triggers, if any."""
    return "PASSCODE_PIN_INVALID" if value == WRONG_PIN else _triggered(value)


def _triggered(value: str) -> RejectionCode | None:
    wanted = value.removeprefix(_TRIGGER) if value.startswith(_TRIGGER) else ""
    return next((code for code in WORDS if code == wanted), None)
