"""A client as thin as can be, so that what is measured is the server: raw lines, or raw HTTP.

Every request is checked: it has an answer, and the answer is no error.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from tests.support.wire import MODERN, initialize, request

__all__ = [
    "ERAS",
    "VERSIONS",
    "Era",
    "Http",
    "Stdio",
    "free_port",
    "is_whole",
    "listening",
    "message_of",
    "peak_megabytes",
    "processor_seconds",
    "resident_megabytes",
    "started",
]

Era = Literal["legacy", "modern"]
ERAS: Final[tuple[Era, Era]] = ("legacy", "modern")

_LEGACY: Final = "2025-11-25"
VERSIONS: Final[Mapping[Era, str]] = {"legacy": _LEGACY, "modern": MODERN}
"""The protocol version of each era."""

_SECONDS: Final = 60
_WELL: Final = (b"HTTP/1.1 200", b"HTTP/1.1 202")
_INITIALIZED: Final = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def _result(answer: Any) -> dict[str, Any]:
    assert "result" in answer, answer
    assert not answer["result"].get("isError"), answer
    return answer["result"]


@contextmanager
def started(command: tuple[str, ...], variables: Mapping[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """Run a server with nobody's settings, and kill it at the end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELEFONIE_")}
    with subprocess.Popen(
        command,
        env={**kept, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


@dataclass
class Stdio:
    """A connection to a process over its standard input and output."""

    process: subprocess.Popen[bytes]
    era: Era
    _number: int = 0

    def open(self) -> None:
        """Negotiate as a client of the era does."""
        if self.era == "modern":
            self.ask("server/discover")
        else:
            self._write(initialize(_LEGACY))
            _result(self._read("initialize"))
            self._write(_INITIALIZED)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its result."""
        return _result(self.exchange(method, **params))

    def exchange(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return the answer, which may be an error."""
        self._number += 1
        self._write(request(self._number, method, modern=self.era == "modern", **params))
        return self._read(self._number)

    def ask_at_once(self, method: str, many: Sequence[Mapping[str, Any]]) -> None:
        """Send requests with these parameters, none of which waits for another, and read their answers."""
        first = self._number + 1
        for params in many:
            self._number += 1
            self._write(request(self._number, method, modern=self.era == "modern", **params))
        waited = {*range(first, self._number + 1)}
        while waited:
            answer = json.loads(next(iter(_pipe(self.process.stdout))))
            if answer.get("id") in waited:
                _result(answer)
                waited.remove(answer["id"])

    def _write(self, message: Mapping[str, Any]) -> None:
        stdin = _pipe(self.process.stdin)
        stdin.write(json.dumps(message).encode() + b"\n")
        stdin.flush()

    def _read(self, number: int | str) -> dict[str, Any]:
        for line in _pipe(self.process.stdout):
            answer = json.loads(line)
            if answer.get("id") == number:
                return answer
        raise EOFError(f"{self.process.args} ended with status {self.process.wait(_SECONDS)}")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@dataclass
class Http:
    """A connection to ``/mcp`` on a port of this machine, kept alive between requests."""

    port: int
    era: Era
    token: str = ""
    _number: int = 0
    _session: str = ""
    _socket: socket.socket | None = None

    def open(self) -> None:
        """Negotiate as a client of the era does."""
        if self.era == "modern":
            self.ask("server/discover")
        else:
            head, body = self._exchange(_post(self.port, initialize(_LEGACY), self._signed))
            _result(message_of(body))
            self._session = head.lower().partition("mcp-session-id:")[2].partition("\r\n")[0].strip()
            self._exchange(_post(self.port, _INITIALIZED, self._headers("notifications/initialized", {})))

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its result."""
        return _result(self.exchange(method, **params))

    def exchange(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return the answer, which may be an error."""
        return message_of(self._exchange(self.prepared(method, **params))[1])

    def prepared(self, method: str, **params: Any) -> bytes:
        """Return a request as it is sent."""
        self._number += 1
        message = request(self._number, method, modern=self.era == "modern", **params)
        return _post(self.port, message, self._headers(method, params))

    @property
    def _signed(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _headers(self, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        if self.era == "modern":
            named = {"Mcp-Name": params["name"]} if "name" in params else {}
            return {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **named, **self._signed}
        session = {"Mcp-Session-Id": self._session} if self._session else {}
        return {"MCP-Protocol-Version": _LEGACY, **session, **self._signed}

    def renew(self) -> None:
        """Connect again with the next request: servers close what was idle while others took their turn."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def known(self) -> bool:
        """Return whether the server still knows the session."""
        message = request(0, "ping")
        sent = _post(self.port, message, self._headers("ping", {}))
        return self._exchange(sent, ok=(b"HTTP/1.1 200", b"HTTP/1.1 404"))[0].startswith("HTTP/1.1 200")

    def listen(self, notifications: Mapping[str, Any]) -> None:
        """Subscribe, and leave the connection open when that is acknowledged."""
        stream = self._connected()
        stream.sendall(self.prepared("subscriptions/listen", notifications=notifications))
        received = b""
        while b"acknowledged" not in received:
            more = stream.recv(1 << 16)
            assert more, received
            received += more

    def close(self) -> None:
        """End the session, if there is one, and the connection."""
        if self._session:
            self._exchange(_request("DELETE", self.port, b"", self._headers("", {})))
        self.renew()

    def _exchange(self, message: bytes, ok: tuple[bytes, ...] = _WELL) -> tuple[str, bytes]:
        connection = self._connected()
        connection.sendall(message)
        received = b""
        while not is_whole(received):
            more = connection.recv(1 << 16)
            assert more, received
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(ok), received
        return head.decode(), body

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), _SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket


def _post(port: int, message: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    return _request("POST", port, json.dumps(message).encode(), headers)


def _request(verb: str, port: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    fixed = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
    }
    lines = [f"{name}: {value}\r\n" for name, value in {**fixed, **headers}.items()]
    return f"{verb} /mcp HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


def is_whole(received: bytes) -> bool:
    """Whether this is a complete response."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)


def message_of(body: bytes) -> Any:
    """Return the last message of a JSON body, or of an event stream in chunks."""
    lines = [line.removeprefix(b"data:").strip() for line in body.splitlines()]
    return json.loads(next(line for line in reversed(lines) if line.startswith(b"{")))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens on ``port``."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert process.poll() is None, process.args
            assert time.monotonic() < deadline, process.args
            time.sleep(0.02)
        else:
            return


def peak_megabytes(pid: int) -> float:
    """Return the most memory that a process has had so far (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def resident_megabytes(pid: int) -> float:
    """Return the memory that a process has now (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def processor_seconds(pid: int) -> float:
    """Return how long a process has worked so far (Linux); a busy machine makes that no longer."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
