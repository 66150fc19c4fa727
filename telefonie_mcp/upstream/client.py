"""Sends one request, once, and returns what is known afterwards; never raises for what the network does.

The only module that imports the HTTP client. It is ``httpx2``, the maintained continuation of httpx with
the same interface, which the MCP SDK brings along; hence the name it is imported under.
"""

import math
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import httpx2 as httpx
from pydantic import SecretStr

from telefonie_mcp.deadline import CONNECTING
from telefonie_mcp.openapi.operation import Credential
from telefonie_mcp.redaction import Redactor
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered
from telefonie_mcp.upstream.serialization import Request

__all__ = ["MAX_BODY", "MAX_CONNECTIONS", "ApiClient", "Transport", "asgi_transport", "get_status"]

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes of a response body, after decompression, that are read at most."""

MAX_CONNECTIONS: Final = 32
"""Requests that reach the API at the same time; further ones wait their turn."""

_CONNECT_SECONDS: Final = 5.0
_SHORTEST_KEY: Final = 8  # what is shorter is hardly a key, and may stand in honest data
_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

Transport = httpx.AsyncBaseTransport


def asgi_transport(app: Callable[..., Any]) -> Transport:
    """Return a transport that serves requests by an ASGI application in this process."""
    return httpx.ASGITransport(app, raise_app_exceptions=False)


def get_status(url: str, *, seconds: float) -> int:
    """Return the status that a server of this machine answers a GET with; no proxy is asked.

    Raises:
        OSError: it does not answer within ``seconds``.

    """
    try:
        with httpx.Client(trust_env=False, timeout=seconds) as client:
            return client.get(url).status_code
    except httpx.HTTPError as error:
        raise OSError(f"{url} does not answer ({type(error).__name__})") from error


class _TooLargeError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ApiClient:
    """A pooled HTTP client for one or more servers that accept the same API key.

    The pool comes into being with the first request, and again with the first one after :meth:`aclose`.

    Args:
        api_key: Sent where each operation's credential says; ``None`` sends none.
        open_transport: Returns where requests go instead of the network, or ``None``; called when needed.
        user_agent: Value of the ``User-Agent`` header.
        local: Host name → what answers its requests in this process; called when needed.
        encrypted: Whether any server is ``https``. If none is, no certificate is trusted: reading those of
            the system takes longer than everything else about a first call.

    """

    def __init__(
        self,
        api_key: SecretStr | None,
        open_transport: Callable[[], Transport | None],
        *,
        user_agent: str,
        local: Mapping[str, Callable[[], Transport]] | None = None,
        encrypted: bool = True,
    ) -> None:
        self._api_key = api_key
        key = api_key.get_secret_value() if api_key else ""
        self._redactor = Redactor([key] if len(key) >= _SHORTEST_KEY else [])
        self._open_transport = open_transport
        self._user_agent = user_agent
        self._local = local or {}
        self._encrypted = encrypted
        self._pool: httpx.AsyncClient | None = None

    @property
    def _http(self) -> httpx.AsyncClient:
        if self._pool is None:
            self._pool = httpx.AsyncClient(
                transport=self._open_transport(),
                mounts={f"all://{host}": open_local() for host, open_local in self._local.items()},
                verify=self._encrypted or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                headers={"User-Agent": self._user_agent},
                follow_redirects=False,
                limits=httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=20.0),
            )
        return self._pool

    async def aclose(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.aclose()

    async def send(
        self, server: str, request: Request, credential: Credential | None, *, seconds: float
    ) -> Outcome:
        """Send ``request`` once and wait at most ``seconds`` for the complete answer."""
        message = self._message(server, request, credential, seconds)
        answer: Outcome = Unanswered(f"did not answer within {math.ceil(seconds)} seconds", pending=True)
        with anyio.move_on_after(seconds):
            try:
                answer = await self._exchange(message)
            except _NEVER_CONNECTED as error:
                return NotSent(f"could not be reached ({type(error).__name__})")
            except _TooLargeError as error:
                return Unanswered(
                    f"answered {error.status} with more than {MAX_BODY // 1024**2} MiB", pending=False
                )
            except httpx.TimeoutException:
                return answer
            except (httpx.HTTPError, httpx.StreamError) as error:
                return Unanswered(f"broke the connection ({type(error).__name__})", pending=False)
        return answer

    def _message(
        self, server: str, request: Request, credential: Credential | None, seconds: float
    ) -> httpx.Request:
        headers = dict(request.headers)
        target = f"{server}{request.target}"
        if credential and self._api_key:
            value = credential.prefix + self._api_key.get_secret_value()
            if credential.location == "header":
                headers[credential.name] = value
            elif credential.location == "cookie":
                cookie = f"{credential.name}={value}"
                headers["Cookie"] = f"{headers['Cookie']}; {cookie}" if "Cookie" in headers else cookie
            else:
                separator = "&" if urlsplit(target).query else "?"
                target += separator + str(httpx.QueryParams({credential.name: value}))
        connecting = seconds * CONNECTING
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, connecting), pool=connecting)
        return self._http.build_request(
            request.method, httpx.URL(target), headers=headers, content=request.content, timeout=timeout
        )

    async def _exchange(self, message: httpx.Request) -> Answer:
        response = await self._http.send(message, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _TooLargeError(response.status_code)
        finally:
            with suppress(httpx.HTTPError), anyio.CancelScope(shield=True):
                await response.aclose()
        headers = {
            name.lower(): self._redacted(value.encode()).decode() for name, value in response.headers.items()
        }
        return Answer(response.status_code, headers, self._redacted(bytes(body)))

    def _redacted(self, content: bytes) -> bytes:
        """Blot out the key in what the API answers: some repeat it, and answers are shown and recorded."""
        return self._redactor.text(content.decode("latin-1")).encode("latin-1")
