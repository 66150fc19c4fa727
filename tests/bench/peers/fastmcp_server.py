"""FastMCP's ``from_openapi`` on the seed; run with the Python that has FastMCP: ``SPEC.json [PORT]``."""

import json
import os
import sys
from pathlib import Path

import httpx2 as httpx
from fastmcp import FastMCP  # pyright: ignore[reportMissingImports] - it has an environment of its own


def main(spec: str, port: str | None = None) -> None:
    client = httpx.AsyncClient(base_url=os.environ["UPSTREAM"], headers={"X-API-Key": os.environ["API_KEY"]})
    server = FastMCP.from_openapi(json.loads(Path(spec).read_text()), client, name="seed")  # pyright: ignore
    if port is None:
        server.run(show_banner=False)  # pyright: ignore[reportUnknownMemberType]
    else:
        server.run("http", show_banner=False, port=int(port), log_level="critical")  # pyright: ignore


if __name__ == "__main__":
    main(*sys.argv[1:])
