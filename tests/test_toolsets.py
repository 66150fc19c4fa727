"""Which groups of tools are listed, what they cost, and what an agent is told of those that are not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from telefonie_mcp.app import App
from telefonie_mcp.errors import SettingsError, UnknownToolError
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.server.handlers import tool_definition
from telefonie_mcp.server.instructions import instructions
from telefonie_mcp.settings.reading import read_settings

LIVE = {"API_KEY": "test-key-1"}
OFF = "Porting tools are off; the operator can set "


def app(**variables: str) -> App:
    return App.from_settings(read_settings({f"TELEFONIE_{n}": value for n, value in variables.items()}))


def toolsets(server: App) -> list[str]:
    return list(dict.fromkeys(tool.document.toolset for tool in server.catalog))


def tokens(server: App) -> dict[str, int]:
    """Return what each tool costs, as bytes / 4."""
    listed = {
        tool.name: tool_definition(tool).model_dump(mode="json", by_alias=True, exclude_none=True)
        for tool in server.catalog
    }
    return {
        name: len(json.dumps(definition, ensure_ascii=False, separators=(",", ":")).encode()) // 4
        for name, definition in listed.items()
    }


@pytest.mark.parametrize(
    ("variables", "listed"),
    [
        ({}, ["numbers", "lookup"]),
        ({"TOOLSETS": "numbers"}, ["numbers"]),
        ({"TOOLSETS": "lookup"}, ["lookup"]),
        ({"TOOLSETS": "porting, numbers"}, ["numbers", "porting"]),
        ({"TOOLSETS": "all"}, ["numbers", "lookup", "porting"]),
        ({"TOOLSETS": "lookup,all"}, ["numbers", "lookup", "porting"]),
        (LIVE, ["numbers", "lookup"]),
        ({**LIVE, "LIVE_PORTING": "true"}, ["numbers", "lookup"]),
        ({**LIVE, "TOOLSETS": "all"}, ["numbers", "lookup"]),
        ({**LIVE, "TOOLSETS": "all", "LIVE_PORTING": "false"}, ["numbers", "lookup"]),
        ({**LIVE, "TOOLSETS": "all", "LIVE_PORTING": "true"}, ["numbers", "lookup", "porting"]),
    ],
)
def test_what_is_listed(variables: dict[str, str], listed: list[str]) -> None:
    server = app(**variables)
    assert toolsets(server) == listed
    assert [document.toolset for document in server.documents] == listed
    for document in load_documents(toolsets=TOOLSETS):
        assert (document.instructions in instructions(server)) is (document.toolset in listed)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, f"{OFF}TELEFONIE_TOOLSETS with porting."),
        ({"TOOLSETS": "all"}, ""),
        (
            LIVE,
            f"{OFF}TELEFONIE_TOOLSETS with porting and TELEFONIE_LIVE_PORTING=true.",
        ),
        (
            {**LIVE, "TOOLSETS": "all"},
            f"{OFF}TELEFONIE_LIVE_PORTING=true.",
        ),
        (
            {**LIVE, "LIVE_PORTING": "true"},
            f"{OFF}TELEFONIE_TOOLSETS with porting.",
        ),
        ({**LIVE, "TOOLSETS": "all", "LIVE_PORTING": "true"}, ""),
    ],
)
def test_the_instructions_say_why_porting_is_absent(variables: dict[str, str], sentence: str) -> None:
    said = instructions(app(**variables))
    assert sentence in said
    assert ("Porting tools are off" in said) is bool(sentence)


@pytest.mark.parametrize(
    ("name", "meant"), [("portin", "porting"), ("al", "all"), ("xyz", "numbers or lookup or porting or all")]
)
def test_an_unknown_toolset_stops_the_start_with_the_closest(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"TELEFONIE_TOOLSETS: .*{name!r}; did you mean {meant}"):
        app(TOOLSETS=f"numbers,{name}")


def test_a_tool_of_a_toolset_that_is_off_says_so() -> None:
    with pytest.raises(UnknownToolError, match="purchase_number is switched off by TELEFONIE_TOOLSETS"):
        app(TOOLSETS="lookup").catalog["purchase_number"]


def test_who_asks_for_a_tool_that_is_absent_is_told_which_setting_brings_it() -> None:
    needed = f"{OFF}TELEFONIE_TOOLSETS with porting"
    with pytest.raises(UnknownToolError, match=f"Unknown tool 'submit_port_order': .*{needed}"):
        app().catalog["submit_port_order"]
    with pytest.raises(SettingsError, match=f"no tool 'submit_port_order'; .*{needed}"):
        app(TOOLS="submit_port_order")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TOOLS": "purchase_number", "READ_ONLY": "yes"}, "TELEFONIE_READ_ONLY and TELEFONIE_TOOLS."),
        ({**LIVE, "TOOLSETS": "porting"}, f"TELEFONIE_TOOLSETS. {OFF}TELEFONIE_LIVE_PORTING=true."),
    ],
)
def test_settings_that_leave_no_tool_stop_the_start(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=f"no tool is left after {words}"):
        app(**variables)


@pytest.mark.parametrize("toolset", TOOLSETS)
def test_every_toolset_is_a_packaged_document(toolset: str) -> None:
    (document,) = load_documents(toolsets=[toolset])
    assert (document.toolset, document.id) == (toolset, f"telefonie-{toolset}")
    assert document.extension is (toolset != "numbers")


def test_a_document_that_replaces_one_of_a_toolset_that_is_off_is_off(tmp_path: Path) -> None:
    (porting,) = load_documents(toolsets=["porting"])
    path = tmp_path / "newer.yml"
    path.write_text(porting.text)
    assert toolsets(app(**LIVE, SPEC=str(path), TOOLSETS="all")) == ["numbers", "lookup"]
    allowed = app(**LIVE, SPEC=str(path), TOOLSETS="all", LIVE_PORTING="true")
    assert toolsets(allowed) == ["numbers", "lookup", "porting"]


def test_a_lookup_document_of_the_provider_goes_to_the_provider(tmp_path: Path) -> None:
    (lookup,) = load_documents(toolsets=["lookup"])
    path = tmp_path / "published.yml"
    path.write_text(lookup.text.replace("x-telefonie-extension: true", "x-telefonie-extension: false"))
    ours, published = app(**LIVE), app(**LIVE, SPEC=str(path))
    assert published.server(published.catalog["lookup_number"]) == "https://api.telefonie.com/v1/numbers"
    assert ours.server(ours.catalog["lookup_number"]) == "http://lookup.invalid"
    assert "lookup.invalid" not in instructions(ours)


def test_what_the_tools_cost_a_model() -> None:
    assert sum(tokens(app()).values()) <= 3000
    assert sum(tokens(app(TOOLSETS="numbers")).values()) <= 2000
    assert max(tokens(app(TOOLSETS="porting")).values()) <= 350


def test_a_start_does_not_pay_for_what_a_list_of_tools_does_not_need() -> None:
    script = (
        "import sys; from telefonie_mcp.server.handlers import create_server; create_server(); "
        "print(*(name for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    heavy = {
        "phonenumbers",
        "holidays",
        "sqlalchemy",
        "telefonie_mcp.numbering.lookup",
        "telefonie_mcp.sandbox",
    }
    assert not heavy & modules
