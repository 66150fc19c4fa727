"""The generated parts of README.md and docs/; ``python -m tests.documentation.generated`` writes them."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import ModuleType
from typing import Final

from telefonie_mcp import sandbox
from telefonie_mcp.app import App
from telefonie_mcp.cli.commands import SECRETS
from telefonie_mcp.cli.config.launch import HTTP
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.sandbox import porting
from telefonie_mcp.sandbox.porting.rejections import WORDS
from telefonie_mcp.server.prompts import Prompts
from telefonie_mcp.server.resources import Resources
from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.tools.derivation import build_catalog
from tests.bench import report
from tests.documentation.pages import PAGES, ROOT
from tests.documentation.session import session

__all__ = ["PARTS", "generated", "write"]

_CLIENTS: Final = ROOT / "tests/snapshots/clients.json"


def everything() -> App:
    """Return the parts of a server with all toolsets."""
    return App.from_settings(Settings(toolsets=tuple(TOOLSETS)))


def tools() -> str:
    rows = ["| Tool | Toolset | Does | Kind |", "|---|---|---|---|"]
    for tool in build_catalog(load_documents(toolsets=TOOLSETS)):
        kind = "reads" if tool.read_only else "needs `confirm`" if tool.destructive else "writes at once"
        what = tool.operation.description
        rows.append(f"| `{tool.name}` | {tool.document.toolset} | {what} | {kind} |")
    return "\n".join(rows)


def resources() -> str:
    offered = Resources(everything())
    found = {each.uri: each.description for each in offered.listed()}
    found |= {each.uri_template: each.description for each in offered.templates()}
    rows = [f"| `{uri}` | {description} |" for uri, description in found.items()]
    return "\n".join(["| Resource | Holds |", "|---|---|", *rows])


def prompts() -> str:
    rows = ["| Prompt | Arguments | For |", "|---|---|---|"]
    for each in Prompts(everything().catalog).listed():
        names = ", ".join(f"`{a.name}`" for a in each.arguments or ())
        rows.append(f"| `{each.name}` | {names} | {each.description} |")
    return "\n".join(rows)


def settings(names: Collection[str]) -> str:
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        if name not in names:
            continue
        default = re.sub(r"[()' ]|frozenset|None", "", str(field.default))
        shown = f"`{default.lower()}`" if default else ""
        secret = " Secret, no flag." if name in SECRETS else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description}{secret} |")
    return "\n".join(rows)


def tables(module: ModuleType) -> str:
    """Return the tables of a module's own documentation."""
    lines = (module.__doc__ or "").splitlines()
    return re.sub(
        r"\n{3,}", "\n\n", "\n".join(line if line.startswith("|") else "" for line in lines)
    ).strip()


def rejections() -> str:
    rows = [f"| `{code}` | {words} |" for code, words in WORDS.items()]
    return "\n".join(["| Code | What the order says |", "|---|---|", *rows])


def clients() -> str:
    """Return what tests/clients/test_scenario.py saw; one row where both eras show the same."""
    protocols: dict[tuple[str, ...], list[str]] = {}
    for row in json.loads(_CLIENTS.read_text()).values():
        versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
        cells = row["name"], versions, row["result"], row["refusal"], row["unknown_tool"]
        protocols.setdefault(cells, []).append(row["protocol"])
    rows = [
        "| Client | Versions | Protocol | The agent sees | A refusal | An unknown tool |",
        "|---|---|---|---|---|---|",
    ]
    for (name, versions, *shown), spoken in protocols.items():
        rows.append(f"| {' | '.join([name, versions, ', '.join(spoken), *shown])} |")
    return "\n".join(rows)


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "performance": report.summary,
    "benchmark": report.table,
    "tools": tools,
    "resources": resources,
    "prompts": prompts,
    "settings": partial(settings, Settings.model_fields.keys() - HTTP),
    "settings-http": partial(settings, HTTP),
    "sandbox": partial(tables, sandbox),
    "porting": partial(tables, porting),
    "rejections": rejections,
    "clients": clients,
    "session": session,
}
"""The name of each part, as its markers have it, and what makes it."""


def generated(text: str) -> str:
    """Return a page with its generated parts as they should be."""
    for name, part in PARTS.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda match, part=part: f"{match[1]}{part()}\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
    return text


def write() -> None:
    """Bring the generated parts of every page up to date."""
    for page in PAGES:
        page.write_text(generated(page.read_text()))


if __name__ == "__main__":
    write()
