import subprocess
import sys

from telefonie_mcp import sandbox

ALLOWED = ("telefonie_mcp.sandbox", "telefonie_mcp.numbering", "telefonie_mcp.sqlite")
"""The modules of the package that the sandbox may import."""


def test_the_public_names_are_few_and_sorted() -> None:
    names = ["SandboxError", "clock", "contents", "create_sandbox", "move_clock", "reset", "reset_clock"]
    assert sandbox.__all__ == sorted(sandbox.__all__) == names


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
