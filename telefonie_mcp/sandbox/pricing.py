"""Terms of phone numbers: capabilities, monthly rates and regulatory requirements by country and type.

The data is `pricing.json`: illustrative, dated, in USD per month. Countries and types that it does not name
have the defaults of the type. Which numbers exist is `numbering_plan`'s.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from telefonie_mcp.numbering.number_types import NumberType

_CENTS: Final = Decimal("0.01")


class Requirement(StrEnum):
    """What a regulator requires from the customer before a number is assigned."""

    NOTHING = "nothing"
    ADDRESS = "address"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Terms:
    """Capabilities, price (USD per month) and regulation of one type of number in one country."""

    monthly_rate: Decimal
    voice: bool
    sms: bool
    mms: bool
    requires: Requirement

    def capabilities(self) -> dict[str, bool]:
        """Return the capabilities as in the document."""
        return {"voice": self.voice, "sms": self.sms, "mms": self.mms}


@cache
def terms(country: str, number_type: NumberType) -> Terms:
    """Return the terms for numbers of that type in that country."""
    prices = _price_list()
    facts = prices["defaults"][number_type] | prices["countries"].get(country, {}).get(number_type, {})
    return Terms(
        monthly_rate=Decimal(facts["monthly_rate"]).quantize(_CENTS),
        voice=facts["voice"],
        sms=facts["sms"],
        mms=facts["mms"],
        requires=Requirement(facts["requires"]),
    )


@cache
def _price_list() -> dict[str, Any]:
    return json.loads(files("telefonie_mcp.sandbox").joinpath("pricing.json").read_text("utf-8"))
