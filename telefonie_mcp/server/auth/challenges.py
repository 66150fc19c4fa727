"""What a refused request is answered: status, body and ``WWW-Authenticate`` (RFC 6750, RFC 9728). Pure."""

import json
from collections.abc import Sequence
from typing import Final

from starlette.responses import PlainTextResponse, Response

__all__ = ["Challenges"]

_RETRY_SECONDS: Final = 5


class Challenges:
    """The answers of one protected resource.

    Args:
        metadata_url: Where its metadata is.

    """

    def __init__(self, metadata_url: str) -> None:
        self._metadata_url = metadata_url

    def unauthenticated(self, scope: str) -> Response:
        """Answer a request without a token: it names no error (RFC 6750 §3.1)."""
        return self._challenge(401, "", "A token is needed.", (scope,))

    def invalid_token(self, scope: str) -> Response:
        """Answer a request whose token is not good, with the scope that a new one needs."""
        return self._challenge(401, "invalid_token", "The token is not valid here.", (scope,))

    def insufficient_scope(self, scopes: Sequence[str]) -> Response:
        """Answer a request whose token does not allow it, with all that it needs."""
        return self._challenge(403, "insufficient_scope", f"This needs {' '.join(scopes)}.", scopes)

    def unavailable(self) -> Response:
        """Answer a request whose token cannot be verified now."""
        body = {"error": "temporarily_unavailable", "error_description": "The issuer cannot be reached."}
        return _json(503, body, {"Retry-After": str(_RETRY_SECONDS)})

    def wrong_host(self) -> Response:
        """Answer a request for another host."""
        return PlainTextResponse("Invalid Host header", 421)

    def wrong_origin(self) -> Response:
        """Answer a page of another origin."""
        return PlainTextResponse("Invalid Origin header", 403)

    def _challenge(self, status: int, error: str, description: str, scopes: Sequence[str]) -> Response:
        parameters = {"error": error, "error_description": description if error else ""}
        parameters |= {"resource_metadata": self._metadata_url, "scope": " ".join(scopes)}
        shown = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)
        body = {"error": error or "unauthorized", "error_description": description}
        return _json(status, body, {"WWW-Authenticate": f"Bearer {shown}"})


def _json(status: int, body: dict[str, str], headers: dict[str, str]) -> Response:
    headers["Cache-Control"] = "no-store"
    return Response(json.dumps(body), status, headers, media_type="application/json")
