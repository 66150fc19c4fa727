"""An embedded sandbox of the Number Management API: complete, persistent and free of charge.

`create_sandbox` makes an ASGI application that implements every operation of the document under
`/v1/numbers`, over one SQLite file. Numbers are computed from the numbering plans of 245 countries, purchases
are transactions, accounts have a balance, and errors are RFC 9457 problems with stable codes. Nothing is ever
dialled, and every response carries `Telefonie-Sandbox: true`. Prices and regulation are illustrative
(`pricing.json`).

Test numbers. Buying one of them (`POST /owned`) has the outcome in the table, on every account. Those that
can be owned are read, updated and released like any other number, and a search for
`country_code=US&area_code=500` lists them. A search whose `contains` has their digits (`5005550` at least)
also finds those whose purchase is refused for a reason other than the number itself, so that a client that
looks a number up before it buys gets as far as the refusal.

| Number | Purchase | Owned afterwards |
|---|---|---|
| +15005550000 | 409 `number_unavailable` | no |
| +15005550001 | 400 `invalid_number` | no |
| +15005550006 | 201, like any number | yes |
| +15005550010 | 402 `insufficient_funds` | no |
| +15005550011 | 429 `rate_limited`, `Retry-After: 1`, every time | no |
| +15005550012 | 429 `rate_limited`, `Retry-After: 1`, the first time on an account; then 201 | yes |
| +15005550013 | 422 `address_required` | no |
| +15005550014 | 422 `bundle_required` | no |
| +15005550015 | 401 `unauthorized` | no |
| +15005550016 | 403 `forbidden` | no |
| +15005550017 | 409 `already_owned` | no |
| +15005550020 | 500 `server_error`, although it was committed | yes |
| +15005550021 | 503 `unavailable`, and nothing was committed | no |
| +15005550022 | 201 with half of its body | yes |
| +15005550023 | no answer until the client leaves (500 after 60 s), although it was committed | yes |

Area code 533 has no numbers.

Accounts. Unless the sandbox is `embedded`, `X-API-Key` selects the account, and any key of 8 to 128
letters, digits, `_` and `-` opens one of its own. Some keys are switches:

| Key | Effect |
|---|---|
| `sandbox-unauthorized` | 401 `unauthorized` on every request |
| `sandbox-forbidden` | 403 `forbidden` on every request |
| `sandbox-limited` | 429 `rate_limited` with `Retry-After: 2` on every request |
| `sandbox-broke` | an account with a balance of zero: 402 `insufficient_funds` on every purchase |
| `sandbox-unverified` | no address, no documents: 422 where a country wants them (DE address, IT bundle) |

Inbound. `inbound` delivers simulated calls and SMS to the webhooks of a number, signed.

Porting. `porting` has port orders, their rules and the triggers of every rejection.

The clock. `move_clock` moves the sandbox's clock forward; what falls due on the way happens.
"""

from telefonie_mcp.sandbox.app import create_sandbox
from telefonie_mcp.sandbox.clocks import clock, move_clock, reset_clock
from telefonie_mcp.sandbox.database import SandboxError, contents, reset

__all__ = ["SandboxError", "clock", "contents", "create_sandbox", "move_clock", "reset", "reset_clock"]
