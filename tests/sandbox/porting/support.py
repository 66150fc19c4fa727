"""A customer of a sandbox whose clock the test moves, with the usual steps of a port."""

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.support import connect

NUMBERS = ["+14155550101", "+14155550102"]
OTHER = ["+14155550103"]
TUESDAY = datetime(2026, 11, 24, 10, tzinfo=UTC)  # Thanksgiving is two days later
SECRETS = {"account_number": "ACC-77-4711", "pin": "83921746"}
FIELDS: dict[str, Any] = {**SECRETS, "authorized_name": "Ann Example", "postal_code": "94105"}
PDF = base64.b64encode(b"%PDF-1.7 signed").decode()


@dataclass
class Customer:
    """A customer of a sandbox."""

    client: httpx.AsyncClient
    now: datetime = TUESDAY

    def wait(self, **length: float) -> None:
        self.now += timedelta(**length)

    async def post(self, path: str, **json: Any) -> httpx.Response:
        return await self.client.post(path, json=json)

    async def order(self, numbers: Sequence[str] = NUMBERS, **fields: Any) -> str:
        """Create a draft and return its path."""
        created = await self.post("/port-orders", phone_numbers=[*numbers], **fields)
        assert created.status_code == 201, created.text
        return f"/port-orders/{created.json()['port_order_id']}"

    async def upload(self, path: str, kind: str = "loa", content: str = PDF) -> httpx.Response:
        return await self.post(f"{path}/documents", type=kind, file_name=f"{kind}.pdf", content=content)

    async def complete(self, numbers: Sequence[str] = NUMBERS, **fields: Any) -> str:
        """Create an order that lacks nothing and return its path."""
        path = await self.order(numbers, **{**FIELDS, **fields})
        assert (await self.upload(path)).json()["missing"] == []
        return path

    async def submit(self, path: str) -> dict[str, Any]:
        answer = await self.client.post(f"{path}/submit")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def in_state(self, state: str) -> str:
        """Return the path of an order in that state."""
        trouble = {"pin": "0000"} if state == "exception" else {}
        path = await (self.order(**FIELDS) if state == "pending_documents" else self.complete(**trouble))
        match state:
            case "draft" | "pending_documents":
                pass
            case "cancelled":
                await self.client.post(f"{path}/cancel")
            case _:
                await self.submit(path)
        match state:
            case "cancel_pending":
                await self.client.post(f"{path}/cancel")
            case "exception" | "foc_confirmed":
                self.wait(hours=4)
            case "ported":
                self.wait(days=30)
            case _:
                pass
        assert (await self.get(path))["status"] == state
        return path


@asynccontextmanager
async def new_customer(database: str | Path = ":memory:") -> AsyncGenerator[Customer]:
    customers: list[Customer] = []
    app = create_sandbox(database, embedded=True, clock=lambda: customers[0].now)
    async with connect(app) as client:
        customers.append(Customer(client))
        yield customers[0]
