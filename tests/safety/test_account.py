"""The account outlives its API key and the spelling of its address: budgets and open entries stay its own."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from pydantic import SecretStr

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.records import Intent
from telefonie_mcp.ledger.store import Ledger
from tests.support.faulty import NUMBER, Provider, faulty
from tests.support.first_release import made_by_the_first_release
from tests.support.ledger_file import LedgerFile
from tests.support.served import KEY, called, served
from tests.support.shop import Shop

OTHER, THIRD = "+14155550101", "+14155550102"
ROTATED_KEY = "another-key-1893"

Change = Literal["a rotated key", "localhost", "both", "nothing"]


def changed(change: Change, provider: Provider) -> dict[str, Any]:
    """Return the settings of the same account after a change that is none to it."""
    changes: dict[str, Any] = {}
    if change in {"a rotated key", "both"}:
        changes["api_key"] = SecretStr(ROTATED_KEY)
    if change in {"localhost", "both"}:
        changes["base_url"] = provider.url.replace("127.0.0.1", "LocalHost")
    return changes


def fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@pytest.mark.parametrize("change", ["a rotated key", "localhost", "both"])
@pytest.mark.parametrize(
    "rules", [{"max_monthly_spend": "1.15"}, {"max_purchases_per_day": 1}], ids=["spend", "purchases"]
)
async def test_budgets_are_kept(change: Change, rules: dict[str, Any], tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(Shop()) as provider:
        async with served(provider, 30, ledger=ledger.url, **rules) as client:
            assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
        async with served(
            provider, 30, ledger=ledger.url, **{**rules, **changed(change, provider)}
        ) as client:
            for confirm in (False, True):
                refused = await called(client, "purchase_number", phone_number=OTHER, confirm=confirm)
                assert refused["code"] == "limit_reached"
        assert [*provider.owned] == [NUMBER]


async def test_two_names_are_two_accounts(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(Shop()) as provider:
        for name, number in (("work", NUMBER), ("home", OTHER)):
            async with served(
                provider, 30, ledger=ledger.url, account=name, max_purchases_per_day=1
            ) as client:
                assert (await called(client, "purchase_number", phone_number=number))[
                    "phone_number"
                ] == number
        place = f"127.0.0.1:{provider.port}"
        assert ledger.rows("account") == [(f"work {place}",), (f"home {place}",)]


WRITES: dict[str, tuple[Literal["acquire", "dispose", "change"], dict[str, Any], dict[str, Any] | None]] = {
    "purchase_number": ("acquire", {}, None),
    "release_number": ("dispose", {}, {"voice_url": "https://example.com/old"}),
    "update_owned_number": (
        "change",
        {"voice_url": "https://example.com/new"},
        {"voice_url": "https://example.com/old"},
    ),
}


def begun(ledger: LedgerFile, tool: str, account: str, key: str) -> None:
    """Leave a write without an outcome, as a process does that was killed an hour ago."""
    effect, sent, previous = WRITES[tool]
    opened = Ledger.open(str(ledger.file))
    arguments = {"phone_number": NUMBER, **sent}
    intent = Intent(
        account, tool, "", effect, NUMBER, arguments, "test", lease=-1, previous=previous, key=key
    )
    opened.begin(intent, Limits())
    opened.close()
    ledger.grow_older()


@pytest.mark.parametrize("change", ["nothing", "localhost", "a rotated key"])
@pytest.mark.parametrize(
    ("tool", "now", "states"),
    [
        ("purchase_number", {}, ("done", "done")),
        ("purchase_number", None, ("not_done", "intent")),
        ("release_number", None, ("done", "intent")),
        ("release_number", {}, ("not_done", "intent")),
        ("update_owned_number", {"voice_url": "https://example.com/new"}, ("done", "done")),
        ("update_owned_number", {"voice_url": "https://example.com/old"}, ("not_done", "intent")),
        ("update_owned_number", {"voice_url": "https://example.com/third"}, ("unverified", "intent")),
        ("update_owned_number", None, ("unverified", "intent")),
    ],
)
async def test_another_key_settles_an_open_entry_only_by_what_it_sees(
    change: Change, tool: str, now: dict[str, str] | None, states: tuple[str, str], tmp_path: Path
) -> None:
    """That an account with this key does not show a thing proves nothing about the one with the other key.

    `states` is what becomes of the entry under the same key and under another one.
    """
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(Shop()) as provider:
        account = f"default 127.0.0.1:{provider.port}"
        await anyio.to_thread.run_sync(begun, ledger, tool, account, fingerprint(KEY))
        if now is not None:
            provider.own(NUMBER, **now)
        state = states[change == "a rotated key"]
        async with served(provider, 30, ledger=ledger.url, **changed(change, provider)) as client:
            assert (await called(client, "purchase_number", phone_number=OTHER))["phone_number"] == OTHER
            assert ledger.states() == [state, "done"]
            if state == "intent":
                for confirm in (False, True):
                    refused = await called(client, "purchase_number", confirm=confirm)
                    assert (refused["code"], provider.count("POST")) == ("in_progress", 1)


async def test_an_open_entry_of_another_key_keeps_its_share_of_the_budget(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(Shop()) as provider:
        account = f"default 127.0.0.1:{provider.port}"
        await anyio.to_thread.run_sync(begun, ledger, "purchase_number", account, fingerprint(KEY))
        rules: dict[str, Any] = {"max_purchases_per_day": 1, **changed("a rotated key", provider)}
        async with served(provider, 30, ledger=ledger.url, **rules) as client:
            refused = await called(client, "purchase_number", phone_number=OTHER)
            assert (refused["code"], ledger.states()) == ("limit_reached", ["intent"])
        async with served(provider, 30, ledger=ledger.url, max_purchases_per_day=1) as client:
            assert (await called(client, "purchase_number", phone_number=OTHER))["phone_number"] == OTHER
            assert ledger.states() == ["not_done", "done"]


def of_the_first_release(url: str, port: int) -> None:
    """Make a ledger in which the account, named by host and key, holds two numbers; one was just begun."""
    mine = f"live 127.0.0.1:{port} {fingerprint(KEY)}"
    theirs = f"live 127.0.0.1:{port} {fingerprint(ROTATED_KEY)}"
    made_by_the_first_release(
        url,
        {"account": mine, "subject": NUMBER, "rate": 11500},
        {"account": mine, "subject": OTHER, "rate": 23000, "state": "unknown"},
        {"account": theirs, "subject": NUMBER, "rate": 11500},
    )


@pytest.mark.parametrize("change", ["nothing", "localhost"])
async def test_the_entries_of_an_earlier_release_are_carried_over(
    change: Change, shared_ledger: str, tmp_path: Path
) -> None:
    async with faulty(Shop()) as provider:
        await anyio.to_thread.run_sync(of_the_first_release, shared_ledger, provider.port)
        provider.own(NUMBER)
        provider.own(OTHER)
        changes: dict[str, Any] = {"max_monthly_spend": "4.59", **changed(change, provider)}
        async with served(provider, 30, ledger=SecretStr(shared_ledger), **changes) as client:
            refused = await called(client, "purchase_number", phone_number=THIRD)
            assert refused["code"] == "limit_reached"
            assert refused["limits"]["monthly_spend"] == {"limit": "4.59", "left": "1.14"}
        entries = await anyio.to_thread.run_sync(entries_of, shared_ledger)
        name = f"default 127.0.0.1:{provider.port}"
        assert entries == [
            (name, fingerprint(KEY), NUMBER, "done"),
            (name, fingerprint(KEY), OTHER, "done"),
            (f"live 127.0.0.1:{provider.port} {fingerprint(ROTATED_KEY)}", "", NUMBER, "done"),
        ]
        async with served(provider, 30, ledger=SecretStr(shared_ledger), max_monthly_spend="4.60") as client:
            assert (await called(client, "purchase_number", phone_number=THIRD))["phone_number"] == THIRD


def entries_of(url: str) -> list[tuple[str, str, str, str]]:
    ledger = Ledger.open(url)
    entries = ledger.recent()[::-1]
    ledger.close()
    return [(entry.account, entry.key, entry.subject, entry.state) for entry in entries]
