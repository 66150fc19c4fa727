"""A bounded cache of what is known of tokens, by their SHA-256: tokens themselves are kept nowhere."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from mcp.server.auth.provider import AccessToken

from telefonie_mcp.server.auth.claims import LEEWAY_SECONDS

__all__ = ["TokenCache"]

_MOST: Final = 2048
_SECONDS: Final = 60.0


class TokenCache:
    """Remembers good tokens, each for a minute at most and never past its ``exp``.

    What is accepted for a while longer, because clocks differ, is verified anew each time.

    Args:
        most: Tokens that are remembered; the least recently used one is forgotten first.
        seconds: How long one is remembered.
        clock: Seconds since 1970.

    """

    def __init__(
        self, *, most: int = _MOST, seconds: float = _SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, float, AccessToken]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, token: str) -> AccessToken | None:
        """Return what is known of a token; the token in it is the caller's own."""
        digest = _digest(token)
        if (found := self._known.get(digest)) is None:
            return None
        since, until, known = found
        if not since <= self._clock() < until:  # or the clock was set back
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return known

    def put(self, token: str, known: AccessToken) -> None:
        """Remember a good token."""
        now = self._clock()
        until = now + self._seconds
        if known.expires_at is not None:
            until = min(until, known.expires_at - LEEWAY_SECONDS)
        self._known[_digest(token)] = now, until, known
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
