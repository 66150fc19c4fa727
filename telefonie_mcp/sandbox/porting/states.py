"""The states of a port order and the transitions between them; pure.

Actions are the customer's; steps come with time. `TRANSITIONS` alone decides what is possible.

    draft ⇄ pending_documents ──submit──► submitted ──confirm──► foc_confirmed ──port──► ported
      │            │                      │  ▲   ▲                 │      │
      cancel, expire                 reject  submit  update the date      reject
      ▼            ▼                      ▼  │                            ▼
      cancelled ◄──withdraw── cancel_pending ◄──cancel── (submitted, exception, foc_confirmed)
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

OrderState = Literal[
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
"""A customer's action."""

Step = Literal["expire", "confirm", "reject", "port", "withdraw"]
"""A step that comes with time: an idle draft expires, the losing carrier confirms a date or rejects the
order, the numbers port, the carrier confirms a cancellation."""

STATES: Final[tuple[OrderState, ...]] = get_args(OrderState)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
STEPS: Final[tuple[Step, ...]] = get_args(Step)

_PREPARING: Final[Mapping[Action | Step, tuple[OrderState, ...]]] = {
    "update": ("draft", "pending_documents"),
    "upload_document": ("draft", "pending_documents"),
    "submit": ("submitted",),
    "cancel": ("cancelled",),
    "expire": ("cancelled",),
}
TRANSITIONS: Final[Mapping[OrderState, Mapping[Action | Step, tuple[OrderState, ...]]]] = {
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
"""State → action or step → the states it can lead to."""

OPEN: Final = frozenset(STATES) - {"ported", "cancelled"}
"""The states in which an order's numbers cannot be in another order."""


class TransitionError(Exception):
    """The action or step is not possible in this state."""

    def __init__(self, state: OrderState, what: Action | Step) -> None:
        super().__init__(f"{what} is not possible in the state {state}")
        self.state: Final[OrderState] = state


def possible(state: OrderState) -> list[Action]:
    """Return the actions that are possible in `state`."""
    return [action for action in ACTIONS if action in TRANSITIONS[state]]


def check(state: OrderState, what: Action | Step) -> None:
    """Raise `TransitionError` if `what` is not possible in `state`."""
    if what not in TRANSITIONS[state]:
        raise TransitionError(state, what)


def move(state: OrderState, what: Action | Step, to: OrderState) -> OrderState:
    """Return `to`, if `what` can lead there from `state`; raise `TransitionError` if not."""
    if to not in TRANSITIONS[state].get(what, ()):
        raise TransitionError(state, what)
    return to
