"""`call` on a terminal: it asks before it buys or releases, and shows tables; in a pipe it stays JSON."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from telefonie_mcp.calls.approval import CommandLine
from tests.support.commands import command
from tests.support.terminals import process, terminal
from tests.support.wire import app_of

NUMBER = "+14155550123"
BUY = ("call", "purchase_number", f"phone_number={NUMBER}")
RELEASE = ("call", "release_number", f"phone_number={NUMBER}")
ASKED = f"Buy {NUMBER} for 1.15 a month? [y/N]"
HUMAN = {"TELEFONIE_APPROVAL": "human"}


def database(home: Path) -> dict[str, str]:
    return {"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3")}


def owned(home: Path) -> list[str]:
    _, output, _ = command(home, "call", "list_owned_numbers", **database(home))
    return [number["phone_number"] for number in json.loads(output)["numbers"]]


def log(home: Path) -> list[dict[str, Any]]:
    _, output, _ = command(home, "log", "--json", **database(home))
    return [json.loads(line) for line in output.splitlines()]


def test_a_purchase_is_asked_and_confirmed_as_a_process(tmp_path: Path) -> None:
    shown = process(tmp_path, *BUY, answers={"[y/N]": "y\n"}, variables=database(tmp_path))
    assert shown.status == 0
    assert f"{ASKED} y\n" in shown.text
    assert owned(tmp_path) == [NUMBER]


@pytest.mark.parametrize(("typed", "bought"), [("n\n", False), ("\n", False), ("\x04", False), ("y\n", True)])
def test_only_a_yes_buys(typed: str, bought: bool, tmp_path: Path) -> None:
    shown = terminal(tmp_path, *BUY, answers={"[y/N]": typed}, variables=database(tmp_path))
    assert shown.text.index("monthly rate") < shown.text.index(ASKED)
    assert shown.status == (0 if bought else 1)
    assert owned(tmp_path) == ([NUMBER] if bought else [])
    assert len(log(tmp_path)) == bought


def test_what_was_typed_before_the_question_is_no_answer(tmp_path: Path) -> None:
    shown = terminal(tmp_path, *BUY, typed="y\ny\n", answers={"[y/N]": "n\n"}, variables=database(tmp_path))
    assert (shown.status, owned(tmp_path)) == (1, [])


@pytest.mark.parametrize("yes", [("--yes",), ("confirm=true",), ("--json", '{"confirm": true}')])
def test_a_yes_on_the_command_line_is_not_asked_for_again(yes: tuple[str, ...], tmp_path: Path) -> None:
    shown = terminal(tmp_path, *BUY, *yes, variables=database(tmp_path))
    assert (shown.status, "[y/N]" in shown.text) == (0, False)
    assert owned(tmp_path) == [NUMBER]


@pytest.mark.parametrize("piped", [("stdin",), ("stdout",), ("stdin", "stdout")])
@pytest.mark.parametrize("variables", [{}, HUMAN])
def test_a_pipe_is_never_asked(piped: tuple[str, ...], variables: dict[str, str], tmp_path: Path) -> None:
    shown = terminal(tmp_path, *BUY, piped=piped, answer="y\n", variables={**database(tmp_path), **variables})
    assert (shown.status, "[y/N]" in shown.text) == (1, False)
    assert owned(tmp_path) == []


def test_without_a_terminal_it_refuses_with_the_preview(tmp_path: Path) -> None:
    status, output, errors = command(tmp_path, *BUY, answer="y\n", **database(tmp_path))
    assert (status, errors) == (1, "")
    assert json.loads(output)["code"] == "confirmation_required"
    status, output, _ = command(tmp_path, *BUY, "--yes", **database(tmp_path))
    assert status == 0
    assert json.loads(output)["phone_number"] == NUMBER


@pytest.mark.parametrize("yes", [(), ("--yes",), ("confirm=true",)])
def test_a_person_who_must_approve_answers_at_the_terminal(yes: tuple[str, ...], tmp_path: Path) -> None:
    no = terminal(tmp_path, *BUY, *yes, answers={"[y/N]": "n\n"}, variables={**database(tmp_path), **HUMAN})
    assert (no.status, owned(tmp_path)) == (1, [])
    done = terminal(tmp_path, *BUY, *yes, answers={"[y/N]": "y\n"}, variables={**database(tmp_path), **HUMAN})
    assert (done.status, owned(tmp_path)) == (0, [NUMBER])


def test_a_person_who_must_approve_is_not_a_pipe(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, *BUY, "--yes", answer="y\n", **database(tmp_path), **HUMAN)
    assert (status, json.loads(output)["code"]) == (1, "not_approved")


def test_the_yes_holds_for_what_was_shown(tmp_path: Path) -> None:
    assert command(tmp_path, *BUY, "--yes", **database(tmp_path))[0] == 0

    def yes_after_a_change() -> str:
        async def change() -> None:
            app = app_of(tmp_path)
            routed = {"phone_number": NUMBER, "voice_url": "https://example.com/main-line"}
            await app.pipeline.call("update_owned_number", routed, CommandLine())
            await app.aclose()

        anyio.run(change)
        return "y\n"

    for variables in ({}, HUMAN):
        answers = {"for good? [y/N]": yes_after_a_change}
        shown = terminal(tmp_path, *RELEASE, answers=answers, variables={**database(tmp_path), **variables})
        assert shown.status == 1
        assert "Nothing was done: the facts changed since the question was asked" in " ".join(
            shown.text.split()
        )
        assert owned(tmp_path) == [NUMBER]
        command(
            tmp_path,
            "call",
            "update_owned_number",
            f"phone_number={NUMBER}",
            "voice_url=",
            **database(tmp_path),
        )
    shown = terminal(tmp_path, *RELEASE, answers={"[y/N]": "y\n"}, variables=database(tmp_path))
    assert (shown.status, owned(tmp_path)) == (0, [])


def test_the_price_that_was_shown_is_the_most_that_is_paid(tmp_path: Path) -> None:
    shown = terminal(
        tmp_path,
        *BUY,
        answers={"[y/N]": "y\n"},
        variables={**database(tmp_path), "TELEFONIE_CURRENCY": "USD"},
    )
    assert f"Buy {NUMBER} for 1.15 USD a month? [y/N]" in shown.text
    assert [entry["monthly_rate"] for entry in log(tmp_path)] == ["1.15"]


def test_what_would_be_refused_is_not_asked(tmp_path: Path) -> None:
    limit = {"TELEFONIE_MAX_MONTHLY_RATE": "1"}
    shown = terminal(tmp_path, *BUY, variables={**database(tmp_path), **limit})
    assert (shown.status, "[y/N]" in shown.text) == (1, False)
    assert shown.lines[0].startswith("Nothing was done")
    assert shown.lines[-1].startswith("→ ") or "→ " in shown.text


@pytest.mark.parametrize("columns", [40, 60, 80, 132])
def test_nothing_is_wider_than_the_window(columns: int, tmp_path: Path) -> None:
    name = "friendly_name=Bürotelefon 東京 für alle, die uns anrufen wollen"
    route = "voice_url=https://example.com/a/very/long/path/that/goes/on/and/on/for/quite/a/while?and=more"
    commands = [
        ("call", "search_available_numbers", "country_code=US", "limit=2"),
        ("call", "search_available_numbers", "country_code=UK", "limit=0"),
        (*BUY, "--yes"),
        ("call", "update_owned_number", f"phone_number={NUMBER}", name, route),
        ("call", "list_owned_numbers"),
        ("call", "get_owned_number", f"phone_number={NUMBER}"),
        ("call", "get_number_capabilities", "country_code=DE"),
        ("call", "lookup_number", f"phone_number={NUMBER}"),
        ("call", "purchase_number", "--help"),
        ("tools",),
        ("tools", "search_available_numbers"),
    ]
    for arguments in commands:
        shown = terminal(tmp_path, *arguments, columns=columns, variables=database(tmp_path))
        assert shown.lines
        assert shown.widest <= columns, arguments


def test_a_search_is_a_table(tmp_path: Path) -> None:
    arguments = ("call", "search_available_numbers", "country_code=US", "area_code=415", "limit=2")
    shown = terminal(tmp_path, *arguments, variables=database(tmp_path))
    *_, header, first, second = shown.lines
    assert header.split() == ["phone", "number", "friendly", "name", "code", "type", "capabilities", "rate"]
    for row in (first, second):
        assert row.startswith("+1415")
        assert row.endswith("1.15")
        assert row.index("local") == header.index("type")
    status, output, _ = command(tmp_path, *arguments, **database(tmp_path))
    assert status == 0
    assert len(json.loads(output)["available_numbers"]) == 2


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colors_are_only_on_a_terminal_that_wants_them(
    variables: dict[str, str], colored: bool, tmp_path: Path
) -> None:
    refused = ("call", "get_owned_number", f"phone_number={NUMBER}")
    for arguments in (refused, ("call", "search_available_numbers", "country_code=US"), ("tools",)):
        shown = terminal(tmp_path, *arguments, variables={**database(tmp_path), **variables})
        assert ("\x1b[" in shown.raw) is colored
        _, output, errors = command(tmp_path, *arguments, **database(tmp_path), **variables)
        assert "\x1b[" not in output + errors


def test_a_refusal_says_in_two_lines_what_to_do(tmp_path: Path) -> None:
    shown = terminal(
        tmp_path, "call", "get_owned_number", f"phone_number={NUMBER}", variables=database(tmp_path)
    )
    assert shown.status == 1
    said, to_do = shown.text.removesuffix("\n").replace("\n  ", " ").split("\n→ ")
    assert said.startswith("Nothing was done: ")
    assert "list_owned_numbers shows the numbers of this account." in to_do
