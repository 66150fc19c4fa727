"""Monthly rates as providers write them: read where they are clear, and else neither shown nor held."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.records import Intent
from telefonie_mcp.ledger.store import Ledger
from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, faulty
from tests.support.ledger_file import LedgerFile
from tests.support.served import called, served
from tests.support.shop import Shop

OTHER, THIRD = "+14155550101", "+14155550102"
UNREADABLE = ["1,000", "ask sales", "", "1.15 per month", "-1"]
FOREIGN: list[tuple[str, dict[str, Any]]] = [
    ("1.15 EUR", {"currency": "USD"}),
    ("£1.15", {"currency": "USD"}),
]


@pytest.mark.parametrize("rate", ["1.15", "$1.15", "1.15 USD", "USD 1.15", "1,15", "1.150000", "1.14991"])
async def test_a_rate_that_is_clear_is_shown_agreed_to_and_counted(rate: str, tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    rules: dict[str, Any] = {"max_monthly_spend": "2.29", "max_monthly_rate": "1.15", "currency": "USD"}
    async with (
        faulty(Shop(rate=rate)) as provider,
        served(provider, 30, ledger=ledger.url, **rules) as client,
    ):
        preview = await called(client, "purchase_number", confirm=False)
        arguments = preview["next_call"]["arguments"]
        assert arguments["max_monthly_rate"] == 1.15
        bought = await called(client, "purchase_number", **arguments)
        assert bought["phone_number"] == NUMBER
        assert ledger.rows("rate") == [(11500,)]
        refused = await called(client, "purchase_number", phone_number=OTHER)
        assert (refused["code"], refused["setting"]) == ("limit_reached", "TELEFONIE_MAX_MONTHLY_SPEND")


async def test_thousands_are_no_small_change() -> None:
    async with faulty(Shop(rate="1,000.00")) as provider:
        async with served(provider, 30, max_monthly_rate="999.99") as client:
            refused = await called(client, "purchase_number")
            assert (refused["code"], refused["setting"]) == ("policy_refused", "TELEFONIE_MAX_MONTHLY_RATE")
            assert "1000.00 per month" in refused["message"]
        assert provider.count("POST") == 0


async def test_rates_are_rounded_up_and_limits_down() -> None:
    async with faulty(Shop(rate="1.00001")) as provider:
        for limit in ("1.00009", "1.0000"):
            async with served(provider, 30, max_monthly_rate=limit) as client:
                assert (await called(client, "purchase_number"))["code"] == "policy_refused"
                agreed = await called(client, "purchase_number", max_monthly_rate=1.00009)
                assert agreed["code"] in {"policy_refused", "rate_too_high"}
        async with served(provider, 30) as client:
            assert (await called(client, "purchase_number", max_monthly_rate=1.00009))[
                "code"
            ] == "rate_too_high"
            assert (await called(client, "purchase_number", max_monthly_rate=1.0001))[
                "phone_number"
            ] == NUMBER


@pytest.mark.parametrize(("rate", "settings"), [*((rate, {}) for rate in UNREADABLE), *FOREIGN])
async def test_a_rate_that_cannot_be_read_is_said_so_and_offers_no_call(
    rate: str, settings: dict[str, Any]
) -> None:
    async with faulty(Shop(rate=rate)) as provider, served(provider, 30, **settings) as client:
        preview = await called(client, "purchase_number", confirm=False)
        assert preview["code"] == "confirmation_required"
        assert preview["message"].startswith("Nothing was done")
        assert "can neither be shown nor be limited" in preview["message"]
        assert "next_call" not in preview
        assert "monthly_rate" not in preview["preview"]
        refused = await called(client, "purchase_number", max_monthly_rate=9)
        assert (refused["code"], provider.count("POST")) == ("rate_unknown", 0)
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER


@pytest.mark.parametrize(
    "rules", [{"max_monthly_rate": "9"}, {"max_monthly_spend": "9"}, {"approval": "human"}], ids=str
)
@pytest.mark.parametrize(("rate", "settings"), [*((rate, {}) for rate in UNREADABLE), *FOREIGN])
async def test_a_rate_that_cannot_be_read_is_refused_where_it_decides(
    rate: str, settings: dict[str, Any], rules: dict[str, Any]
) -> None:
    async with faulty(Shop(rate=rate)) as provider, served(provider, 30, **settings, **rules) as client:
        for confirm in (False, True):
            refused = await called(client, "purchase_number", confirm=confirm)
            assert refused["code"] == "rate_unknown"
            assert refused["message"].startswith("Nothing was done")
            assert "next_call" not in refused
        assert provider.count("POST") == 0


@pytest.mark.parametrize(
    ("answered", "counts"), [("2.00", 20000), ("$2.00", 20000), ("0.50", 11500), ("ask sales", 11500)]
)
async def test_the_greater_of_offer_and_answer_counts(answered: str, counts: int, tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with (
        faulty(Shop(answered=answered)) as provider,
        served(provider, 30, ledger=ledger.url, max_monthly_spend="9") as client,
    ):
        answer = await called(client, "purchase_number")
        assert answer["phone_number"] == NUMBER
        warned = f"The API offered 1.15 per month, and says {answered} now: tell the user at once."
        assert answer.get("note") == (None if answered == "0.50" else warned)
        assert ledger.rows("rate, held") == [(counts, 1)]


@dataclass
class Ambiguous(Shop):
    """Offers every number twice, the second time with `other` facts."""

    other: dict[str, str] = field(default_factory=dict[str, str])

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        status, answer = super().handle(method, target, body)
        for offer in answer.get("available_numbers", [])[:1] if method == "GET" else ():
            answer["available_numbers"].append(offer | self.other)
        return status, answer


@pytest.mark.parametrize("confirm", [True, False])
@pytest.mark.parametrize(
    ("other", "taken"),
    [
        ({}, True),
        ({"friendly_name": "x"}, True),
        ({"monthly_rate": "9"}, False),
        ({"country_code": "DE"}, False),
    ],
)
async def test_a_number_that_is_offered_twice_is_bought_only_at_the_same_terms(
    other: dict[str, str], taken: bool, confirm: bool
) -> None:
    provider = Ambiguous(other=other)
    async with faulty(provider), served(provider, 30, max_monthly_rate="2") as client:
        answer = await called(client, "purchase_number", confirm=confirm)
        assert (answer.get("code") == "upstream_invalid_response") is not taken
        assert provider.count("POST") == (taken and confirm)


async def test_a_held_number_without_a_known_rate_is_looked_up_once(tmp_path: Path) -> None:
    """It was bought while no limit was set, from a provider that did not say its rate."""
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(Shop(rate="ask sales")) as provider:
        async with served(provider, 30, ledger=ledger.url) as client:
            assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
        assert ledger.rows("rate, held") == [(None, 1)]
        provider.rate = "1.15"
        provider.own(NUMBER, monthly_rate="3,00")
        async with served(provider, 30, ledger=ledger.url, max_monthly_spend="4.14") as client:
            preview = await called(client, "purchase_number", phone_number=OTHER, confirm=False)
            assert preview["code"] == "limit_reached"
            assert preview["limits"]["monthly_spend"] == {"limit": "4.14", "left": "1.14"}
            assert ledger.rows("rate") == [(None,)]
            refused = await called(client, "purchase_number", phone_number=OTHER)
            assert (refused["code"], refused["limits"]) == (preview["code"], preview["limits"])
            assert ledger.rows("rate") == [(30000,)]
        provider.log.clear()
        async with served(provider, 30, ledger=ledger.url, max_monthly_spend="4.15") as client:
            assert (await called(client, "purchase_number", phone_number=OTHER))["phone_number"] == OTHER
        assert not [target for _, target in provider.log if target.endswith("5550100")]


@pytest.mark.parametrize("shown", ["ask sales", None], ids=["unreadable", "not to be read"])
async def test_a_held_number_whose_rate_nobody_can_tell_stands_against_purchases_under_a_limit(
    shown: str | None, tmp_path: Path
) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(Shop(rate="ask sales")) as provider:
        async with served(provider, 30, ledger=ledger.url) as client:
            assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
        provider.rate = "1.15"
        reads = [Exchange.honest, f.replying(401), Exchange.honest]
        async with served(provider, 30, ledger=ledger.url, max_monthly_spend="99") as client:
            for confirm in (False, True):
                provider.faults["GET"] = [Exchange.honest] if shown else [*reads]
                refused = await called(client, "purchase_number", phone_number=OTHER, confirm=confirm)
                assert refused["code"] == "rate_unknown"
                assert NUMBER in refused["message"]
                assert "next_call" not in refused
            assert provider.count("POST") == 1
            provider.faults.clear()
            assert (await called(client, "release_number"))["message"] == "Number released"
            assert (await called(client, "purchase_number", phone_number=OTHER))["phone_number"] == OTHER


@dataclass
class Meanwhile(Shop):
    """Records, as another server does, that a number of unknown rate was bought, once somebody wants one."""

    ledger: str = ""

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        if self.ledger and "/available" in target:
            opened, self.ledger = Ledger.open(self.ledger), ""
            account = opened.recent(limit=1)[0].account
            sent = {"phone_number": THIRD}
            intent = Intent(account, "purchase_number", "", "acquire", THIRD, sent, "test", lease=600)
            opened.begin(intent, Limits())
            opened.close()
        return super().handle(method, target, body)


async def test_what_another_server_buys_at_an_unknown_rate_meanwhile_counts_too(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with (
        faulty(Meanwhile()) as provider,
        served(provider, 30, ledger=ledger.url, max_monthly_spend="99") as client,
    ):
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
        assert isinstance(provider, Meanwhile)
        provider.ledger = str(ledger.file)
        refused = await called(client, "purchase_number", phone_number=OTHER)
        assert (refused["code"], provider.count("POST")) == ("rate_unknown", 1)
        assert THIRD in refused["message"]
