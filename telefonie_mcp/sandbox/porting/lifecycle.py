"""Changes to port orders, by customers and by the passing of time; pure functions from order to order.

A change that the state, the calendar or missing information forbids raises a `Problem`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final, assert_never

from telefonie_mcp.sandbox.porting.calendar import after_business_hours, is_business_day
from telefonie_mcp.sandbox.porting.orders import Attachment, PortEvent, PortEventKind, PortOrder, activation
from telefonie_mcp.sandbox.porting.rejections import AT_ACTIVATION, RejectionCode
from telefonie_mcp.sandbox.porting.states import (
    Action,
    OrderState,
    Step,
    TransitionError,
    check,
    move,
    possible,
)
from telefonie_mcp.sandbox.problems import Problem

IDLE: Final = timedelta(hours=48)
"""How long a draft may be left unchanged before it expires."""

FURTHEST_FOC: Final = timedelta(days=30)
REVIEW: Final = timedelta(hours=4)
"""Business time that the losing carrier takes to confirm or reject."""

WITHDRAWAL: Final = timedelta(hours=2)
"""Business time that the losing carrier takes to confirm a cancellation."""

_CHANGEABLE_AFTER_FOC: Final = frozenset({"requested_date", "friendly_name", "voice_url", "sms_url"})
"""Fields that can still be changed once the carrier has confirmed the order."""


def created(order: PortOrder, now: datetime) -> PortOrder:
    """Start a new order."""
    _check_requested_date(order, now)
    return _happened(_prepared(order, now), "created", now)


def updated(order: PortOrder, changes: Mapping[str, Any], now: datetime) -> PortOrder:
    """Change fields of an order; a new date for a confirmed order must be confirmed again."""
    _check_action(order, "update", now)
    changed = replace(order, **changes)
    if "requested_date" in changes:
        _check_requested_date(changed, now)
    if order.state != "foc_confirmed":
        return _happened(_prepared(changed, now), "updated", now)
    if not changes.keys() <= _CHANGEABLE_AFTER_FOC:
        raise _conflict(
            order,
            "The losing carrier has confirmed this order: only foc_date, voice_url, sms_url and "
            "friendly_name can be changed. Cancel it to order anew.",
        )
    if changed.requested_date in {None, order.foc_date}:
        return _happened(changed, "updated", now)
    resubmitted = replace(changed, foc_date=changed.requested_date, due=_reviewed(changed, now))
    return _happened(_moved(resubmitted, "update", "submitted"), "updated", now)


def with_attachment(order: PortOrder, attachment: Attachment, now: datetime) -> PortOrder:
    """Add an attachment; adding the same one again changes nothing."""
    _check_action(order, "upload_document", now)
    if any((known.type, known.sha256) == (attachment.type, attachment.sha256) for known in order.attachments):
        return order
    longer = replace(order, attachments=(*order.attachments, attachment))
    return _happened(_prepared(longer, now), "document_uploaded", now)


def submitted(order: PortOrder, now: datetime) -> PortOrder:
    """Submit a complete order to the losing carrier."""
    _check_action(order, "submit", now)
    if "loa" in order.missing_attachments:
        raise Problem(
            "loa_required",
            "Upload the letter of authorization (type loa) before submitting. Nothing was done.",
        )
    if missing := [*order.missing_fields, *order.missing_attachments]:
        raise Problem(
            "order_incomplete", f"Nothing was done. The order has yet to be given: {', '.join(missing)}."
        )
    _check_requested_date(order, now)
    sent = replace(
        order,
        foc_date=order.requested_date or order.earliest_date(now.date()),
        rejection=None,
        due=_reviewed(order, now),
    )
    return _happened(_moved(sent, "submit", "submitted"), "submitted", now)


def cancelled(order: PortOrder, now: datetime) -> PortOrder:
    """Cancel an order: at once, or once the losing carrier has confirmed it."""
    _check_action(order, "cancel", now)
    if order.state in {"draft", "pending_documents"}:
        return _happened(_ended(order, "cancel", "cancelled"), "cancelled", now)
    due = after_business_hours(order.country, now, WITHDRAWAL)
    return _happened(_moved(replace(order, due=due), "cancel", "cancel_pending"), "cancel_requested", now)


def advanced(order: PortOrder, now: datetime) -> PortOrder:
    """Apply every step that is due by `now`, each dated when it was due."""
    while order.due is not None and order.due <= now:
        order = _stepped(order, order.due)
    return order


def _stepped(order: PortOrder, at: datetime) -> PortOrder:
    match order.state:
        case "draft" | "pending_documents":
            return _happened(_ended(order, "expire", "cancelled"), "expired", at)
        case "submitted":
            if order.verdict and order.verdict not in AT_ACTIVATION:
                return _rejected(order, order.verdict, at)
            assert order.foc_date is not None
            confirmed = replace(order, due=activation(order.foc_date))
            return _happened(_moved(confirmed, "confirm", "foc_confirmed"), "foc_confirmed", at)
        case "foc_confirmed":
            if order.verdict:
                return _rejected(order, order.verdict, at)
            return _happened(_ended(order, "port", "ported"), "ported", at)
        case "cancel_pending":
            return _happened(_ended(order, "withdraw", "cancelled"), "cancelled", at)
        case "exception" | "ported" | "cancelled":
            raise AssertionError(f"nothing is ever due in the state {order.state}")
        case _:
            assert_never(order.state)


def _rejected(order: PortOrder, code: RejectionCode, at: datetime) -> PortOrder:
    rejected = replace(order, rejection=code, due=None, foc_date=None)
    return _happened(_moved(rejected, "reject", "exception"), "rejected", at, code)


def _prepared(order: PortOrder, now: datetime) -> PortOrder:
    """Return an order that is not submitted yet in the state that follows from what is missing."""
    if order.state == "exception":
        return order
    waiting = bool(order.missing_attachments) and not order.missing_fields
    return replace(order, state="pending_documents" if waiting else "draft", due=now + IDLE)


def _moved(order: PortOrder, what: Action | Step, to: OrderState) -> PortOrder:
    return replace(order, state=move(order.state, what, to))


def _ended(order: PortOrder, what: Action | Step, to: OrderState) -> PortOrder:
    """Return an order that is over, without the verdicts on its secrets and without a due time."""
    return replace(_moved(order, what, to), due=None, account_number=None, pin=None)


def _happened(
    order: PortOrder, kind: PortEventKind, at: datetime, code: RejectionCode | None = None
) -> PortOrder:
    return replace(order, events=(*order.events, PortEvent(at, kind, order.state, code)))


def _reviewed(order: PortOrder, now: datetime) -> datetime:
    return after_business_hours(order.country, now, REVIEW)


def _check_action(order: PortOrder, action: Action, now: datetime) -> None:
    try:
        check(order.state, action)
    except TransitionError as error:
        raise _conflict(order, f"{_not_possible(action)} in the state {error.state}.") from error
    if order.frozen(now):
        raise Problem(
            "too_close_to_foc",
            "Less than 24 hours before the FOC nothing can be changed. Nothing was done.",
            state=order.state,
            possible=(),
        )


def _not_possible(action: Action) -> str:
    words: Mapping[Action, str] = {
        "update": "An order cannot be changed",
        "upload_document": "No document can be added to an order",
        "submit": "An order cannot be submitted",
        "cancel": "An order cannot be cancelled",
    }
    return words[action]


def _conflict(order: PortOrder, sentence: str) -> Problem:
    options = possible(order.state)
    return Problem(
        "state_conflict",
        f"{sentence} Nothing was done. Possible now: {', '.join(options) or 'nothing'}.",
        state=order.state,
        possible=options,
    )


def _check_requested_date(order: PortOrder, now: datetime) -> None:
    day = order.requested_date
    if day is None:
        return
    today = now.date()
    earliest, latest = order.earliest_date(today), today + FURTHEST_FOC
    problem = next(_problems_of_date(order.country, day, earliest, latest), None)
    if problem:
        raise Problem(
            "invalid_foc_date",
            f"{problem} Choose a business day from {earliest} to {latest}. Nothing was done.",
            field="foc_date",
        )


def _problems_of_date(country: str, day: date, earliest: date, latest: date) -> Iterator[str]:
    if day < earliest:
        yield f"The losing carrier needs until {earliest}."
    if day > latest:
        yield "An FOC date is at most 30 days ahead."
    if not is_business_day(country, day):
        yield f"{day} is no business day in {country}."
