"""The API that every contestant calls: constant answers, as fast as can be, on a port it prints.

It owns nothing, so a number can be bought again and again. ``GET /requests`` answers how many requests came
before it.
"""

import asyncio
import json
from itertools import count
from typing import Any, Final

SEARCH: Final[dict[str, Any]] = {
    "available_numbers": [
        {
            "phone_number": f"+1415555{number:04}",
            "friendly_name": f"(415) 555-{number:04}",
            "country_code": "US",
            "type": "local",
            "capabilities": {"voice": True, "sms": True, "mms": True},
            "monthly_rate": "1.15",
        }
        for number in range(100, 105)
    ]
}


def _response(status: str, content: object) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_FOUND: Final = _response("200 OK", SEARCH)
_ABSENT: Final = _response("404 Not Found", {"title": "Not Found", "status": 404})


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            whole = end + 4 + length
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self._transport.write(_answer(head, body))


_answered: Final = count()


def _answer(head: bytes, body: bytes) -> bytes:
    before = next(_answered)
    if b"/requests" in head.partition(b"\r\n")[0]:
        return _response("200 OK", {"requests": before})
    if head.startswith(b"post "):
        number = {**SEARCH["available_numbers"][0], "phone_number": json.loads(body)["phone_number"]}
        return _response("201 Created", number)
    return _FOUND if b"/available" in head.partition(b"\r\n")[0] else _ABSENT


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - who started this waits for it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
