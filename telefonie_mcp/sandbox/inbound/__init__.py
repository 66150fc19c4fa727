"""Inbound calls and SMS: simulated, and delivered to a number's webhook as a real HTTP request.

They show whether a number is routed as intended. Nothing is ever dialled.

The request is a POST with a form (`application/x-www-form-urlencoded`) whose field names are usual in the
industry:

| Field | Call, to `voice_url` | SMS, to `sms_url` |
|---|---|---|
| `CallSid` | `CA` and 32 hex digits | |
| `MessageSid` | | `SM` and 32 hex digits |
| `AccountSid` | `AC` and 32 hex digits, always the same for an account | the same |
| `From`, `To` | the numbers in E.164 format | the same |
| `FromCountry`, `ToCountry` | ISO 3166-1 alpha-2 codes; empty if there is none | the same |
| `Direction` | `inbound` | `inbound` |
| `CallStatus` | `ringing` | |
| `Body` | | the text |
| `NumMedia` | | `0` |

It is signed with the secret of the number's account (`webhook_secret`):

    Telefonie-Signature: t=1790000000,v1=5f2d…

`v1` is the HMAC-SHA256, in hex digits, of `t`, a full stop and the body as it was sent, under the secret as
UTF-8. A receiver computes it again, compares it in constant time and refuses a `t` (seconds since 1970) that
is more than five minutes old.

Rules. The receiver has 15 seconds in all. Redirects are not followed. The host is resolved once, and the
connection goes to the address that was checked: private, loopback and link-local ones must be allowed. Only
the first 2 kB of the response are read. Every attempt is in the number's event log.
"""

from telefonie_mcp.sandbox.inbound.service import (
    Delivery,
    Inbound,
    InboundEvent,
    deliver,
    events,
    webhook_secret,
)

__all__ = ["Delivery", "Inbound", "InboundEvent", "deliver", "events", "webhook_secret"]
