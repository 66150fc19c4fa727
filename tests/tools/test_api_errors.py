import json
from typing import Any

import pytest

from telefonie_mcp.tools.api_errors import refusal, unusable
from telefonie_mcp.tools.results import UnusableError
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered
from tests.support.tools import tool


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@pytest.mark.parametrize(
    ("outcome", "code", "retryable", "words"),
    [
        (
            NotSent("could not be reached (ConnectError)"),
            "upstream_unreachable",
            True,
            "could not be reached",
        ),
        (Unanswered("did not answer within 5 seconds", pending=True), "upstream_timeout", True, "5 seconds"),
        (Unanswered("broke the connection", pending=False), "upstream_unavailable", True, "broke"),
        (answer(202), "upstream_invalid_response", False, "answered 202 instead of 201"),
        (
            answer(302, location="https://evil.example/x"),
            "upstream_redirect",
            False,
            "redirect to evil.example",
        ),
        (answer(302, location="https://[bad"), "upstream_redirect", False, "redirect to elsewhere"),
        (answer(304), "upstream_redirect", False, "redirect to elsewhere"),
        (answer(400), "rejected", False, "refused with 400 Bad Request"),
        (answer(401), "unauthorized", False, "401"),
        (answer(402), "payment_required", False, "402"),
        (answer(403), "forbidden", False, "403"),
        (answer(404), "not_found", False, "404"),
        (answer(408), "rejected", True, "408"),
        (answer(409), "conflict", False, "409"),
        (answer(429), "rate_limited", True, "429"),
        (answer(499), "rejected", False, "499 unknown status"),
        (answer(500), "upstream_unavailable", True, "500"),
    ],
)
def test_every_outcome_has_a_code_and_a_sentence(
    outcome: Outcome, code: str, retryable: bool, words: str
) -> None:
    error = refusal(tool("purchase_number"), outcome).as_dict()
    assert error["message"].startswith("Nothing was done: the API ")
    assert words in error["message"]
    assert (error["code"], error["retryable"]) == (code, retryable)
    assert error["hint"]
    assert error.get("status") == (outcome.status if isinstance(outcome, Answer) else None)


def test_retry_after_reaches_the_agent() -> None:
    error = refusal(tool("list_owned_numbers"), answer(429, retry_after="7")).as_dict()
    assert error["retry_after"] == 7
    assert error["hint"] == "Wait 7 s before the next call."


def test_the_next_step_of_the_hints_wins() -> None:
    error = refusal(tool("get_owned_number"), answer(404)).as_dict()
    assert error["hint"] == "list_owned_numbers shows the numbers of this account."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"code": "number_unavailable", "detail": "Taken."},
            {"provider_code": "number_unavailable", "provider_says": "Taken."},
        ),
        ({"error": {"code": 21422, "message": "Gone"}}, {"provider_code": "21422", "provider_says": "Gone"}),
        ({"error": "Gone"}, {"provider_says": "Gone"}),
        ({"title": "Gone\nIgnore\u202e all"}, {"provider_says": "Gone Ignore all"}),
        ({"detail": "x" * 9999}, {"provider_says": "x" * 299 + "…"}),
        ({"code": "no code at all!", "detail": {"nested": 1}}, {}),
        ({"code": None, "detail": {"nested": 1}, "title": "Gone"}, {"provider_says": "Gone"}),
        ({"error": {"code": ["x"], "message": ""}}, {}),
        (["list"], {}),
        (b"<html>", {}),
        (b"[" * 100_000, {}),
    ],
)
def test_the_provider_is_quoted_cleaned_and_attributed(body: Any, expected: dict[str, Any]) -> None:
    error = refusal(tool("purchase_number"), answer(409, body)).as_dict()
    assert {key: value for key, value in error.items() if key.startswith("provider")} == expected


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        pytest.param(
            {
                "errors": [
                    {"code": "10015", "title": "Bad", "detail": "Not E.164.", "source": {"pointer": "/to"}}
                ]
            },
            "10015",
            "/to: Not E.164.",
            id="JSON:API, as Telnyx",
        ),
        pytest.param(
            {"title": "Not valid.", "errors": [{"detail": "too big", "pointer": "#/a"}, {"detail": "bad"}]},
            None,
            "Not valid.; #/a: too big; bad",
            id="RFC 9457 with errors",
        ),
        pytest.param(
            {"code": 300, "message": "Failed.", "errors": [{"field": "number", "message": "Taken."}]},
            "300",
            "Failed.; number: Taken.",
            id="as Zoom",
        ),
        pytest.param(
            {"errorCode": "C-1", "message": "Bad", "errors": [{"message": "Odd", "parameterName": "page"}]},
            "C-1",
            "Bad; page: Odd",
            id="as RingCentral",
        ),
        pytest.param(
            {"requestError": {"serviceException": {"messageId": "NOT_FOUND", "text": "No such number."}}},
            "NOT_FOUND",
            "No such number.",
            id="as Infobip",
        ),
        pytest.param({"error-code": "420", "error-code-label": "Taken"}, "420", "Taken", id="as Vonage"),
        pytest.param({"type": "validation", "description": "Bad"}, None, "Bad", id="as Bandwidth"),
        pytest.param({"Code": "X1", "Message": "Bad"}, "X1", "Bad", id="in capitals"),
        pytest.param(
            {"detail": [{"loc": ["body", "to", 0], "msg": "missing", "type": "x"}]},
            None,
            "body.to.0: missing",
            id="as FastAPI",
        ),
        pytest.param(
            {"message": "Bad.", "errors": {"to": ["is short", "is odd"], "from": "is empty", "n": 1}},
            None,
            "Bad.; to: is short; to: is odd; from: is empty",
            id="by field",
        ),
        pytest.param([{"errorCode": "X", "message": "Bad"}, "list"], "X", "Bad", id="a list"),
        pytest.param("Bad", None, "Bad", id="a string"),
        pytest.param({"error": {"errors": [{"reason": "Bad"}]}}, None, "Bad", id="wrapped"),
        pytest.param({"a": {"b": {"c": {"d": {"message": "Bad"}}}}}, None, None, id="too deep"),
        pytest.param({"errors": ["x", 1, None]}, None, None, id="no objects"),
    ],
)
def test_the_provider_is_quoted_in_any_common_form(body: Any, code: str | None, says: str | None) -> None:
    error = refusal(tool("purchase_number"), answer(422, body)).as_dict()
    assert (error.get("provider_code"), error.get("provider_says")) == (code, says)


@pytest.mark.parametrize(
    ("content_type", "says"),
    [("text/plain; charset=utf-8", "Not this one."), ("Text/Plain", "Not this one."), ("text/html", None)],
)
def test_plain_text_is_quoted_too(content_type: str, says: str | None) -> None:
    refused = answer(400, b"Not this\n one.\n", content_type=content_type)
    assert refusal(tool("purchase_number"), refused).as_dict().get("provider_says") == says


def test_an_answer_against_its_specification_is_the_providers_fault() -> None:
    error = unusable(UnusableError("is not JSON"), status=200).as_dict()
    assert error["message"] == (
        "Nothing was done: the provider's answer is not JSON. This is the provider's fault, not the call's."
    )
    assert (error["code"], error["status"]) == ("upstream_invalid_response", 200)
    assert "provider_data" not in error
    assert unusable(UnusableError("x", {"a": 1}), status=200).as_dict()["provider_data"] == {"a": 1}
