"""A provider that sells more numbers than one."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.faulty import OFFER, Provider


@dataclass
class Shop(Provider):
    """Sells every number in North America, at `rates` or else at `rate`, and says so when it has sold one.

    `answered` is the rate in the answer to a purchase, where that is another one.
    """

    rates: dict[str, str] = field(default_factory=dict[str, str])
    answered: str | None = None

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        match method, parts.path:
            case "GET", "/v1/numbers/available":
                number = "+1" + parse_qs(parts.query)["contains"][0]
                offer = OFFER | {"phone_number": number, "monthly_rate": self.rates.get(number, self.rate)}
                return 200, {"available_numbers": [] if number in self.owned else [offer]}
            case "POST", "/v1/numbers/owned":
                number = json.loads(body)["phone_number"]
                rate = self.answered or self.rates.get(number, self.rate)
                self.owned[number] = OFFER | {"phone_number": number, "monthly_rate": rate}
                return 201, self.owned[number]
            case _:
                return super().handle(method, target, body)
