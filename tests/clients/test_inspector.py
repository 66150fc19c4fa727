"""What the MCP Inspector's command line sees on the wire; its scenario is that of every client."""

from pathlib import Path
from typing import get_args

import pytest

from tests.clients.remote import CLIENTS, Inspector, Transport, foreign_client


@pytest.mark.parametrize("transport", get_args(Transport))
async def test_every_annotation_is_explicit(transport: Transport, tmp_path: Path) -> None:
    async with foreign_client(CLIENTS["inspector-legacy"], transport, tmp_path) as inspector:
        assert isinstance(inspector, Inspector)
        tools = (await inspector.method("tools/list"))["tools"]
    hints = {
        tool["name"]: [
            tool["annotations"][f"{hint}Hint"]
            for hint in ("readOnly", "destructive", "idempotent", "openWorld")
        ]
        for tool in tools
    }
    read, change = [True, False, True, True], [False, False, True, True]
    assert hints == {
        "search_available_numbers": read,
        "list_owned_numbers": read,
        "purchase_number": [False, True, False, True],
        "get_owned_number": read,
        "update_owned_number": change,
        "release_number": [False, True, True, True],
        "lookup_number": read,
        "get_number_capabilities": read,
    }
