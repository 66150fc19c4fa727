"""Requests to the authorization server: metadata, keys and introspection, as JSON objects.

Every request has five seconds in all, follows no redirect, and reads an answer of bounded size.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from telefonie_mcp import __version__
from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.settings.types import is_loopback
from telefonie_mcp.upstream.client import ApiClient
from telefonie_mcp.upstream.outcomes import Answer
from telefonie_mcp.upstream.serialization import Request

__all__ = ["IssuerClient", "IssuerError"]

_SECONDS: Final = 5.0
_MAX_BYTES: Final = 512 * 1024
_OK: Final = 200


class IssuerError(TelefonieError):
    """The authorization server did not answer with what it must; nothing is known about a token."""


class IssuerClient:
    """Sends requests to an authorization server.

    Args:
        issuer: The issuer. If it is reached without encryption, so may be what it names; otherwise not.
        seconds: Time limit of one request.

    """

    def __init__(self, issuer: str, *, seconds: float = _SECONDS) -> None:
        self._encrypted = urlsplit(issuer).scheme == "https"
        self._seconds = seconds
        agent = f"telefonie-mcp/{__version__}"
        self._client = ApiClient(lambda: None, user_agent=agent, encrypted=self._encrypted)

    async def get(self, url: str) -> Mapping[str, Any]:
        """Return the JSON object at ``url``.

        Raises:
            IssuerError: there is none.

        """
        return await self._send("GET", url, {"Accept": "application/json"}, None)

    async def post(self, url: str, form: Mapping[str, str], authorization: str) -> Mapping[str, Any]:
        """Return the JSON object that answers a form.

        Raises:
            IssuerError: there is none.

        """
        headers = {
            "Accept": "application/json",
            "Authorization": authorization,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return await self._send("POST", url, headers, urlencode(form).encode())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Mapping[str, Any]:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "") and not self._encrypted
        if parts.scheme != "https" and not plain:
            raise IssuerError("what the issuer names is not encrypted")
        request = Request(method, parts.path or "/", parts.query, headers, content)
        server = f"{parts.scheme}://{parts.netloc}"
        outcome = await self._client.send(server, request, (), seconds=self._seconds)
        if not isinstance(outcome, Answer):
            raise IssuerError(f"the issuer {outcome.reason}")
        if outcome.status != _OK:
            raise IssuerError(f"the issuer answered {outcome.status}")
        if len(outcome.body) > _MAX_BYTES:
            raise IssuerError("the issuer answered with too much")
        try:
            found: Any = json.loads(outcome.body)
        except (ValueError, RecursionError) as error:
            raise IssuerError("the issuer did not answer with JSON") from error
        if not isinstance(found, dict):
            raise IssuerError("the issuer did not answer with a JSON object")
        return cast("dict[str, Any]", found)
