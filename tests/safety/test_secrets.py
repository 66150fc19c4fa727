"""No secret leaves the process, whatever happens: not in output, log, ledger, result or error."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, faulty
from tests.support.wire import initialize, request, running

KEY, STATE_KEY, PASSWORD = "key-0451-unmistakable", "state-key-" + "7" * 30, "pass-word-0451"
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_available_numbers", {"country_code": "US"}),
    ("purchase_number", {"phone_number": NUMBER, "confirm": False}),
    ("purchase_number", {"phone_number": NUMBER, "confirm": True}),
    ("update_owned_number", {"phone_number": NUMBER, "voice_url": "https://example.com/v"}),
    ("list_owned_numbers", {"page": "x"}),
    ("release_number", {"phone_number": NUMBER, "confirm": True}),
]


def contents(directory: Path) -> str:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files).decode("latin-1")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("ledger", ["sqlite", "unreachable postgresql"])
async def test_a_full_session_with_faults(form: Literal["text", "json"], ledger: str, tmp_path: Path) -> None:
    url = f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:1/ledger"
    seen: list[Any] = []
    faults = [Exchange.honest, f.replying(500), f.close, f.garbage, f.replying(401, b'{"detail": "bad key"}')]
    variables = {
        "TELEFONIE_API_KEY": KEY,
        "TELEFONIE_STATE_KEYS": STATE_KEY,
        "TELEFONIE_LEDGER": str(tmp_path / "ledger.sqlite3") if ledger == "sqlite" else url,
        "TELEFONIE_LOG_LEVEL": "debug",
        "TELEFONIE_LOG_FORMAT": form,
        "TELEFONIE_TIMEOUT": "1",
    }
    async with (
        faulty() as provider,
        running(home=tmp_path, variables={**variables, "TELEFONIE_BASE_URL": provider.url}) as server,
    ):
        await server.ask(initialize("2025-11-25"))
        for number, fault in enumerate(faults):
            provider.faults = {method: [fault] for method in ("POST", "DELETE")}
            for index, (tool, arguments) in enumerate(CALLS):
                call = request(10 * number + index, "tools/call", name=tool, arguments=arguments)
                seen.append(await server.ask(call))
        seen.append(await server.ask(request(99, "resources/read", uri="telefonie://log")))
        await server.hang_up()
        await server.end()
        assert provider.keys == {KEY}
        log = server.log
    files = contents(tmp_path)
    for secret in (KEY, STATE_KEY, PASSWORD):
        for place in (json.dumps(seen), log, files):
            assert secret not in place
    assert log
    if form == "json":
        assert all(json.loads(line)["level"] for line in log.splitlines())
