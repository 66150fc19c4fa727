"""Inbound events of a sandbox: delivery to webhooks, and the log of each number.

Raises `SandboxError` for a number that nobody owns and for a file that cannot be used.
"""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from telefonie_mcp.numbering.number_types import NumberType
from telefonie_mcp.sandbox.clocks import real_time, sandbox_time
from telefonie_mcp.sandbox.database import MEMORY, SandboxError
from telefonie_mcp.sandbox.inbound import targets
from telefonie_mcp.sandbox.inbound.delivery import LIMIT, Attempt, DeliveryOutcome, post
from telefonie_mcp.sandbox.inbound.forms import SIGNATURE, Inbound, Kind, form, signature
from telefonie_mcp.sandbox.inbound.targets import Resolve
from telefonie_mcp.sandbox.porting import Porting
from telefonie_mcp.sandbox.pricing import terms
from telefonie_mcp.sandbox.service import STARTING_BALANCE, Service
from telefonie_mcp.sandbox.store import Store

_OWNED: Final = (
    "SELECT account, country, type, voice_url, sms_url FROM numbers WHERE number = ? ORDER BY account LIMIT 1"
)
_SETTINGS: Final[dict[Kind, str]] = {"call": "voice_url", "sms": "sms_url"}
_NAMES: Final[dict[Kind, str]] = {"call": "voice", "sms": "SMS"}


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """A logged attempt to deliver a call or an SMS.

    `at` is the time of the sandbox's clock; `url` is without user name and password.
    """

    at: datetime
    kind: Kind
    sender: str
    outcome: DeliveryOutcome
    detail: str
    url: str | None = None
    status: int | None = None
    milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that was just logged, and the beginning of the webhook's response."""

    event: InboundEvent
    body: str


class _Owned(NamedTuple):
    account: int
    country: str
    type: NumberType
    voice_url: str | None
    sms_url: str | None

    def url(self, kind: Kind) -> str | None:
        """Return the webhook for that kind of event."""
        return self.voice_url if kind == "call" else self.sms_url


async def deliver(
    database: str | Path,
    inbound: Inbound,
    *,
    allow_private: bool = False,
    seconds: float = LIMIT,
    resolve: Resolve = targets.resolve,
) -> Delivery:
    """Deliver a call or an SMS to the webhook of its number, and log the outcome.

    A test number that several accounts own is the oldest account's here.

    Raises `SandboxError` if nobody owns the number, or the file cannot be used.
    """
    with _opened(database) as store:
        now = sandbox_time(store, real_time)
        owned = _owned(store, inbound.number)
        url = owned.url(inbound.kind)
        milliseconds = None
        attempt = _impossible(inbound, owned)
        if url is not None and attempt is None:
            begun = perf_counter()
            body = form(inbound, owned.account, secrets.token_hex(16))
            signed = signature(_secret(store, owned.account), body, int(real_time().timestamp()))
            attempt = await post(
                url,
                body,
                {SIGNATURE: signed},
                resolve=resolve,
                allow_private=allow_private,
                seconds=seconds,
            )
            milliseconds = round((perf_counter() - begun) * 1000)
        assert attempt is not None
        event = InboundEvent(
            at=now().replace(microsecond=0),
            kind=inbound.kind,
            sender=inbound.sender,
            outcome=attempt.outcome,
            detail=attempt.detail,
            url=url and _shown(url),
            status=attempt.status,
            milliseconds=milliseconds,
        )
        _write(store, inbound.number, event)
        return Delivery(event, attempt.body)


def events(database: str | Path, number: str, *, limit: int = 50) -> list[InboundEvent]:
    """Return the newest events of a number, oldest first.

    Raises `SandboxError` if the file cannot be used.
    """
    with _opened(database) as store:
        rows = store.rows(
            "SELECT at, kind, sender, outcome, detail, url, status, milliseconds FROM inbound_events "
            "WHERE number = ? ORDER BY id DESC LIMIT ?",
            number,
            limit,
        )
    return [InboundEvent(datetime.fromtimestamp(at, UTC), *others) for at, *others in reversed(rows)]


def webhook_secret(database: str | Path, number: str | None = None) -> str:
    """Return the secret that signs the webhooks of the owner of `number`; by default of the embedded account.

    Raises `SandboxError` if nobody owns the number, or the file cannot be used.
    """
    with _opened(database) as store:
        if number is not None:
            return _secret(store, _owned(store, number).account)
        service = Service(store, clock=real_time, balance=STARTING_BALANCE)
        return _secret(store, service.embedded().id)


@contextmanager
def _opened(database: str | Path) -> Generator[Store]:
    """Open the sandbox and apply what is due in it."""
    if str(database) == MEMORY:
        raise SandboxError("A sandbox in memory cannot be reached from outside. Use a file.")
    store = Store(database)
    try:
        Porting(store, sandbox_time(store, real_time)).advance()
        yield store
    finally:
        store.close()


def _owned(store: Store, number: str) -> _Owned:
    for row in store.rows(_OWNED, number):
        return _Owned(*row)
    raise SandboxError(f"Nobody owns {number} in this sandbox, so nothing can come in. Buy or port it first.")


def _impossible(inbound: Inbound, owned: _Owned) -> Attempt | None:
    """Return why nothing can be sent, if so."""
    offer = terms(owned.country, owned.type)
    if not (offer.voice if inbound.kind == "call" else offer.sms):
        return Attempt(
            "incapable",
            f"{inbound.number} has no {_NAMES[inbound.kind]}: {owned.type} numbers of {owned.country} "
            "cannot do it.",
        )
    setting = _SETTINGS[inbound.kind]
    if owned.url(inbound.kind) is None:
        return Attempt(
            "unrouted",
            f"{inbound.number} has no {setting}, so nothing was sent. Set it with update_owned_number.",
        )
    return None


def _secret(store: Store, account: int) -> str:
    with store.transaction() as execute:
        new = f"whsec_{secrets.token_hex(32)}"
        execute("INSERT INTO webhook_secrets VALUES (?, ?) ON CONFLICT DO NOTHING", (account, new))
        ((secret,),) = execute("SELECT secret FROM webhook_secrets WHERE account = ?", (account,)).fetchall()
    return secret


def _write(store: Store, number: str, event: InboundEvent) -> None:
    with store.transaction() as execute:
        execute(
            "INSERT INTO inbound_events "
            "(number, at, kind, sender, outcome, detail, url, status, milliseconds) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(number, int(event.at.timestamp()), event.kind, event.sender, event.outcome, event.detail),
                *(event.url, event.status, event.milliseconds),
            ),
        )


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
