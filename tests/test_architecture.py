"""The layout of the package, as DESIGN and docs/development.md draw it: who may import what."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "telefonie_mcp"

LAYERS = (
    {"errors", "money", "progress", "deadline", "text", "sqlite"},
    {"redaction", "numbering"},
    {"telemetry"},
    {"openapi"},
    {"ledger"},
    {"sandbox"},
    {"upstream"},
    {"settings"},
    {"tools"},
    {"calls"},
    {"resources", "prompts", "app"},
    {"server"},
    {"cli", "health"},
    {"__main__"},
)
"""Each line imports only from lines above it; modules on one line do not import each other."""

PROTOCOL = {"server", "cli.demo"}
"""What may import the MCP SDK."""

TESTS = Path(__file__).parent

HTTP_CLIENTS = {"upstream.client", "sandbox.inbound.delivery"}
"""What may make HTTP clients."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Name without ``telefonie_mcp`` → file."""


@cache
def imports(name: str) -> frozenset[str]:
    """Return every module that a module imports, wherever in it, under its full name."""
    return frozenset(_imports(ast.parse(MODULES[name].read_text("utf-8"))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole module"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole.removeprefix("telefonie_mcp.") in MODULES else str(node.module)


def ours(name: str) -> set[str]:
    """Return the modules of the package that a module imports."""
    own = {each.removeprefix("telefonie_mcp.") for each in imports(name) if each.startswith("telefonie_mcp.")}
    return own & MODULES.keys()


def place(name: str) -> str:
    """Return the file or folder directly below the package in which a module stands."""
    return name.partition(".")[0]


def users_of(*packages: str) -> set[str]:
    return {name for name in MODULES if {place(each) for each in imports(name)} & {*packages}}


def within(name: str, allowed: set[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in allowed)


def test_every_place_has_its_layer() -> None:
    assert {place(name) for name in MODULES} - {"__init__"} == set[str]().union(*LAYERS)
    assert len(LAYERS) == len({frozenset(layer) for layer in LAYERS})


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"__init__"}))
def test_a_module_imports_only_from_layers_above_its_own(name: str) -> None:
    above = set[str]()
    for layer in LAYERS:
        if place(name) in layer:
            break
        above |= layer
    assert {each for each in ours(name) if place(each) not in above | {place(name)}} == set()


def test_no_module_imports_itself_through_others() -> None:
    def follow(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"{' → '.join((*trail, name))} is a cycle"
        for each in ours(name) - done:
            follow(each, (*trail, name))
        done.add(name)

    done = {"__init__"}
    for name in MODULES:
        follow(name, ())


def test_only_the_server_and_the_demo_speak_the_protocol() -> None:
    assert {name for name in users_of("mcp", "mcp_types") if not within(name, PROTOCOL)} == set()


def test_http_clients_come_from_one_module() -> None:
    assert users_of("httpx", "httpx2", "requests", "aiohttp", "urllib3") == HTTP_CLIENTS
    plain = {"http.client", "urllib.request"}
    assert {name for name in MODULES if imports(name) & plain} == set()


def test_the_sandbox_knows_numbering_and_sqlite_and_nothing_else_of_the_package() -> None:
    known = {place(each) for name in MODULES if place(name) == "sandbox" for each in ours(name)}
    assert known <= {"sandbox", "numbering", "sqlite"}


def test_toolsets_are_known_without_reading_a_document() -> None:
    assert "yaml" not in imports("openapi.toolsets")
    assert ours("openapi.toolsets") == set()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_is_longer_than_300_lines(name: str) -> None:
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= 300


def test_every_http_client_of_the_tests_waits_as_long_as_a_busy_machine_takes() -> None:
    """Instead of five seconds, unless it is given a transport, most of which reach no socket."""
    files = [path for path in TESTS.rglob("*.py") if "bench" not in path.relative_to(TESTS).parts]
    texts = {path: path.read_text("utf-8") for path in files}
    calls = [
        (path.name, node.lineno, {keyword.arg for keyword in node.keywords})
        for path, text in texts.items()
        if "httpx.AsyncClient(" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "httpx.AsyncClient"
    ]
    assert calls
    assert [call for call in calls if not call[2] & {"timeout", "transport"}] == []
