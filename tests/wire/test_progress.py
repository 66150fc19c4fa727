"""Whoever asks for progress hears why a call waits, and for how long."""

from pathlib import Path
from typing import get_args

import pytest

from tests.support.account import Heard, connected_live
from tests.support.faulty import Exchange, Provider, faulty, replying
from tests.support.served import WRITES
from tests.support.transports import both_eras
from tests.support.wire import Mode, Transport, answer_of

everywhere = pytest.mark.parametrize("transport", get_args(Transport))


@both_eras
@everywhere
async def test_a_retry_after_is_announced(transport: Transport, mode: Mode, tmp_path: Path) -> None:
    limited = replying(429, Retry_After="1")
    provider = Provider(faults={method: [limited, limited, Exchange.honest] for method in ("GET", "POST")})
    async with faulty(provider), connected_live(provider, transport, mode, tmp_path) as client:
        for tool, title in (
            ("list_owned_numbers", "List Owned Numbers"),
            ("purchase_number", "Purchase Number"),
        ):
            heard: Heard = []

            async def hear(progress: float, total: float | None, message: str | None) -> None:
                heard.append((progress, total, message))  # noqa: B023 - nothing is heard after the call

            _, arguments = WRITES.get(tool, ("GET", {}))
            result = await client.call_tool(tool, arguments, progress_callback=hear)
            assert not result.is_error, answer_of(result)
            amounts = [amount for amount, _, _ in heard]
            assert amounts == sorted({*amounts})
            reason = "the API refused with 429 Too Many Requests"
            sentence = f"{title}: {reason}; waiting 1.0 seconds before the next attempt"
            assert [(total, message) for _, total, message in heard] == [(None, sentence)] * 2
