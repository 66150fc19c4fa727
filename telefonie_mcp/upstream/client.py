"""The HTTP client: sends one request once and returns its outcome; network failures are values, not errors.

``httpx2`` is the maintained continuation of httpx with the same interface, hence the name it is imported
under. The MCP SDK depends on it too.
"""

import math
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio
import httpx2 as httpx
from pydantic import SecretStr

from telefonie_mcp.deadline import CONNECTING
from telefonie_mcp.redaction import Redaction, Redactor
from telefonie_mcp.upstream.connections import COMMON_CONNECTIONS, GROUP_CONNECTIONS, Connections, Share
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered

if TYPE_CHECKING:
    from telefonie_mcp.upstream.credentials import SentCredential
    from telefonie_mcp.upstream.serialization import Request

__all__ = ["ApiClient", "Transport", "asgi_transport", "get_status"]

_MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes of a response body, after decompression, that are read at most."""

_MAX_CONNECT_SECONDS: Final = 5.0
"""Seconds for establishing a connection, however long the attempt may take."""

_KEEPALIVE_SECONDS: Final = 20.0
"""Seconds after which an idle connection is closed."""

_MIN_REDACTED: Final = 8
"""Characters of the shortest secret that is redacted in answers: a shorter one is in ordinary data."""

_NO_COOKIES: Final = DefaultCookiePolicy(allowed_domains=())
"""Where several clients use the same connections: no server may recognise one by what it told another."""

_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

Transport = httpx.AsyncBaseTransport


def asgi_transport(app: Callable[..., Any]) -> Transport:
    """Return a transport that passes requests to an ASGI application in this process."""
    return httpx.ASGITransport(app, raise_app_exceptions=False)


def get_status(url: str, *, seconds: float) -> int:
    """Return the status of a GET to a local server, bypassing proxies.

    Raises:
        OSError: the server does not answer within ``seconds``.

    """
    try:
        with httpx.Client(trust_env=False, timeout=seconds) as client:
            return client.get(url).status_code
    except httpx.HTTPError as error:
        raise OSError(f"{url} does not answer ({type(error).__name__})") from error


_Authority = tuple[str, bytes, int | None, str]
"""Scheme, host and port as httpx reads a URL, and the authority as urllib does."""


def _authority(url: httpx.URL, text: str) -> _Authority:
    return url.scheme, url.raw_host, url.port, urlsplit(text).netloc


@lru_cache
def _authority_of(server: str) -> _Authority | None:
    """Return where a base URL leads, or ``None`` where parsers can differ about that."""
    try:
        found = _authority(httpx.URL(server), server)
    except (httpx.InvalidURL, ValueError):
        return None
    return None if {"@", "\\"} & {*found[-1]} else found


def _url_at(server: str, target: str) -> httpx.URL | None:
    """Return the URL ``target``, or ``None`` if it has not scheme, host and port of ``server``.

    Two parsers must agree, and nothing may be in an authority that parsers read differently: that is how a
    request, and the API key in it, would reach another host.
    """
    expected = _authority_of(server)
    try:
        url = httpx.URL(target)
        return url if expected and _authority(url, target) == expected else None
    except (httpx.InvalidURL, ValueError):
        return None


class _BodyTooLargeError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Opened(Transport):
    """A transport that is opened by the first request that takes it."""

    def __init__(self, open_transport: Callable[[], Transport]) -> None:
        self._open_transport = open_transport

    @cached_property
    def _transport(self) -> Transport:
        return self._open_transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        if "_transport" in vars(self):
            await self._transport.aclose()


class ApiClient:
    """A pooled HTTP client for one or more servers. It holds no key: each request brings its own.

    Connections are opened by the first request, and again by the first one after :meth:`aclose`.

    Args:
        open_transport: Returns the transport, or ``None`` for the network; called by the first request.
        user_agent: Value of the ``User-Agent`` header.
        local: Host name → factory of the transport for its requests; called by the first of those.
        encrypted: Whether any server uses ``https``. If none does, the system's certificates are not
            loaded, which would take longer than the rest of a first call, and none is trusted.
        secrets: The operator's secrets, of every server: none of them is seen of any answer.
        common: Whether other clients use its connections: it keeps no cookies between requests.
        shared: The client whose connections to use for everything but ``local``.

    Attributes:
        redactor: Replaces the operator's secrets.
        connections: Its connections.

    """

    def __init__(
        self,
        open_transport: Callable[[], Transport | None],
        *,
        user_agent: str,
        local: Mapping[str, Callable[[], Transport]] | None = None,
        encrypted: bool = True,
        secrets: Iterable[SecretStr] = (),
        common: bool = False,
        shared: "ApiClient | None" = None,
    ) -> None:
        hidden = {secret.get_secret_value() for secret in secrets}
        self.redactor: Final = Redactor(secret for secret in hidden if len(secret) >= _MIN_REDACTED)
        self._open_transport = open_transport
        self._user_agent = user_agent
        self._local = local or {}
        self._encrypted = encrypted and shared is None
        self._common = common
        self.connections: Final = Connections(self._open_client, COMMON_CONNECTIONS if common else None)
        self._network = Share(shared.connections) if shared else self.connections

    def _open_client(self, first: httpx.AsyncClient | None) -> httpx.AsyncClient:
        if first is None:
            local = {f"all://{host}": _Opened(open_local) for host, open_local in self._local.items()}
            self._transports = self._open_transport(), local
            encrypted = self._encrypted and self._transports[0] is None
            self._tls = httpx.create_ssl_context() if encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        transport, mounts = self._transports
        client = httpx.AsyncClient(
            transport=transport,
            mounts=mounts,
            verify=self._tls,
            headers={"User-Agent": self._user_agent},
            cookies=first.cookies.jar if first else CookieJar(_NO_COOKIES) if self._common else None,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=GROUP_CONNECTIONS, keepalive_expiry=_KEEPALIVE_SECONDS),
        )
        self._defaults = client.headers.multi_items()
        return client

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self.connections.leave():
            await client.aclose()

    async def send(
        self,
        server: str,
        request: "Request",
        credentials: "Iterable[SentCredential]",
        *,
        seconds: float,
        redaction: Redaction | None = None,
    ) -> Outcome:
        """Send ``request`` once and wait at most ``seconds`` for the complete response.

        Args:
            server: Base URL. The request goes to its scheme, host and port, or is not sent.
            request: The request.
            credentials: The keys for this server that go with it.
            seconds: Time limit.
            redaction: What must not be seen of the body; without it, the operator's secrets.

        """
        target = f"{server}{request.target}"
        headers = request.headers
        for sent in credentials:
            headers, target = _with_credential(sent, headers, target)
        url = _url_at(server, target)
        if url is None:
            return NotSent("is not where this request would go", retryable=False)
        message = self._message(request, url, headers, seconds)
        answer: Outcome | None = None
        with anyio.move_on_after(seconds):
            try:
                answer = await self._exchange(message, redaction or self.redactor, seconds * CONNECTING)
            except _NEVER_CONNECTED as error:
                answer = NotSent(f"could not be reached ({type(error).__name__})")
            except _BodyTooLargeError as error:
                answer = Unanswered(
                    f"answered {error.status} with more than {_MAX_BODY // 1024**2} MiB", pending=False
                )
            except httpx.TimeoutException:
                pass
            except (httpx.HTTPError, httpx.StreamError) as error:
                answer = Unanswered(f"broke the connection ({type(error).__name__})", pending=False)
        return answer or Unanswered(f"did not answer within {math.ceil(seconds)} seconds", pending=True)

    def _message(
        self, request: "Request", url: httpx.URL, headers: Mapping[str, str], seconds: float
    ) -> httpx.Request:
        """Return what is sent; without the merging of :meth:`httpx.AsyncClient.build_request`."""
        first = self.connections.first()
        given = {name.lower() for name in headers}
        defaults = [(name, value) for name, value in self._defaults if name not in given]
        timeout = {"connect": min(_MAX_CONNECT_SECONDS, seconds * CONNECTING)}
        return httpx.Request(
            request.method,
            url,
            headers=[*defaults, *headers.items()],
            cookies=first.cookies,
            content=request.content,
            extensions={"timeout": timeout},
        )

    async def _exchange(self, message: httpx.Request, redaction: Redaction, seconds: float) -> Answer:
        transport, mounts = self._transports
        if transport or f"all://{message.url.host}" in mounts:  # it stays in this process
            return await self._exchange_with(self.connections.first(), message, redaction)
        try:
            group = await self._network.take(seconds)
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are busy") from error
        try:
            return await self._exchange_with(group.client, message, redaction)
        finally:
            self._network.give_back(group)

    async def _exchange_with(
        self, client: httpx.AsyncClient, message: httpx.Request, redaction: Redaction
    ) -> Answer:
        response = await client.send(message, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BODY:
                    raise _BodyTooLargeError(response.status_code)
        finally:
            if not response.is_closed:  # reading it to its end has closed it
                with suppress(httpx.HTTPError), anyio.CancelScope(shield=True):
                    await response.aclose()
        headers = self.redactor.values(response.headers)
        return Answer(response.status_code, headers, bytes(body), redaction)


def _with_credential(
    sent: "SentCredential", headers: Mapping[str, str], target: str
) -> tuple[Mapping[str, str], str]:
    """Return headers and URL with the credential at its place."""
    name = sent.credential.name
    if sent.credential.location == "header":
        others = {each: value for each, value in headers.items() if each.lower() != name.lower()}
        return {**others, name: sent.value}, target
    if sent.credential.location == "cookie":
        cookie = f"{name}={sent.value}"
        return {
            **headers,
            "Cookie": f"{headers['Cookie']}; {cookie}" if "Cookie" in headers else cookie,
        }, target
    separator = "&" if "?" in target else "?"
    return headers, f"{target}{separator}{httpx.QueryParams({name: sent.value})}"
