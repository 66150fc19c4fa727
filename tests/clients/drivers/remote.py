"""A client as a remote control: one request a line on standard input, one answer a line on standard output.

Runs in a foreign client's own environment, so it needs nothing but Python. A request is `[WHAT, ARGUMENT…]`,
one of `Driver`'s methods. An answer is what it returned, or `{"raised": CLASS, "text": MESSAGE}`. A driver's
argument is a `Target` as JSON.
"""

import asyncio
import json
import sys
from importlib.metadata import version
from typing import Any, Protocol, TypedDict


class Target(TypedDict):
    """Which server to connect to: `command`, with its whole environment, or, if there is one, `url`."""

    url: str | None
    command: list[str]
    env: dict[str, str]
    era: str


class Answer(TypedDict):
    """What an agent gets to see of a result."""

    text: str | None
    structured: dict[str, Any] | None
    refused: str | None
    """How the client marks that the tool refused; nothing if it does not."""


class Driver(Protocol):
    """What every client can do."""

    async def tools(self) -> list[str]: ...

    async def call(self, tool: str, arguments: dict[str, Any], /) -> Answer: ...

    async def read(self, uri: str, /) -> str: ...

    async def prompt(self, name: str, arguments: dict[str, str], /) -> str: ...


def target() -> Target:
    return json.loads(sys.argv[1])


async def obey(driver: Driver, *distributions: str, protocol: str | int | None) -> None:
    """Say which versions are at work, then do as told until the end of the input."""
    tell({"versions": {name: version(name) for name in distributions}, "protocol": protocol})
    while line := await asyncio.to_thread(sys.stdin.readline):
        what, *arguments = json.loads(line)
        try:
            tell(await getattr(driver, what)(*arguments))
        except Exception as error:  # noqa: BLE001 - whatever a client raises is its answer
            tell({"raised": type(error).__name__, "text": str(error)})


def tell(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
