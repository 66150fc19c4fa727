from typing import Any

import pytest

from telefonie_mcp.calls.approval import CommandLine, Question, question_about
from telefonie_mcp.errors import ToolError
from tests.support.tools import tool

NUMBER = "+14155550100"
OFFER = {
    "phone_number": NUMBER,
    "country_code": "US",
    "type": "local",
    "capabilities": {"voice": True, "sms": True, "mms": False},
    "monthly_rate": "1.15",
}


BOUND = {"mode": "live", "account": "work api.example:443", "ledger": "0a0a"}


def asking(
    name: str,
    facts: dict[str, Any] | None,
    bound: dict[str, str] = BOUND,
    limits: dict[str, Any] | None = None,
    **arguments: Any,
) -> Question:
    sent = {"phone_number": NUMBER, **arguments}
    return question_about(tool(name), sent, facts, bound=bound, limits=limits or {})


def buying(facts: dict[str, Any] | None = OFFER, **arguments: Any) -> Question:
    return asking("purchase_number", facts, **arguments)


def test_the_question_shows_the_facts_and_what_would_be_sent() -> None:
    assert buying(voice_url="https://example.com/v").text.splitlines() == [
        f"May the assistant buy {NUMBER} and start its monthly billing?",
        "· mode: live",
        "· account: work api.example:443",
        "· country code: US",
        "· type: local",
        "· monthly rate: 1.15 in the account's currency",
        "· capabilities: voice, sms",
        "· with voice url: https://example.com/v",
    ]
    owned = {**OFFER, "friendly_name": "Support", "voice_url": "https://example.com/v"}
    assert asking("release_number", owned).text.splitlines() == [
        f"May the assistant give up {NUMBER} and its configuration for good?",
        "· mode: live",
        "· account: work api.example:443",
        "· type: local",
        "· monthly rate: 1.15 in the account's currency",
        "· friendly name: Support",
        "· voice url: https://example.com/v",
    ]


def test_facts_that_are_not_there_are_not_shown() -> None:
    lines = buying({"capabilities": {"voice": False}}).text.splitlines()
    assert lines[3:] == ["· capabilities: none"]
    assert len(buying(None).text.splitlines()) == 3


def test_the_question_shows_what_the_limits_leave_and_is_not_bound_to_it() -> None:
    limits = {"monthly_spend": {"limit": "10", "left": "8.85"}, "purchases_per_day": {"limit": 3, "left": 2}}
    question = buying(limits=limits)
    assert question.text.splitlines()[-2:] == [
        "· left of monthly spend: 8.85",
        "· left of purchases per day: 2",
    ]
    assert question.digest == buying().digest


@pytest.mark.parametrize(
    "words",
    [
        "x\nmonthly rate: 0.00",
        "x\r\nmonthly rate: 0.00",
        "x\u2028monthly rate: 0.00",
        "x\x85monthly rate: 0.00",
        "x · monthly rate: 0.00",
        "x\x1b[2K\x1b[1A\u202emonthly rate: 0.00\u200b",
        "y" * 10_000,
    ],
)
def test_nobodys_words_can_pass_for_a_fact(words: str) -> None:
    """Neither the model's, in an argument, nor the provider's, in a fact."""
    for question in (
        buying(friendly_name=words),
        buying({**OFFER, "type": words}),
        buying({**OFFER, "capabilities": {words: True}}),
        buying({**OFFER, "phone_number": words}),
        buying(bound={**BOUND, "account": words}),
    ):
        lines = question.text.splitlines()
        assert len(question.text) < 700
        facts = " ".join(lines).split(" · ")  # as a client shows them that knows no lines
        assert [fact for fact in facts if fact.startswith("monthly rate: ")] == [
            "monthly rate: 1.15 in the account's currency"
        ]
        assert not set("\x1b\u202e\u200b") & set(question.text)


def test_the_digest_is_of_everything_shown_or_sent() -> None:
    questions = [
        buying(),
        buying(friendly_name="x"),
        buying(friendly_name="x\u200b"),
        buying({**OFFER, "monthly_rate": "1.16"}),
        buying({**OFFER, "unknown": 1}),
        buying(None),
        asking("release_number", OFFER),
        *(buying(bound={**BOUND, name: "other"}) for name in BOUND),
    ]
    assert len({question.digest for question in questions}) == len(questions)
    assert buying(dict(reversed(OFFER.items()))).digest == buying().digest


async def test_the_command_line_asks_nobody() -> None:
    with pytest.raises(ToolError) as caught:
        await CommandLine().approve(buying())
    answer = caught.value.as_dict()
    assert answer["code"] == "not_approved"
    assert answer["message"].startswith("Nothing was done: a person must approve this, and the command line")
    assert "They can approve in an MCP client that shows forms" in answer["hint"]
    assert f"May the assistant buy {NUMBER}" in answer["message"]
