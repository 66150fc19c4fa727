"""What the command line says when a setting cannot be used, or when nobody answers its question."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands import command
from tests.support.terminals import terminal

BUY = ("call", "purchase_number", "phone_number=+14155550123")
WHICH = "TELEFONIE_SPEC names OpenAPI documents, YAML or JSON"


def _text(file: Path) -> None:
    file.write_text("hello")


def _binary(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")


MADE: dict[str, Callable[[Path], None]] = {
    "nothing": lambda _: None,
    "a directory": Path.mkdir,
    "empty": Path.touch,
    "text": _text,
    "binary": _binary,
}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("nothing", "cannot be read (No such file or directory)"),
        ("a directory", "cannot be read (Is a directory)"),
        ("empty", "not an OpenAPI document, its root is not an object: the file is empty"),
        ("text", "not an OpenAPI document, its root is not an object"),
        ("binary", "neither YAML nor JSON: it is not UTF-8 text"),
    ],
)
def test_a_document_that_is_none_names_what_is_wanted_and_who_named_it(
    made: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yml"
    MADE[made](file)
    said = f"telefonie-mcp: mine.yml: {words}; {WHICH}"
    assert command(tmp_path, "--spec", str(file), "tools") == (2, "", f"{said}; given as --spec\n")
    assert command(tmp_path, "tools", TELEFONIE_SPEC=str(file)) == (2, "", f"{said}\n")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("nothing", "cannot be read (No such file or directory); it must name a file that holds the secret"),
        ("a directory", "cannot be read (Is a directory); it must name a file that holds the secret"),
        ("empty", "does not hold an API key: one line of visible ASCII characters; it is empty"),
        ("binary", "cannot be read (not text); it must name a file that holds the secret"),
    ],
)
def test_a_key_file_that_holds_no_key_says_what_it_must_be(made: str, words: str, tmp_path: Path) -> None:
    MADE[made](tmp_path / "key")
    status, output, errors = command(tmp_path, "--api-key-file", str(tmp_path / "key"), "tools")
    assert (status, output) == (2, "")
    assert errors.startswith(f"telefonie-mcp: TELEFONIE_API_KEY_FILE {words}")
    assert errors.endswith("; given as --api-key-file\n")


@pytest.mark.parametrize(
    ("setting", "made", "words"),
    [
        ("SANDBOX_DB", "a directory", "{} is a directory; name a file in it"),
        ("LEDGER", "a directory", "{} is a directory; name a file in it"),
        ("STATE_DIR", "empty", "{} is a file; name a directory, which need not exist yet"),
    ],
)
def test_a_place_for_state_of_the_wrong_kind_stops_the_start(
    setting: str, made: str, words: str, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    MADE[made](place)
    before = [*tmp_path.rglob("*")]
    said = f"TELEFONIE_{setting}: {words.format(place)}"
    for arguments in (("call", "list_owned_numbers"), ("log",), BUY):
        assert command(tmp_path, *arguments, **{f"TELEFONIE_{setting}": str(place)}) == (
            2,
            "",
            f"telefonie-mcp: {said}\n",
        )
    status, output, _ = command(tmp_path, "doctor", **{f"TELEFONIE_{setting}": str(place)})
    assert (status, output.splitlines()[0]) == (
        1,
        f"problem  settings      {said} → Correct or unset what is named.",
    )
    assert [*tmp_path.rglob("*")] == before


def test_a_database_below_a_file_is_a_mistyped_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, _, errors = command(tmp_path, "tools", TELEFONIE_LEDGER=str(tmp_path / "file" / "ledger"))
    said = f"TELEFONIE_LEDGER: there is no directory {tmp_path}/file; correct the path, or make it first"
    assert (status, errors) == (2, f"telefonie-mcp: {said}\n")


def test_options_that_contradict_variables_are_told_apart(tmp_path: Path) -> None:
    given = ("--no-sandbox", "--sandbox-db", "x", "tools")
    _, _, errors = command(tmp_path, *given, TELEFONIE_API_KEY="key-0451-abcdef")
    assert errors.endswith("add TELEFONIE_SANDBOX=true; given as --sandbox-db, --no-sandbox\n")
    _, output, _ = command(tmp_path, "--log-level", "loud", "doctor")
    assert '(got "loud"); given as --log-level → Correct or unset what is named.' in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tools", "--read-only"), "--read-only comes before the command: telefonie-mcp --read-only … tools"),
        (
            ("sandbox", "events", "--no-apps"),
            "--no-apps comes before the command: telefonie-mcp --no-apps … sa",
        ),
        (("tools", "--jsn"), "No such option '--jsn'. Did you mean '--json'?"),
        (
            ("call", "list_owned_numbers", "--json", ""),
            "Invalid value for --json: is not JSON: it is empty",
        ),
        (("--tools", "nosuch", "tools"), "TELEFONIE_TOOLSETS with porting. Given as --tools.\n"),
    ],
)
def test_a_mistake_in_the_command_line_says_what_is_right(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    status, output, errors = command(tmp_path, *arguments)
    assert (status, output) == (2, "")
    assert said in errors


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("n\n", "Nothing was written.\n"),
        ("", "\nNothing was written, because there was no answer. Add --yes to write without being asked.\n"),
    ],
)
@pytest.mark.parametrize("how", ["--write", "--replace"])
def test_config_says_that_nothing_was_written(answer: str, said: str, how: str, tmp_path: Path) -> None:
    status, output, notes = command(tmp_path, "config", "cursor", how, answer=answer)
    assert (status, output) == (1, "")
    assert notes.endswith(f"[y/N]: {said}")
    assert not (tmp_path / ".cursor").exists()


def test_config_names_files_that_are_not_there(tmp_path: Path) -> None:
    here = tmp_path / "key"
    here.touch()
    given = ("--api-key-file=~/key", "--spec", str(tmp_path / "mine.yml"))
    status, output, notes = command(tmp_path, *given, "config", "cursor")
    assert (status, f'"{here}"' in output) == (0, True)
    missing = f"TELEFONIE_SPEC: there is no file {tmp_path}/mine.yml. The server does not start without it."
    assert [line for line in notes.splitlines() if "there is no file" in line] == [missing]


def test_remove_says_that_nothing_was_written(tmp_path: Path) -> None:
    command(tmp_path, "config", "cursor", "--write", "--yes")
    status, _, notes = command(tmp_path, "config", "cursor", "--remove")
    assert (status, notes.splitlines()[-1].partition(",")[0]) == (1, "Nothing was written")


def test_without_an_answer_a_terminal_says_that_nothing_was_done(tmp_path: Path) -> None:
    typed = "\x04"
    bought = terminal(tmp_path, *BUY, answers={"[y/N]": typed})
    assert (bought.status, bought.lines[-1]) == (1, "Nothing was done, because there was no answer.")
    assert command(tmp_path, *BUY, "--yes")[0] == 0
    emptied = terminal(tmp_path, "sandbox", "--reset", answers={"[y/N]": typed})
    assert emptied.status == 1
    assert " ".join(emptied.text.split()).endswith(
        "Nothing was emptied, because there was no answer. Add --yes to empty it without being asked."
    )
    assert '"total": 1' in command(tmp_path, "call", "list_owned_numbers")[1]
