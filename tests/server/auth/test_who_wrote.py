"""Every write of a hosted server names who asked for it and through which program, to those who may know."""

import json
from pathlib import Path

from pydantic import SecretStr

from tests.support.commands import command
from tests.support.hosted import hosting, signed_in
from tests.support.issuer import issuing
from tests.support.wire import answer_of


async def test_the_log_names_principal_and_client_and_no_token(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    seen: list[str] = []
    async with issuing() as issuer, hosting(issuer, ledger=SecretStr(str(ledger))) as hosted:
        for name, number in (("ann", "+14155550123"), ("bob", "+14155550124")):
            async with signed_in(hosted, name) as client:
                bought = {"phone_number": number, "confirm": True}
                answer_of(await client.call_tool("purchase_number", bought))
                log = (await client.read_resource("telefonie://log")).contents[0]
                seen.append(log.model_dump_json())
                entry = json.loads(json.loads(log.model_dump_json())["text"])["entries"][0]
                assert (entry["principal"], entry["client"]) == (f"{issuer.url} {name}", name)
                assert entry["caller"].startswith("mcp ")
        principal = f"{issuer.url} bob"
    assert "eyJ" not in "".join(seen)
    assert b"eyJ" not in ledger.read_bytes()
    variables = {"TELEFONIE_LEDGER": str(ledger), "TELEFONIE_SANDBOX": "true"}
    for wanted in ("bob", principal):
        _, output, _ = command(tmp_path, "log", "--json", "--principal", wanted, **variables)
        assert [json.loads(line)["principal"] for line in output.splitlines()] == [principal]
    _, output, _ = command(tmp_path, "log", "--account", "sandbox", **variables)
    assert f"  bob for {principal}" in output.splitlines()[0]
    _, output, _ = command(tmp_path, "log", "--csv", "--account", "sandbox", **variables)
    assert output.splitlines()[0].startswith("id,created,updated,account,caller,principal,client,tool")
    _, output, _ = command(tmp_path, "log", "--account", "other", **variables)
    assert output == ""
