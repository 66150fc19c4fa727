import hashlib
import hmac
from urllib.parse import parse_qs

import pytest

from telefonie_mcp.sandbox.inbound.forms import LONGEST_TEXT, Inbound, form, signature

IDENTITY = "0123456789abcdef" * 2


def fields(inbound: Inbound, account: int = 1) -> dict[str, str]:
    body = form(inbound, account, IDENTITY).decode()
    return {name: value for name, (value,) in parse_qs(body, keep_blank_values=True).items()}


def test_a_call_has_the_usual_fields() -> None:
    sent = fields(Inbound("call", "+14155550100", "+442079460123"))
    assert len(sent.pop("AccountSid")) == 34
    assert sent == {
        "CallSid": f"CA{IDENTITY}",
        "CallStatus": "ringing",
        "Direction": "inbound",
        "From": "+442079460123",
        "FromCountry": "GB",
        "To": "+14155550100",
        "ToCountry": "US",
    }


def test_an_sms_has_the_usual_fields_and_keeps_its_text() -> None:
    text = "Hi & bye = 100% + ✓\nnext line"
    sent = fields(Inbound("sms", "+14155550100", "+80012345678", text))
    assert len(sent.pop("AccountSid")) == 34
    assert sent == {
        "MessageSid": f"SM{IDENTITY}",
        "Body": text,
        "NumMedia": "0",
        "Direction": "inbound",
        "From": "+80012345678",
        "FromCountry": "",
        "To": "+14155550100",
        "ToCountry": "US",
    }


def test_an_account_has_a_stable_account_sid() -> None:
    call = Inbound("call", "+14155550100", "+12125550123")
    assert fields(call, 1)["AccountSid"] == fields(call, 1)["AccountSid"] != fields(call, 2)["AccountSid"]


@pytest.mark.parametrize("text", ["", "x" * (LONGEST_TEXT + 1)])
def test_an_sms_has_a_text_of_bounded_length(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 1600"):
        Inbound("sms", "+14155550100", "+12125550123", text)


def test_the_signature_is_the_documented_one() -> None:
    body = b"From=%2B1&To=%2B2"
    expected = hmac.new(b"whsec_x", b"1790000000.From=%2B1&To=%2B2", hashlib.sha256).hexdigest()
    assert signature("whsec_x", body, 1790000000) == f"t=1790000000,v1={expected}"
