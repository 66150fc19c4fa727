"""The generated parts of README.md; ``python -m tests.readme`` writes them."""

import re
from pathlib import Path

from telefonie_mcp import sandbox
from telefonie_mcp.cli import SECRETS
from telefonie_mcp.settings import PREFIX, Settings
from tests.support.tools import catalog

README = Path(__file__).parents[1] / "README.md"


def tools() -> str:
    rows = ["| Tool | Does | Kind |", "|---|---|---|"]
    for tool in catalog():
        kind = "reads" if tool.read_only else "needs `confirm`" if tool.destructive else "writes at once"
        what = tool.operation.description
        rows.append(f"| `{tool.name}` | {what} | {kind} |")
    return "\n".join(rows)


def settings() -> str:
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or default in ((), frozenset()) else f"`{str(default).lower()}`"
        secret = " Secret, no flag." if name in SECRETS else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description}{secret} |")
    return "\n".join(rows)


def sandbox_tables() -> str:
    """Return the tables of the sandbox's own documentation."""
    lines = (sandbox.__doc__ or "").splitlines()
    return re.sub(
        r"\n{3,}", "\n\n", "\n".join(line if line.startswith("|") else "" for line in lines)
    ).strip()


PARTS = {"tools": tools, "settings": settings, "sandbox": sandbox_tables}


def generated(text: str) -> str:
    """Return the README with its generated parts as they should be."""
    for name, part in PARTS.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda match, part=part: f"{match[1]}{part()}\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    README.write_text(generated(README.read_text()))
