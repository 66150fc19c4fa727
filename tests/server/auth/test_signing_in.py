"""The SDK's real clients sign in, in both eras, and step up by themselves when a call needs more."""

from pathlib import Path

import pytest

from tests.support.hosted import Memory, hosting, signed_in
from tests.support.issuer import issuing
from tests.support.wire import Mode, answer_of

BOUGHT = {"phone_number": "+14155550123", "confirm": True}


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_signs_in_and_steps_up_by_itself(mode: Mode, tmp_path: Path, *, opaque: bool) -> None:
    async with issuing() as issuer, hosting(issuer, introspected=tmp_path if opaque else None) as hosted:
        issuer.opaque = opaque
        storage = Memory()
        async with signed_in(hosted, mode=mode, storage=storage) as client:
            assert len((await client.list_tools()).tools) == 8
            assert answer_of(await client.call_tool("list_owned_numbers", {})) == {"numbers": [], "total": 0}
            assert storage.tokens
            assert storage.tokens.scope == "numbers:read"
            preview = answer_of(await client.call_tool("purchase_number", {**BOUGHT, "confirm": False}))
            assert preview["code"] == "confirmation_required"
            assert storage.tokens.scope == "numbers:read"  # a preview does nothing
            assert answer_of(await client.call_tool("purchase_number", BOUGHT))["phone_number"]
            assert storage.tokens.scope == "numbers:read numbers:purchase"
            assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 1
