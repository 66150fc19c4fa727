"""Port orders as values, and as the JSON that the porting document describes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from telefonie_mcp.numbering.number_types import NumberType
from telefonie_mcp.sandbox.numbering_plan import Location
from telefonie_mcp.sandbox.porting.calendar import business_day_from
from telefonie_mcp.sandbox.porting.carriers import AttachmentType, Portability, RequiredField, portability
from telefonie_mcp.sandbox.porting.rejections import WORDS, RejectionCode
from telefonie_mcp.sandbox.porting.states import OPEN, OrderState, possible
from telefonie_mcp.sandbox.pricing import terms
from telefonie_mcp.sandbox.values import Json

PortEventKind = Literal[
    "created",
    "updated",
    "document_uploaded",
    "submitted",
    "foc_confirmed",
    "rejected",
    "ported",
    "cancel_requested",
    "cancelled",
    "expired",
]
Accepted = Literal[""]
ACCEPTED: Final[Accepted] = ""
Verdict = RejectionCode | Accepted
"""The losing carrier's judgement of a secret: a rejection code, or empty. The secret itself is not kept."""

ACTIVATION: Final = time(15, tzinfo=UTC)
"""When numbers port on their FOC date."""

FREEZE: Final = timedelta(hours=24)
"""How long before its FOC an order can no longer be changed."""

_NO_DATE_YET: Final[frozenset[OrderState]] = frozenset({"draft", "pending_documents", "exception"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that was uploaded to an order, without its content. `size` is in bytes."""

    type: AttachmentType
    file_name: str
    media_type: str
    size: int
    sha256: str
    uploaded: datetime


@dataclass(frozen=True, slots=True)
class PortEvent:
    """An entry in the history of an order, with the state it left the order in."""

    at: datetime
    kind: PortEventKind
    state: OrderState
    code: RejectionCode | None = None


@dataclass(frozen=True, slots=True)
class PortOrder:
    """An order to port numbers of one country from one losing carrier.

    `requested_date` is the FOC date that the customer chose, `foc_date` the one that was submitted. At `due`
    the order changes without being asked, such as by expiring.
    """

    name: str
    state: OrderState
    country: str
    carrier: str
    numbers: Mapping[str, NumberType]
    created: datetime
    due: datetime | None = None
    requested_date: date | None = None
    foc_date: date | None = None
    account_number: Verdict | None = None
    pin: Verdict | None = None
    authorized_name: str | None = None
    postal_code: str | None = None
    friendly_name: str | None = None
    voice_url: str | None = None
    sms_url: str | None = None
    rejection: RejectionCode | None = None
    attachments: tuple[Attachment, ...] = ()
    events: tuple[PortEvent, ...] = ()

    @property
    def portability(self) -> Portability:
        """What porting these numbers requires; the same for all of them, since they are at one carrier."""
        number, number_type = next(iter(self.numbers.items()))
        found = portability(number, Location(self.country, number_type))
        assert isinstance(found, Portability)
        return found

    @property
    def missing_fields(self) -> list[RequiredField]:
        """Required fields that the customer has not given yet."""
        return [name for name in self.portability.fields if getattr(self, name) is None]

    @property
    def missing_attachments(self) -> list[AttachmentType]:
        """Required attachments that the customer has not uploaded yet."""
        given = {attachment.type for attachment in self.attachments}
        return [name for name in self.portability.attachments if name not in given]

    @property
    def verdict(self) -> RejectionCode | None:
        """The code with which the losing carrier will reject the order, if any."""
        return self.account_number or self.pin or None

    def frozen(self, now: datetime) -> bool:
        """Return whether the FOC is too close for changes."""
        if self.state != "foc_confirmed" or self.foc_date is None:
            return False
        return now > activation(self.foc_date) - FREEZE

    def earliest_date(self, today: date) -> date:
        """Return the earliest FOC date for an order that is submitted today."""
        return business_day_from(self.country, today, self.portability.lead_days)

    def summary(self, now: datetime) -> Json:
        """Return the order as JSON, without attachments and history."""
        date_shown = self.foc_date
        if self.state in _NO_DATE_YET:
            date_shown = self.requested_date or self.earliest_date(now.date())
        rates = [terms(self.country, number_type).monthly_rate for number_type in self.numbers.values()]
        optional = {
            "foc_date": date_shown and date_shown.isoformat(),
            "authorized_name": self.authorized_name,
            "postal_code": self.postal_code,
            "friendly_name": self.friendly_name,
            "voice_url": self.voice_url,
            "sms_url": self.sms_url,
            "rejection": self.rejection and {"code": self.rejection, "reason": WORDS[self.rejection]},
        }
        return {
            "port_order_id": self.name,
            "status": self.state,
            "phone_numbers": list(self.numbers),
            "country_code": self.country,
            "losing_carrier": self.carrier,
            **{name: value for name, value in optional.items() if value},
            "missing": [*self.missing_fields, *self.missing_attachments] if self.state in OPEN else [],
            "possible": [] if self.frozen(now) else possible(self.state),
            "monthly_rate": str(sum(rates)),
            "highest_monthly_rate": str(max(rates)),
            "number_types": sorted(set(self.numbers.values())),
            "date_created": moment(self.created),
        }

    def details(self, now: datetime) -> Json:
        """Return the order as JSON, with its attachments and its history, oldest first."""
        return {
            **self.summary(now),
            "documents": [_attachment(attachment) for attachment in self.attachments],
            "events": [_event(event) for event in self.events],
        }


def activation(day: date) -> datetime:
    """Return the moment at which numbers port on their FOC date."""
    return datetime.combine(day, ACTIVATION)


def moment(at: datetime) -> str:
    """Format a moment as RFC 3339, in UTC."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _attachment(attachment: Attachment) -> Json:
    return {
        "type": attachment.type,
        "file_name": attachment.file_name,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "date_created": moment(attachment.uploaded),
    }


def _event(event: PortEvent) -> Json:
    rejection = {"code": event.code, "reason": WORDS[event.code]} if event.code else {}
    return {"at": moment(event.at), "event": event.kind, "status": event.state, **rejection}
