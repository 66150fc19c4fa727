"""Seals ``requestState``, in which a question travels to the client and back (2026-07-28)."""

import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import (
    AESGCMRequestStateCodec,
    RequestStateBoundary,
    RequestStateSecurity,
)
from mcp.shared.exceptions import MCPError

from telefonie_mcp.errors import NOTHING_DONE

__all__ = ["ANSWER_SECONDS", "RequestStateSeal"]

ANSWER_SECONDS: Final = 600
"""How long a person may take to answer, by default."""

_INVALID_STATE: Final = (
    "the person's answer came too late, or with another call than the one they were asked about "
    "(Invalid or expired requestState). Make the call again, without it, to ask again."
)


class _OwnKey:
    """A random key of this process, made when a state is first sealed or read: few servers ever ask a person.

    Deriving it takes a megabyte.
    """

    @cached_property
    def _codec(self) -> AESGCMRequestStateCodec:
        return AESGCMRequestStateCodec([secrets.token_hex(32)])

    def seal(self, payload: bytes) -> str:
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        return self._codec.unseal(token)


class RequestStateSeal(RequestStateBoundary):
    """Middleware that encrypts ``requestState`` in responses, and verifies it in requests.

    Args:
        keys: Secrets of 32 or more characters, shared by the workers of one server. Without any, a random one
            is used, which is valid in this process only.
        seconds: How long a sealed state is valid.
        name: The server's name, which its workers share.

    """

    def __init__(self, keys: Sequence[str], seconds: float, name: str) -> None:
        codec = AESGCMRequestStateCodec(keys) if keys else _OwnKey()
        super().__init__(RequestStateSecurity(codec=codec, ttl=seconds), default_audience=name)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle one request; the error for an invalid state says what to do next."""
        try:
            return await super().__call__(ctx, call_next)
        except MCPError as error:
            if error.error.data == {"reason": "invalid_request_state"}:
                raise MCPError(error.code, f"{NOTHING_DONE}: {_INVALID_STATE}", error.error.data) from error
            raise
