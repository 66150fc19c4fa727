"""What a request brings, before anything has been read into it."""

from typing import Final

from starlette.requests import Request

from telefonie_mcp.sandbox.problems import Problem

MOST_BODY_BYTES: Final = 64 * 1024


def query(request: Request) -> bytes:
    """Return the query as it was sent."""
    return request.scope["query_string"]


def content_type(request: Request) -> str:
    """Return the content type, or an empty string."""
    return request.headers.get("content-type", "")


async def body(request: Request, most: int = MOST_BODY_BYTES) -> bytes:
    """Receive the body, of at most so many bytes."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > most:
            raise Problem("payload_too_large", f"The body is larger than {most // 1024} KiB.")
    return bytes(received)
