import ast
import subprocess
import sys
from pathlib import Path

from telefonie_mcp import sandbox

ALLOWED = ("telefonie_mcp.sandbox", "telefonie_mcp.numbering", "telefonie_mcp.sqlite")
"""What the sandbox imports of the package."""


def test_the_public_names_are_few_and_sorted() -> None:
    names = ["SandboxError", "clock", "create_sandbox", "move_clock", "reset", "reset_clock"]
    assert sandbox.__all__ == sorted(sandbox.__all__) == names


def test_the_sandbox_imports_only_numbering_and_sqlite_of_the_package() -> None:
    imported: set[str] = set()
    for file in Path(sandbox.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    ours = {name for name in imported if name.split(".")[0] == "telefonie_mcp"}
    assert all(name.startswith(ALLOWED) for name in ours)


def test_importing_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, telefonie_mcp; before = set(sys.modules); import telefonie_mcp.sandbox; "
        "print(*sorted(set(sys.modules) - before))"
    )
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = imported.stdout.split()
    heavy = {f"phonenumbers.{name}" for name in ("geocoder", "carrier", "timezone", "geodata", "tzdata")}
    heavy |= {"holidays", "yaml", "sqlalchemy", "pydantic", "mcp", "httpx2", "uvicorn"}
    assert not heavy & set(modules)
    ours = {name for name in modules if name.startswith("telefonie_mcp")}
    assert all(name.startswith(ALLOWED) for name in ours)
