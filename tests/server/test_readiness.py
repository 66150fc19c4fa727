"""``/readyz``: when a server should get requests, whoever asks and however often."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from starlette.requests import Request

from telefonie_mcp.server.readiness import Reach, Readiness

SECONDS = 300
NOBODY = Request({"type": "http", "method": "GET", "path": "/readyz", "headers": []})


@asynccontextmanager
async def readiness(**dependencies: Reach) -> AsyncGenerator[Readiness]:
    made = Readiness("live", dependencies, seconds=0.05, fresh=0)
    with anyio.fail_after(SECONDS):
        try:
            yield made
        finally:
            await made.aclose()


async def asked(made: Readiness) -> tuple[int, dict[str, Any]]:
    response = await made.readyz(NOBODY)
    return response.status_code, json.loads(bytes(response.body))


async def test_a_server_is_ready_when_everything_was_reached_once_and_names_what_is_away_later() -> None:
    answers: dict[str, bool | Exception] = {"ledger": OSError("postgresql://secret"), "issuer": False}

    def reach(name: str) -> Reach:
        async def look() -> bool:
            if isinstance(answer := answers[name], Exception):
                raise answer
            return answer

        return look

    async with readiness(ledger=reach("ledger"), issuer=reach("issuer")) as made:
        code, said = await asked(made)
        assert (code, said["status"], said["ledger"], said["issuer"]) == (
            503,
            "starting",
            "unreachable",
            "unreachable",
        )
        assert "secret" not in str(said)
        answers["ledger"] = True
        assert (await asked(made))[0] == 503
        answers["ledger"], answers["issuer"] = False, True  # each once is enough
        code, said = await asked(made)
        assert (code, said["status"], said["ledger"], said["issuer"]) == (200, "ready", "unreachable", "ok")
        answers["ledger"] = True
        assert (await asked(made))[1]["ledger"] == "ok"
        made.draining = True
        assert (await asked(made))[0] == 503
        assert (await made.healthz(NOBODY)).status_code == 200


async def test_what_hangs_is_waited_for_shortly_and_tried_once_at_a_time() -> None:
    go, attempts = anyio.Event(), list[int]()

    async def hang() -> bool:
        attempts.append(1)
        await go.wait()
        return True

    async with readiness(ledger=hang) as made:
        for _ in range(5):
            assert (await asked(made))[0] == 503
        assert len(attempts) == 1
        go.set()
        while (await asked(made))[0] != 200:
            pass


async def test_however_many_ask_there_is_one_attempt() -> None:
    attempts: list[int] = []

    async def reach() -> bool:
        attempts.append(1)
        return True

    made = Readiness("live", {"ledger": reach}, fresh=SECONDS)
    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(asked, made)
    assert (await asked(made))[0] == 200
    assert len(attempts) == 1


async def test_a_server_that_depends_on_nothing_is_ready_at_once() -> None:
    async with readiness() as made:
        assert (await asked(made))[0] == 200
