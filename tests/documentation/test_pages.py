"""What README.md and docs/ say is complete, up to date and true of this repository."""

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from telefonie_mcp.cli.config.clients import CLIENTS
from telefonie_mcp.openapi.hints import ArgumentHint, Hints
from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.tools.formats import FORMATS
from tests.documentation.generated import PARTS, generated
from tests.documentation.pages import BLOCKS, PAGES, README, ROOT, TEXTS, blocks, lines
from tests.documentation.session import COLUMNS

PACKAGE = ROOT / "telefonie_mcp"
LINKS = [
    (page, target)
    for page, text in TEXTS.items()
    for target in re.findall(r"\]\((?!https://)([^)]+)\)", text)
]
EVERYTHING = "\n".join(TEXTS.values())


def page(name: str) -> str:
    return TEXTS[ROOT / "docs" / name]


def section(text: str, title: str) -> str:
    """Return what stands under a heading, up to the next one."""
    return re.split(r"^#", text.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> set[str]:
    """Return what stands between backticks in the first column of a table."""
    return {
        name
        for cell in re.findall(r"^\|([^|]+)\|", text, re.MULTILINE)
        for name in re.findall("`(.+?)`", cell)
    }


def anchors(text: str) -> set[str]:
    """Return what links can point to: the headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(TEXTS[README].splitlines()) <= 220


def test_the_readme_has_its_parts_in_order() -> None:
    assert re.findall(r"^## (.+)$", TEXTS[README], re.MULTILINE) == [
        "Try it",
        "Connect",
        "Tools",
        "Safety",
        "Sandbox",
        "Performance",
        "How it is built",
        "Documentation",
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_generated_parts_are_up_to_date(path: Path) -> None:
    assert generated(TEXTS[path]) == TEXTS[path], "run: python -m tests.documentation.generated"


@pytest.mark.parametrize("name", PARTS)
def test_every_generated_part_stands_in_one_place(name: str) -> None:
    begun = [EVERYTHING.count(f"<!-- {name} -->\n{start}") for start in ("|", "Measured", "```console\n$ ")]
    assert sum(begun) == 1
    assert EVERYTHING.count(f"\n<!-- /{name} -->") == 1


@pytest.mark.parametrize(("path", "target"), LINKS, ids=[target for _, target in LINKS])
def test_every_link_leads_somewhere(path: Path, target: str) -> None:
    file, _, anchor = target.partition("#")
    place = (path.parent / file).resolve() if file else path
    assert place.exists()
    if anchor:
        assert anchor in anchors(TEXTS[place])


def test_the_readme_links_to_every_page() -> None:
    assert {*PAGES} - {README} <= {
        (path.parent / target).resolve() for path, target in LINKS if path == README
    }


def test_every_setting_that_is_named_exists() -> None:
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    assert {*re.findall(r"(?<!_)TELEFONIE_[A-Z_]+", EVERYTHING)} - {PREFIX} == names


def test_every_client_is_named() -> None:
    text = page("clients.md")
    assert {name for name in re.findall(r"`([a-z-]+)`", text) if name in CLIENTS} == CLIENTS.keys()
    configured = {line.split()[2] for line in blocks("text")[1].splitlines() if " config " in line}
    assert configured | {"inspector"} == CLIENTS.keys()


def test_every_folder_of_the_package_is_named() -> None:
    named = {*re.findall(r"^  (\w+)/", section(TEXTS[README], "How it is built"), re.MULTILINE)}
    assert named == {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}


def test_the_packages_it_is_built_on_are_those_that_it_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = TEXTS[README].partition("| Built on |")[2].partition("\n\n")[0]
    installed = {re.split("[>=<]", package)[0] for package in project["dependencies"]}
    assert first_cells(table) - {"httpx"} == installed


def test_every_hint_that_is_named_exists() -> None:
    text = page("your-own-documents.md")
    hints, of_arguments = (
        {field.alias or name for name, field in model.model_fields.items()} for model in (Hints, ArgumentHint)
    )
    assert first_cells(section(text, "Hints")) <= hints
    assert {"format", "schema", "secret"} <= of_arguments
    (formats,) = re.findall(r"A `format` is one of (.*?)\.", text, re.DOTALL)
    assert re.findall("`(.+?)`", formats) == [*FORMATS]


def test_versions_are_those_that_ci_runs() -> None:
    packages = json.loads((ROOT / ".ci/package.json").read_text())["dependencies"]
    for name, rest in {
        "@modelcontextprotocol/inspector": "telefonie-mcp",
        "@anthropic-ai/mcpb": "pack . telefonie-mcp.mcpb",
    }.items():
        assert f"npx {name}@{packages[name]} {rest}" in lines()


def test_the_container_is_started_as_its_recipe_says() -> None:
    (line,) = [line for line in lines() if line.startswith("docker run ")]
    assert f"#   {line}\n" in (ROOT / "Dockerfile").read_text()


def test_the_extra_for_postgresql_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "pip install '.[postgres]'" in lines()
    assert "postgres" in project["optional-dependencies"]


def test_every_module_that_is_to_be_run_exists() -> None:
    shown = re.sub("<!--.*?-->", "", EVERYTHING)
    for module in {*re.findall(r"python -m (tests[\w.]*\w)", shown)}:
        assert find_spec(module)


def test_every_block_says_what_it_is() -> None:
    assert {block.language for block in BLOCKS} == {"sh", "text", "json", "yaml", "python", "console"}
    assert EVERYTHING.count("\n```") == 2 * len(BLOCKS)


def test_the_terminal_session_fits_its_window() -> None:
    (shown,) = blocks("console")
    assert max(map(len, shown.splitlines())) <= COLUMNS
    assert "[y/N] y\n" in shown
