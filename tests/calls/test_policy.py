from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.openapi.hints import OfferMembers
from tests.support.tools import tool

NUMBER = "+14155550100"
OFFER = {"phone_number": NUMBER, "country_code": "US", "type": "local", "monthly_rate": "1.15"}
BUY, CHANGE, RELEASE = tool("purchase_number"), tool("update_owned_number"), tool("release_number")
HOSTS = ("hooks.example.com", "*.example.org")


def decision(policy: Policy, offer: Mapping[str, Any] | None, ceiling: str | None = None) -> str:
    """Return the code and the setting of a refusal, or the rate."""
    try:
        return str(policy.check_offer(BUY, offer, Decimal(ceiling) if ceiling else None))
    except ToolError as error:
        answer = error.as_dict()
        assert answer["message"].startswith("Nothing was done: ")
        assert answer["hint"]
        assert not answer["retryable"]
        return " ".join([answer["code"], answer.get("setting", "").removeprefix("TELEFONIE_")]).strip()


def rules(**settings: Any) -> Policy:
    return Policy(**settings)


@pytest.mark.parametrize(
    ("policy", "offer", "ceiling", "decided"),
    [
        (rules(), OFFER, None, "1.15"),
        (rules(), {**OFFER, "monthly_rate": "ask us"}, None, "None"),
        (rules(), None, None, "None"),
        (rules(), OFFER, "1.15", "1.15"),
        (rules(), OFFER, "1.1499", "rate_too_high"),
        (rules(), {**OFFER, "monthly_rate": 1.15}, "2", "1.15"),
        (rules(max_monthly_rate=Decimal("1.15")), OFFER, None, "1.15"),
        (rules(max_monthly_rate=Decimal("1.15")), {**OFFER, "monthly_rate": "1.1500"}, None, "1.1500"),
        (
            rules(max_monthly_rate=Decimal("1.15")),
            {**OFFER, "monthly_rate": "1.150001"},
            None,
            "policy_refused MAX_MONTHLY_RATE",
        ),
        (rules(max_monthly_rate=Decimal(1)), OFFER, "5", "policy_refused MAX_MONTHLY_RATE"),
        (rules(countries={"US", "CA"}), OFFER, None, "1.15"),
        (rules(countries={"CA"}), OFFER, None, "policy_refused COUNTRIES"),
        (rules(countries={"US"}), {**OFFER, "country_code": "us"}, None, "policy_refused COUNTRIES"),
        (rules(countries={"US"}), None, None, "policy_refused COUNTRIES"),
        (rules(countries={"US"}), {**OFFER, "monthly_rate": "ask us"}, None, "None"),
        (rules(number_types={"local"}), OFFER, None, "1.15"),
        (rules(number_types={"mobile"}), OFFER, None, "policy_refused NUMBER_TYPES"),
        (rules(number_types={"local"}), {**OFFER, "type": None}, None, "policy_refused NUMBER_TYPES"),
    ],
)
def test_an_offer_against_a_rule_is_refused(
    policy: Policy, offer: Mapping[str, Any] | None, ceiling: str | None, decided: str
) -> None:
    assert decision(policy, offer, ceiling) == decided


@pytest.mark.parametrize(
    ("facts", "most", "allowed"),
    [
        (OfferMembers(monthly_rate="price"), "2", True),
        (OfferMembers(monthly_rate="price"), "1.99", False),
        (OfferMembers(monthly_rate="price", highest_rate="dearest"), "1", True),
        (OfferMembers(monthly_rate="price", highest_rate="dearest"), "0.99", False),
        (OfferMembers(monthly_rate="price", highest_rate="absent"), "9", False),
    ],
)
def test_hints_say_where_the_rates_stand(facts: OfferMembers, most: str, allowed: bool) -> None:
    buy = replace(BUY, hints=BUY.hints.model_copy(update={"offer_members": facts}))
    offer = {"price": "2", "dearest": "1"}
    policy = rules(max_monthly_rate=Decimal(most))
    if allowed:
        assert policy.check_offer(buy, offer, None) == 2
    else:
        with pytest.raises(ToolError):
            policy.check_offer(buy, offer, None)


UNREADABLE = (
    "",
    "free",
    "1,000",
    "1.15 a month",
    "$1.15 EUR",
    "-1",
    "NaN",
    "Infinity",
    "1e400",
    True,
    None,
    [1],
    {"amount": 1},
)


@pytest.mark.parametrize("rate", UNREADABLE)
@pytest.mark.parametrize(
    ("policy", "ceiling"),
    [
        (rules(max_monthly_rate=Decimal(9)), None),
        (rules(limits=Limits(monthly_spend=Decimal(9))), None),
        (rules(approval="human"), None),
        (rules(), "9"),
    ],
)
def test_a_price_that_cannot_be_read_refuses_where_it_decides(
    policy: Policy, ceiling: str | None, rate: Any
) -> None:
    assert decision(policy, {**OFFER, "monthly_rate": rate}, ceiling) == "rate_unknown"


@pytest.mark.parametrize("rate", ["$9.01", "9.01 USD", "9,01", "USD 9.01", 9.01, "9.00001"])
@pytest.mark.parametrize(
    ("policy", "ceiling", "code"),
    [
        (rules(max_monthly_rate=Decimal(9)), None, "policy_refused MAX_MONTHLY_RATE"),
        (rules(currency="USD"), "9", "rate_too_high"),
    ],
)
def test_a_price_decides_however_it_is_written(
    policy: Policy, ceiling: str | None, code: str, rate: Any
) -> None:
    assert decision(policy, {**OFFER, "monthly_rate": rate}, ceiling) == code


@pytest.mark.parametrize("rate", ["1.15 EUR", "\u20ac1.15", "CAD 1.15"])
def test_a_price_in_another_currency_than_the_accounts_counts_as_unreadable(rate: str) -> None:
    offer = {**OFFER, "monthly_rate": rate}
    assert decision(rules(max_monthly_rate=Decimal(9), currency="USD"), offer) == "rate_unknown"
    assert decision(rules(currency="USD"), offer, "9") == "rate_unknown"
    assert decision(rules(currency="USD"), offer) == "None"
    assert decision(rules(max_monthly_rate=Decimal(9)), offer) == "1.15"


def test_only_what_starts_a_cost_needs_an_offer() -> None:
    strict = rules(max_monthly_rate=Decimal(1), countries={"DE"}, approval="human")
    assert strict.needs_offer(BUY, None)
    for other in (CHANGE, RELEASE):
        assert not strict.needs_offer(other, None)
        assert strict.check_offer(other, OFFER, None) == Decimal("1.15")


def refused(policy: Policy, name: str, **arguments: Any) -> str | None:
    try:
        policy.check_arguments(tool(name), arguments)
    except ToolError as error:
        answer = error.as_dict()
        assert answer["code"] == "policy_refused"
        assert "Only the operator can change this" in answer["hint"]
        return answer["setting"].removeprefix("TELEFONIE_")
    return None


@pytest.mark.parametrize(
    ("policy", "name", "arguments", "setting"),
    [
        (rules(approval="block"), "purchase_number", {"phone_number": NUMBER}, "APPROVAL"),
        (rules(approval="block"), "release_number", {"phone_number": NUMBER}, "APPROVAL"),
        (rules(approval="block"), "update_owned_number", {"phone_number": NUMBER}, None),
        (rules(approval="human"), "release_number", {"phone_number": NUMBER}, None),
        (
            rules(protected_numbers={NUMBER}),
            "release_number",
            {"phone_number": NUMBER},
            "PROTECTED_NUMBERS",
        ),
        (
            rules(protected_numbers={NUMBER}),
            "update_owned_number",
            {"phone_number": NUMBER},
            "PROTECTED_NUMBERS",
        ),
        (rules(protected_numbers={"+14155550101"}), "release_number", {"phone_number": NUMBER}, None),
        (rules(protected_numbers={NUMBER}), "list_owned_numbers", {}, None),
    ],
)
def test_what_needs_no_look_at_the_api(
    policy: Policy, name: str, arguments: dict[str, Any], setting: str | None
) -> None:
    assert refused(policy, name, **arguments) == setting


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (None, True),
        ("", True),
        ("https://hooks.example.com", True),
        ("http://HOOKS.Example.COM:8443/path?x=1#y", True),
        ("https://hooks.example.com./", True),
        ("https://a.example.org/", True),
        ("https://a.b.example.org/", True),
        ("https://xn--bcher-kva.example.org/", True),
        ("https://example.org/", False),
        ("https://.example.org/", False),
        ("https://hooks.example.com../", False),
        ("https://example.com/", False),
        ("https://sub.hooks.example.com/", False),
        ("https://hooks-example.com/", False),
        ("https://hooksXexample.com/", False),
        ("https://hooks.example.com.evil.example/", False),
        ("https://evil.example/hooks.example.com", False),
        ("https://evil.example?.example.org", False),
        ("https://evil.example#.example.org", False),
        ("https://hooks.example.com@evil.example/", False),
        ("https://hooks.example.com:x@evil.example/", False),
        ("https://evil.example%2f.example.org/", False),
        ("https://evil.example%23.example.org/", False),
        ("https://evil.example%40a.example.org/", False),
        ("https://evil.example\\.example.org/", False),
        ("https://evil.example;.example.org/", False),
        ("https://evil.example,a.example.org/", False),
        ("https://hooks\u3002example\u3002com/", False),
        ("https://h\u043eoks.example.com/", False),
        ("https://127.0.0.1/", False),
        ("https://2130706433/", False),
        ("https://[::ffff:127.0.0.1]/", False),
        ("//hooks.example.com", True),
        ("hooks.example.com", False),
        ("javascript:alert(1)//hooks.example.com", False),
    ],
)
@pytest.mark.parametrize(
    "name", ["purchase_number", "update_owned_number"], ids=["in a purchase", "in an update"]
)
def test_only_webhooks_on_allowed_hosts_pass(name: str, url: str | None, allowed: bool) -> None:
    for argument in ("voice_url", "sms_url"):
        arguments = {"phone_number": NUMBER, argument: url}
        expected = None if allowed else "WEBHOOK_HOSTS"
        assert refused(rules(webhook_hosts=HOSTS), name, **arguments) == expected
        assert refused(rules(), name, **arguments) is None


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (rules(), ""),
        (
            rules(approval="human"),
            "A person must approve every destructive call in the client's own form, on top of confirm.",
        ),
        (rules(approval="block"), "Destructive tools are switched off."),
        (
            rules(max_monthly_rate=Decimal("2.50")),
            "Limits set by the operator: one number costs at most 2.50 per month.",
        ),
        (
            rules(limits=Limits(Decimal(10), 0, 3)),
            (
                "Limits set by the operator: all numbers bought here cost at most 10 per month together; "
                "at most 0 purchases a day; at most 3 releases a day."
            ),
        ),
        (
            rules(
                countries={"US", "CA"},
                number_types={"local"},
                webhook_hosts=HOSTS,
                protected_numbers={NUMBER},
            ),
            (
                "Limits set by the operator: numbers only in CA, US; only numbers of type local; "
                f"webhooks only at hooks.example.com, *.example.org; never touched: {NUMBER}."
            ),
        ),
    ],
)
def test_the_rules_are_described_in_words(policy: Policy, sentence: str) -> None:
    assert " ".join(policy.sentences()) == sentence
