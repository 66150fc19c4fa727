"""Every pair of state and action, in the table and over HTTP."""

from itertools import product

import pytest

from telefonie_mcp.sandbox.porting.states import (
    ACTIONS,
    OPEN,
    STATES,
    STEPS,
    TRANSITIONS,
    Action,
    OrderState,
    Step,
    TransitionError,
    check,
    move,
    possible,
)
from tests.sandbox.porting.support import FIELDS, OTHER, new_customer
from tests.sandbox.support import problem

# From the industry's model, written down a second time: state, what is done, where it leads.
ALLOWED: dict[tuple[OrderState, Action | Step], set[OrderState]] = {
    ("draft", "update"): {"draft", "pending_documents"},
    ("draft", "upload_document"): {"draft", "pending_documents"},
    ("draft", "submit"): {"submitted"},
    ("draft", "cancel"): {"cancelled"},
    ("draft", "expire"): {"cancelled"},
    ("pending_documents", "update"): {"draft", "pending_documents"},
    ("pending_documents", "upload_document"): {"draft", "pending_documents"},
    ("pending_documents", "submit"): {"submitted"},
    ("pending_documents", "cancel"): {"cancelled"},
    ("pending_documents", "expire"): {"cancelled"},
    ("submitted", "cancel"): {"cancel_pending"},
    ("submitted", "confirm"): {"foc_confirmed"},
    ("submitted", "reject"): {"exception"},
    ("exception", "update"): {"exception"},
    ("exception", "upload_document"): {"exception"},
    ("exception", "submit"): {"submitted"},
    ("exception", "cancel"): {"cancel_pending"},
    ("foc_confirmed", "update"): {"foc_confirmed", "submitted"},
    ("foc_confirmed", "cancel"): {"cancel_pending"},
    ("foc_confirmed", "port"): {"ported"},
    ("foc_confirmed", "reject"): {"exception"},
    ("cancel_pending", "withdraw"): {"cancelled"},
}


@pytest.mark.parametrize(("state", "what"), list(product(STATES, (*ACTIONS, *STEPS))))
def test_every_transition_is_the_expected_one_or_forbidden(state: OrderState, what: Action | Step) -> None:
    allowed = ALLOWED.get((state, what), set())
    for to in STATES:
        if to in allowed:
            assert move(state, what, to) == to
        else:
            with pytest.raises(TransitionError) as refused:
                move(state, what, to)
            assert refused.value.state == state
    if allowed:
        check(state, what)
    else:
        with pytest.raises(TransitionError):
            check(state, what)


def test_final_states_have_no_transitions() -> None:
    assert set(STATES) - OPEN == {state for state in STATES if not TRANSITIONS[state]}


@pytest.mark.parametrize(("state", "action"), list(product(STATES, ACTIONS)))
async def test_over_http_a_forbidden_action_is_a_409_with_the_possible_ones(
    state: OrderState, action: Action
) -> None:
    async with new_customer() as customer:
        path = await customer.in_state(state)
        before = await customer.get(path)
        match action:
            case "update":
                answer = await customer.post(path, friendly_name="New")
            case "upload_document":
                answer = await customer.upload(path, "csr")
            case "submit" | "cancel":
                answer = await customer.client.post(f"{path}/{action}")
        assert before["possible"] == possible(state)
        allowed = ALLOWED.get((state, action))
        if state == "pending_documents" and action == "submit":
            assert (answer.status_code, problem(answer)["code"]) == (409, "loa_required")
        elif allowed:
            assert answer.status_code in {200, 201}
            assert answer.json()["status"] in allowed
        else:
            body = problem(answer)
            assert (answer.status_code, body["code"]) == (409, "state_conflict")
            assert (body["state"], body["possible"]) == (state, possible(state))
            assert await customer.get(path) == before


async def test_an_unknown_order_is_not_found() -> None:
    async with new_customer() as customer:
        await customer.order(OTHER, **FIELDS)
        for path in ("/port-orders/port_0000000000000000", "/port-orders/x", "/port-orders/%20"):
            answers = [
                await customer.client.get(path),
                await customer.post(path, pin="1"),
                await customer.upload(path),
                await customer.client.post(f"{path}/submit"),
                await customer.client.post(f"{path}/cancel"),
            ]
            assert {(a.status_code, problem(a)["code"]) for a in answers} == {(404, "port_order_not_found")}
