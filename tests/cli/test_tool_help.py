"""`call TOOL --help` and `tools TOOL`: what a person must know to call one tool."""

import json
import shlex
from pathlib import Path

import pytest

from telefonie_mcp.cli.arguments import arguments_of
from telefonie_mcp.cli.tool_help import example, tool_help
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.commands import command
from tests.support.tools import strange, taking, tool

ALL = {"TELEFONIE_TOOLSETS": "all", "TELEFONIE_SANDBOX_DB": ":memory:"}
EVERY = build_catalog(load_documents(toolsets=TOOLSETS))


def helped(name: str) -> str:
    return "\n".join(tool_help(EVERY[name], 80))


@pytest.mark.parametrize("name", [each.name for each in EVERY])
def test_both_commands_show_every_argument(name: str, tmp_path: Path) -> None:
    status, output, errors = command(tmp_path, "call", name, "--help", **ALL)
    assert (status, errors) == (0, "")
    for argument in EVERY[name].input_schema["properties"]:
        assert f"\n  {argument}: " in output
    assert max(map(len, output.splitlines())) <= 80
    assert command(tmp_path, "tools", name, **ALL) == (0, output, "")


@pytest.mark.parametrize(
    "arguments", [("purchase_number", "-h"), ("-h", "purchase_number"), ("purchase_number", "x", "--help")]
)
def test_the_help_is_about_the_tool_wherever_the_option_stands(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    status, output, _ = command(tmp_path, "call", *arguments, **ALL)
    assert status == 0
    assert output.startswith("purchase_number: ")


def test_without_a_tool_the_help_is_about_the_command(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, "call", "--help")
    assert status == 0
    assert output.startswith("Usage: telefonie-mcp call [OPTIONS] TOOL [NAME=VALUE]...")
    for words in ("NAME is repeated", "NAME=@FILE", "--yes", "-h, --help"):
        assert words in " ".join(output.split())
    status, output, errors = command(tmp_path, "call")
    assert (status, output) == (2, "")
    assert "Missing argument 'TOOL'" in errors
    assert "Try 'telefonie-mcp call --help' for help." in errors


@pytest.mark.parametrize("arguments", [("call", "purchase_numbr", "--help"), ("tools", "purchase_numbr")])
def test_a_mistyped_tool_is_recognised(arguments: tuple[str, ...], tmp_path: Path) -> None:
    status, output, errors = command(tmp_path, *arguments, **ALL)
    assert (status, output) == (2, "")
    assert "did you mean purchase_number?" in errors


def test_types_choices_bounds_and_defaults_are_named() -> None:
    search = helped("search_available_numbers")
    assert "\n  country_code: country code, required\n" in search
    assert "\n  type: one of local, national, toll-free, mobile\n" in search
    assert "\n  sms_enabled: true or false\n" in search
    assert "\n  limit: whole number, at least 1, at most 20\n" in search
    assert "\n  confirm: true or false, by default false\n" in helped("purchase_number")
    assert "\n  phone_numbers: list: phone number, at most 100, required\n" in helped("check_portability")
    assert "A list is separated by commas, or its name is repeated." in helped("check_portability")
    assert "\n  content: file, as content=@FILE, required\n" in helped("upload_port_document")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("list_owned_numbers", "It changes nothing."),
        ("update_owned_number", "It takes effect at once, without a confirmation."),
        ("purchase_number", "It would buy PHONE_NUMBER and start its monthly billing. It needs a yes"),
        ("submit_port_order", "to move its phone numbers away from its losing carrier on its foc date."),
    ],
)
def test_what_it_changes_is_said(name: str, words: str) -> None:
    assert words in " ".join(helped(name).split())


@pytest.mark.parametrize("name", [each.name for each in EVERY])
def test_the_example_is_a_valid_call(name: str, tmp_path: Path) -> None:
    file = tmp_path / "FILE"
    file.write_text("content")
    program, called, named, *pairs = shlex.split(example(EVERY[name]).replace("@FILE", f"@{file}"))
    assert (program, called, named) == ("telefonie-mcp", "call", name)
    read_arguments(EVERY[name], arguments_of(EVERY[name].input_schema, pairs, None))
    assert example(EVERY[name]) in " ".join(helped(name).replace(" \\\n", " ").split())


@pytest.mark.parametrize(
    ("schema", "kind", "value"),
    [
        ({"type": "string", "example": "blue one"}, "text", "'blue one'"),
        ({"type": "string", "minLength": 2}, "text, at least 2 characters", "X"),
        ({"type": "integer", "minimum": 3}, "whole number, at least 3", "3"),
        ({"type": "boolean"}, "true or false", "true"),
        ({"type": "string", "format": "date"}, "date", "2027-01-15"),
        ({"enum": [2, 1]}, "one of 2, 1", "2"),
        ({"type": "object"}, "JSON object", "X"),
        ({"type": "array", "items": {"enum": ["a"]}}, "list: one of a", "a"),
        ({"type": "integer", "example": "wrong", "multipleOf": 7}, "whole number", "X"),
    ],
)
def test_arguments_of_any_document_are_shown(schema: dict[str, object], kind: str, value: str) -> None:
    made = taking(schema, required=True)
    assert f"\n  x: {kind}, required\n" in "\n".join(tool_help(made, 80))
    assert example(made) == f"telefonie-mcp call {made.name} x={value}"


def test_a_tool_without_arguments_says_so() -> None:
    assert "It takes no arguments." in "\n".join(tool_help(strange(), 80))


def test_what_a_document_says_is_cleaned() -> None:
    made = strange({"description": "Danger\x1b[31m \u202ered", "parameters": []})
    assert not {"\x1b", "\u202e"} & {
        *"\n".join(tool_help(made, 80)).replace("\x1b[1m", "").replace("\x1b[0m", "")
    }


def test_one_tool_is_printed_as_json(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, "tools", "release_number", "--json", **ALL)
    assert (status, [each["name"] for each in json.loads(output)["tools"]]) == (0, ["release_number"])


def test_a_required_argument_of_the_packaged_tools_is_marked() -> None:
    assert ", required" not in "\n".join(
        line for line in tool_help(tool("release_number"), 80) if "confirm:" in line
    )
