"""Number portability: orders that bring numbers from another carrier into an account.

A portability check says what a port requires. An order is a draft until it is submitted; then the losing
carrier confirms its FOC date (firm order commitment) or rejects the order, and on that date the numbers
arrive in the account with the order's webhooks and label. `states` has every state and transition. Nothing
runs in the background: each request first applies what is due by the sandbox's clock, dated when it was due.

Rules

- An order has 1 to 100 numbers of one country, at one losing carrier. A number is in one open order at most,
  and cannot be bought meanwhile: it is in service.
- The FOC date is a business day of the country, at most 30 days ahead; without a choice it is the earliest
  one. Numbers port at 15:00 UTC. Less than 24 hours before, nothing can be changed.
- The losing carrier takes 4 business hours (9:00 to 17:00 UTC) to confirm or reject an order, and 2 to
  confirm a cancellation. A confirmed order whose date is changed must be confirmed again.
- A draft that is not changed for 48 hours expires.
- Porting itself is free, and so is the month in which it happens.
- The account number and the PIN are write-only. They are judged at once and only the verdict is kept; of an
  uploaded document, only its type, size and digest.

Triggers

| What | Effect |
|---|---|
| `account_number` or `pin` is `reject-CODE`, with any of the codes of `rejections` | that rejection |
| `pin` is `0000` | `PASSCODE_PIN_INVALID` |
| a number that ends in 0197 | not portable: `PHONE_NUMBER_NOT_PORTABLE` |
| a number that ends in 0198 | not portable: `RATE_CENTER_NOT_PORTABLE` |

`FOC_EXPIRED`, `SV_CONFLICT` and `SV_UNKNOWN_FAILURE` come on the FOC date, after its confirmation; all other
rejections come instead of it. Whatever the code, correcting the value that caused it and submitting again
helps. Carriers are invented, and what they require is illustrative (`carriers.json`).
"""

from telefonie_mcp.sandbox.porting.service import Porting

__all__ = ["Porting"]
