"""FastMCP's ``from_openapi`` on the seed; run with the Python that has FastMCP: ``SPEC.json [PORT]``."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx2 as httpx


def main(spec: str, port: str | None = None) -> None:
    client = httpx.AsyncClient(base_url=os.environ["UPSTREAM"], headers={"X-API-Key": os.environ["API_KEY"]})
    fastmcp: Any = importlib.import_module("fastmcp")
    server = fastmcp.FastMCP.from_openapi(json.loads(Path(spec).read_text()), client, name="seed")
    if port is None:
        server.run(show_banner=False)
    else:
        server.run("http", show_banner=False, port=int(port), log_level="critical")


if __name__ == "__main__":
    main(*sys.argv[1:])
