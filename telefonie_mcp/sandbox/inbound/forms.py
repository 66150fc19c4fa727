"""The form that a webhook receives, and its signature; pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

import phonenumbers

from telefonie_mcp.sandbox.numbering_plan import COUNTRIES, parse

SIGNATURE: Final = "Telefonie-Signature"
LONGEST_TEXT: Final = 1600
"""Characters of an SMS, as providers allow."""

Kind = Literal["call", "sms"]


@dataclass(frozen=True, slots=True)
class Inbound:
    """A call or an SMS from `sender` to `number`, both in E.164 format."""

    kind: Kind
    number: str
    sender: str
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind == "sms" and not 0 < len(self.text) <= LONGEST_TEXT:
            raise ValueError(f"An SMS has 1 to {LONGEST_TEXT} characters.")


def form(inbound: Inbound, account: int, identity: str) -> bytes:
    """Return the body of the request; `identity` is 32 hex digits, unique to the event."""
    kind: Mapping[str, str]
    if inbound.kind == "call":
        kind = {"CallSid": f"CA{identity}", "CallStatus": "ringing"}
    else:
        kind = {"MessageSid": f"SM{identity}", "Body": inbound.text, "NumMedia": "0"}
    fields = {
        "AccountSid": f"AC{hashlib.sha256(f'account {account}'.encode()).hexdigest()[:32]}",
        "From": inbound.sender,
        "To": inbound.number,
        "FromCountry": _country(inbound.sender),
        "ToCountry": _country(inbound.number),
        "Direction": "inbound",
        **kind,
    }
    return urlencode(fields).encode()


def signature(secret: str, body: bytes, at: int) -> str:
    """Return the value of the header `Telefonie-Signature`; `at` is the time in seconds since 1970."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _country(number: str) -> str:
    parsed = parse(number)
    country = phonenumbers.region_code_for_number(parsed) if parsed else None
    return country if country in COUNTRIES else ""
