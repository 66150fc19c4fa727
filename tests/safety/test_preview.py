"""A preview is the confirmed call without its write: the same refusals, and nothing created or recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.inspection import Inspection, inspect_ledger
from telefonie_mcp.settings.reading import read_settings
from tests.sandbox.porting.support import FIELDS
from tests.support import faulty as f
from tests.support.faulty import NUMBER, OFFER, Provider, faulty
from tests.support.ledger_file import LedgerFile
from tests.support.served import called, served, written

US, OTHER, THIRD = "+14155550123", "+14155550124", "+14155550125"
EVIL = "https://evil.example/x"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Situation:
    """Something that stands against a call: the settings, the calls before it, and what it answers.

    Attributes:
        rules: Settings, without their prefix.
        before: Calls that are made first; ``order`` stands for the port order of the first one.
        call: The call, without ``confirm``.
        code: Its error.
        setting: The setting that the error names.

    """

    call: tuple[str, dict[str, Any]]
    code: str
    rules: dict[str, str] = field(default_factory=dict[str, str])
    before: Sequence[tuple[str, dict[str, Any]]] = ()
    setting: str | None = None


def buying(number: str = OTHER, **more: Any) -> tuple[str, dict[str, Any]]:
    return "purchase_number", {"phone_number": number, **more}


def releasing(number: str = OTHER) -> tuple[str, dict[str, Any]]:
    return "release_number", {"phone_number": number}


INCOMPLETE = ("create_port_order", {"phone_numbers": [US]})
SUBMIT = ("submit_port_order", {"port_order_id": "order"})
CANCEL = ("cancel_port_order", {"port_order_id": "order"})

SITUATIONS = {
    "the day's purchases are used up": Situation(
        buying(), "limit_reached", {"MAX_PURCHASES_PER_DAY": "1"}, [buying(US)], "MAX_PURCHASES_PER_DAY"
    ),
    "no purchase is allowed at all": Situation(
        buying(), "limit_reached", {"MAX_PURCHASES_PER_DAY": "0"}, (), "MAX_PURCHASES_PER_DAY"
    ),
    "the day's releases are used up": Situation(
        releasing(),
        "limit_reached",
        {"MAX_RELEASES_PER_DAY": "1"},
        [buying(US), buying(), releasing(US)],
        "MAX_RELEASES_PER_DAY",
    ),
    "a cancelled order used up the day's releases": Situation(
        releasing(),
        "limit_reached",
        {"MAX_RELEASES_PER_DAY": "1"},
        [INCOMPLETE, CANCEL, buying()],
        "MAX_RELEASES_PER_DAY",
    ),
    "the monthly spend is used up": Situation(
        buying(), "limit_reached", {"MAX_MONTHLY_SPEND": "2.29"}, [buying(US)], "MAX_MONTHLY_SPEND"
    ),
    "the account owns it already": Situation(buying(US), "conflict", before=[buying(US)]),
    "the account owns it already, with a limit": Situation(
        buying(US), "conflict", {"MAX_MONTHLY_SPEND": "9"}, [buying(US)]
    ),
    "nobody sells it": Situation(buying("+15005550000"), "not_found", {"MAX_MONTHLY_RATE": "9"}),
    "nobody owns it": Situation(releasing(), "not_found"),
    "something is missing in the order": Situation(SUBMIT, "conflict", before=[INCOMPLETE]),
    "the order is cancelled": Situation(CANCEL, "conflict", before=[INCOMPLETE, CANCEL]),
    "there is no such order": Situation(("cancel_port_order", {"port_order_id": "port_x"}), "not_found"),
    "it is dearer than a number may be": Situation(
        buying(), "policy_refused", {"MAX_MONTHLY_RATE": "1.14"}, (), "MAX_MONTHLY_RATE"
    ),
    "it is dearer than was agreed": Situation(buying(max_monthly_rate=1.14), "rate_too_high"),
    "it is in another country": Situation(buying(), "policy_refused", {"COUNTRIES": "DE"}, (), "COUNTRIES"),
    "it is of another type": Situation(
        buying(), "policy_refused", {"NUMBER_TYPES": "mobile"}, (), "NUMBER_TYPES"
    ),
    "it is protected from purchases": Situation(
        buying(), "policy_refused", {"PROTECTED_NUMBERS": OTHER}, (), "PROTECTED_NUMBERS"
    ),
    "it is protected from releases": Situation(
        releasing(), "policy_refused", {"PROTECTED_NUMBERS": OTHER}, (), "PROTECTED_NUMBERS"
    ),
    "its calls would go elsewhere": Situation(
        buying(voice_url=EVIL), "policy_refused", {"WEBHOOK_HOSTS": "example.com"}, (), "WEBHOOK_HOSTS"
    ),
    "destructive calls are blocked": Situation(
        buying(), "policy_refused", {"APPROVAL": "block"}, (), "APPROVAL"
    ),
}


def files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def sandbox_app(home: Path, **rules: str) -> App:
    own = {"SANDBOX_DB": str(home / "sandbox.sqlite3"), "TOOLSETS": "numbers,porting"}
    settings = {f"TELEFONIE_{name}": value for name, value in (own | rules).items()}
    return App.from_settings(read_settings(settings))


async def asked(app: App, call: tuple[str, dict[str, Any]], order: str, *, confirm: bool) -> dict[str, Any]:
    name, arguments = call
    confirming = {"confirm": confirm} if "confirm" in app.catalog[name].input_schema["properties"] else {}
    sent = {key: order if value == "order" else value for key, value in arguments.items()}
    return (await app.pipeline.call(name, sent | confirming, CommandLine())).content


@pytest.mark.parametrize("name", SITUATIONS)
async def test_what_the_call_would_refuse_the_preview_refuses_with_the_same_code(
    name: str, tmp_path: Path
) -> None:
    situation = SITUATIONS[name]
    app = sandbox_app(tmp_path, **situation.rules)
    order = ""
    for call in situation.before:
        answer = await asked(app, call, order, confirm=True)
        order = answer.get("port_order_id", order)
    recorded = await app.recent_writes()
    answers: list[dict[str, Any]] = []
    for confirm in (False, True, False):
        with pytest.raises(ToolError, match=r"^Nothing was done: ") as refused:
            await asked(app, situation.call, order, confirm=confirm)
        answers.append(refused.value.as_dict())
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["code"] == situation.code
    assert answers[0].get("setting") == (situation.setting and f"TELEFONIE_{situation.setting}")
    assert "next_call" not in answers[0]
    assert await app.recent_writes() == recorded
    await app.aclose()


async def test_a_missing_thing_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    app = sandbox_app(tmp_path)
    order = (await asked(app, INCOMPLETE, "", confirm=True))["port_order_id"]
    await app.pipeline.call("update_port_order", {"port_order_id": order, **FIELDS}, CommandLine())
    for confirm in (False, True):
        with pytest.raises(ToolError, match=r"^Nothing was done: the API wants loa first\.$"):
            await asked(app, SUBMIT, order, confirm=confirm)
    assert [entry.tool for entry in await app.recent_writes()] == ["update_port_order", "create_port_order"]
    await app.aclose()


async def test_an_unpriced_number_is_refused_by_preview_and_call_where_its_price_decides() -> None:
    decisive: list[dict[str, Any]] = [
        {"max_monthly_spend": 9},
        {"max_monthly_rate": 9},
        {"approval": "human"},
    ]
    for rules in decisive:
        async with faulty(Provider(rate="1,000")) as provider, served(provider, 30, **rules) as client:
            await assert_refused_alike(provider, client, "rate_unknown")


async def test_a_write_that_nobody_has_settled_stands_against_preview_and_call(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(POST=[f.hang]) as provider:
        async with served(provider, 3, ledger=ledger.url) as client:
            assert (await called(client, "purchase_number"))["code"] == "outcome_unknown"
        async with served(provider, 60, ledger=ledger.url) as client:
            preview = await called(client, "purchase_number", confirm=False)
            assert preview["code"] == "in_progress"
            assert "next_call" not in preview
            assert ledger.states() == ["unknown"]
            assert (await called(client, "purchase_number"))["code"] == "in_progress"


async def assert_refused_alike(provider: Provider, client: Client, code: str) -> None:
    for confirm in (False, True):
        answer = await called(client, "purchase_number", confirm=confirm)
        assert answer["code"] == code
        assert answer["message"].startswith("Nothing was done")
        assert "next_call" not in answer
    assert written(provider) == 0


async def test_a_preview_says_what_the_limits_leave_and_when_they_free_up(tmp_path: Path) -> None:
    rules = {"MAX_MONTHLY_SPEND": "4.00", "MAX_PURCHASES_PER_DAY": "2", "MAX_RELEASES_PER_DAY": "1"}
    app = sandbox_app(tmp_path, **rules)

    async def preview(call: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        with pytest.raises(ToolError) as refused:
            await asked(app, call, "", confirm=False)
        return refused.value.as_dict()

    first = await preview(buying(US))
    assert first["preview"]["limits"] == {
        "monthly_spend": {"limit": "4.00", "left": "4.00"},
        "purchases_per_day": {"limit": 2, "left": 2},
    }
    for number in (US, OTHER):
        await asked(app, buying(number), "", confirm=True)
    begun = [entry.created for entry in await app.recent_writes()]
    assert (await preview(releasing(US)))["preview"]["limits"] == {
        "releases_per_day": {"limit": 1, "left": 1}
    }
    refused = await preview(buying(THIRD))
    assert refused["code"] == "limit_reached"
    limits = refused["limits"]
    assert limits["monthly_spend"] == {"limit": "4.00", "left": "1.70"}
    assert (limits["purchases_per_day"]["limit"], limits["purchases_per_day"]["left"]) == (2, 0)
    frees_up = datetime.fromisoformat(limits["purchases_per_day"]["frees_up"])
    assert frees_up == (min(begun) + DAY).replace(microsecond=0)
    assert f"It frees up at {frees_up.astimezone(UTC):%Y-%m-%d %H:%M} UTC." in refused["message"]
    await app.aclose()


async def test_a_preview_makes_no_ledger(shared_ledger: str, tmp_path: Path) -> None:
    async with faulty() as provider:
        limited: dict[str, Any] = {"max_monthly_spend": 9, "max_purchases_per_day": 2}
        for changes in ({}, limited):
            async with served(provider, 30, ledger=SecretStr(shared_ledger), **changes) as client:
                assert "next_call" in await called(client, "purchase_number", confirm=False)
                provider.own()
                assert "next_call" in await called(client, "release_number", confirm=False)
                assert (await called(client, "purchase_number", confirm=False))["code"] == "conflict"
                provider.owned.clear()
                assert files(tmp_path) == []
                assert inspect_ledger(shared_ledger) == Inspection("missing")
        async with served(provider, 30, ledger=SecretStr(shared_ledger)) as client:
            await called(client, "purchase_number")
            assert inspect_ledger(shared_ledger) == Inspection("current")


async def test_a_preview_in_the_sandbox_makes_no_ledger(tmp_path: Path) -> None:
    app = sandbox_app(tmp_path, MAX_PURCHASES_PER_DAY="1")
    with pytest.raises(ToolError) as refused:
        await asked(app, buying(), "", confirm=False)
    assert refused.value.code == "confirmation_required"
    assert not [name for name in files(tmp_path) if "ledger" in name]
    await app.aclose()


async def test_a_preview_records_nothing_about_what_others_left_open(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(POST=[f.hang]) as provider:
        async with served(provider, 3, ledger=ledger.url) as client:
            assert (await called(client, "purchase_number"))["code"] == "outcome_unknown"
        provider.own()
        before = ledger.rows("id, state, updated, rate, held")
        async with served(provider, 30, ledger=ledger.url, max_monthly_spend=9) as client:
            await called(client, "purchase_number", confirm=False)
            await called(client, "release_number", confirm=False)
            assert ledger.rows("id, state, updated, rate, held") == before


@pytest.mark.parametrize(
    ("owned", "confirm", "rules", "asks"),
    [
        (False, False, {}, ["available"]),
        (True, False, {}, ["available", "owned"]),
        (False, True, {"max_monthly_spend": 9}, ["available"]),
        (True, True, {"max_monthly_spend": 9}, ["available", "owned"]),
        (False, True, {}, ["owned"]),
        (True, True, {}, ["owned"]),
    ],
)
async def test_what_is_for_sale_is_looked_for_before_what_is_owned(
    owned: bool, confirm: bool, rules: dict[str, Any], asks: list[str]
) -> None:
    async with faulty() as provider, served(provider, 30, **rules) as client:
        if owned:
            provider.own()
        answer = await called(client, "purchase_number", confirm=confirm)
        reads = [target for method, target in provider.log if method == "GET"]
        assert [
            target.removeprefix("/v1/numbers/").partition("?")[0].partition("/")[0] for target in reads
        ] == asks
        if owned:
            assert answer["code"] == "conflict"
            assert answer["message"].startswith(f"Nothing was done: {NUMBER} is already in this account")
        elif confirm:
            assert answer["phone_number"] == NUMBER
        else:
            facts = answer["preview"]
            assert facts["monthly_rate"] == OFFER["monthly_rate"]
            assert facts["current"].items() >= {(name, OFFER[name]) for name in ("country_code", "type")}


class Behind(Provider):
    """Goes on to offer what it has sold, and sells it again."""

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        if method == "GET" and "/available?" in target:
            return 200, {"available_numbers": [OFFER]}
        return super().handle(method, target, body)


async def test_what_was_bought_here_is_not_bought_again_because_it_is_still_offered() -> None:
    async with faulty(Behind()) as provider, served(provider, 30) as client:
        for confirm in (True, True, False):
            answer = await called(client, "purchase_number", max_monthly_rate=2, confirm=confirm)
            assert provider.count("POST") == 1
        assert answer["code"] == "conflict"
        assert answer["message"].startswith(f"Nothing was done: {NUMBER} is already in this account")
