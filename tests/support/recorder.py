"""An API on a socket that records what reaches it and answers what a test tells it to."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from tests.support.serving import serving


@dataclass
class Recorder:
    """`answers` maps ``METHOD`` to status, content type and body of the next answers.

    `turns` has those that come before, each once.
    """

    port: int = 0
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(
        default_factory=list[tuple[str, str, dict[str, str], bytes]]
    )
    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict[str, tuple[int, str, bytes]])
    turns: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict[str, list[tuple[int, bytes]]])

    def answer(self, method: str, status: int, body: Any = None, kind: str = "application/json") -> None:
        """Answer every request of a method with `body`, as JSON unless it is bytes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.answers[method] = (status, kind, content)

    def answer_first(self, method: str, *bodies: tuple[int, Any]) -> None:
        """Answer the next requests of a method with these, in turn, before what `answer` says."""
        self.turns[method] = [(status, json.dumps(body).encode()) for status, body in bodies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["method"], target, headers, bytes(body)))
        status, kind, content = self.answers.get(scope["method"], (500, "text/plain", b"no answer"))
        if turns := self.turns.get(scope["method"]):
            status, content = turns.pop(0)
            kind = "application/json"
        sent = [(b"content-type", kind.encode())] if content else []
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def recording() -> AsyncGenerator[Recorder]:
    """Serve a `Recorder` on a free port of this machine."""
    recorder = Recorder()
    async with serving(recorder, lifespan="off") as origin:
        recorder.port = int(origin.rpartition(":")[2])
        yield recorder
