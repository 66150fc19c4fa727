"""What the command `config` writes is what a real client reads."""

import json
from pathlib import Path

from tests.cli.config.test_command import place
from tests.clients.support import run
from tests.support.commands import command


async def test_the_inspector_starts_the_server_from_its_file(tmp_path: Path) -> None:
    status, _, notes = command(
        tmp_path, "config", "inspector", "--write", "--yes", TELEFONIE_SANDBOX_DB=":memory:"
    )
    assert status == 0, notes
    arguments = ["--config", str(place("inspector", tmp_path)), "--server", "telefonie"]
    status, output, errors = await run(
        tmp_path, "mcp-inspector", "--cli", *arguments, "--method", "tools/list", "--format", "json"
    )
    assert status == 0, errors
    assert "purchase_number" in [tool["name"] for tool in json.loads(output)["result"]["tools"]]
