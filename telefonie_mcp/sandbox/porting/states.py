"""The states of a port order and every way from one to another; pure.

Customers act, and time steps. What stands in the table is possible; all else is not, and there is no other
place that decides it.

    draft ⇄ pending_documents ──submit──► submitted ──confirm──► foc_confirmed ──port──► ported
      │            │                      │  ▲   ▲                 │      │
      cancel, expire                 reject  submit  update the date      reject
      ▼            ▼                      ▼  │                            ▼
      cancelled ◄──withdraw── cancel_pending ◄──cancel── (submitted, exception, foc_confirmed)
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

State = Literal[
    "draft",
    "pending_documents",
    "submitted",
    "exception",
    "foc_confirmed",
    "ported",
    "cancel_pending",
    "cancelled",
]
Action = Literal["update", "upload_document", "submit", "cancel"]
"""What a customer does."""

Step = Literal["expire", "confirm", "reject", "port", "withdraw"]
"""What time brings: an idle draft expires, the losing carrier confirms a date or rejects the order, the
numbers port, a cancellation is through."""

STATES: Final[tuple[State, ...]] = get_args(State)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
STEPS: Final[tuple[Step, ...]] = get_args(Step)

_PREPARING: Final[Mapping[Action | Step, tuple[State, ...]]] = {
    "update": ("draft", "pending_documents"),
    "upload_document": ("draft", "pending_documents"),
    "submit": ("submitted",),
    "cancel": ("cancelled",),
    "expire": ("cancelled",),
}
TRANSITIONS: Final[Mapping[State, Mapping[Action | Step, tuple[State, ...]]]] = {
    "draft": _PREPARING,
    "pending_documents": _PREPARING,
    "submitted": {"cancel": ("cancel_pending",), "confirm": ("foc_confirmed",), "reject": ("exception",)},
    "exception": {
        "update": ("exception",),
        "upload_document": ("exception",),
        "submit": ("submitted",),
        "cancel": ("cancel_pending",),
    },
    "foc_confirmed": {
        "update": ("foc_confirmed", "submitted"),
        "cancel": ("cancel_pending",),
        "port": ("ported",),
        "reject": ("exception",),
    },
    "cancel_pending": {"withdraw": ("cancelled",)},
    "ported": {},
    "cancelled": {},
}
"""State → what can be done in it → the states it can lead to."""

OPEN: Final = frozenset(STATES) - {"ported", "cancelled"}
"""The states in which an order keeps its numbers from every other order."""


class ForbiddenError(Exception):
    """That cannot be done in this state."""

    def __init__(self, state: State, what: Action | Step) -> None:
        super().__init__(f"{what} is not possible in the state {state}")
        self.state: Final[State] = state


def possible(state: State) -> list[Action]:
    """Return what a customer can do in `state`."""
    return [action for action in ACTIONS if action in TRANSITIONS[state]]


def check(state: State, what: Action | Step) -> None:
    """Raise `ForbiddenError` if `what` is not possible in `state`."""
    if what not in TRANSITIONS[state]:
        raise ForbiddenError(state, what)


def move(state: State, what: Action | Step, to: State) -> State:
    """Return `to`, if `what` can lead there from `state`; raise `ForbiddenError` if not."""
    if to not in TRANSITIONS[state].get(what, ()):
        raise ForbiddenError(state, what)
    return to
