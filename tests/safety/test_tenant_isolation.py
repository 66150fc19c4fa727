"""Nothing of one tenant reaches another, in either era, whatever both do at the same time."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.session import IncomingMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    EmptyResult,
    PromptReference,
    ResourceTemplateReference,
    SubscribeRequest,
    SubscribeRequestParams,
)

from tests.support.issuer import Issuer, issuing
from tests.support.tenants import key_of, office
from tests.support.wire import Mode, answer_of

OWN, OTHER, FREE = "+14155550123", "+14155550188", "+14155550199"
HOST, LABEL, PROTECTED, SPEND = "hooks.acme-secret.example", "Label of Acme", "+14155550177", "77.77"
SECRETS = (key_of("acme"), "acme", LABEL, HOST, SPEND, OTHER, OTHER[2:], PROTECTED, "person-of-acme")
"""What is known of the first tenant, of which the second one names nothing itself."""

TABLES = {
    "acme": {
        "max_monthly_spend": SPEND,
        "webhook_hosts": f'["{HOST}"]',
        "protected_numbers": f'["{PROTECTED}"]',
        "max_calls_per_minute": 40,
    },
    "beta": {"max_calls_per_minute": 40},
}


@pytest.fixture(scope="module")
async def issuer() -> AsyncGenerator[Issuer]:
    async with issuing() as issuer:
        yield issuer


class Seen:
    """Everything that a client got to see."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def of(self, what: Any) -> Any:
        """Await an answer or an error, and remember it."""
        try:
            result = await what
        except MCPError as error:
            self.texts.append(f"{error} {error.error!r}")
            return error
        self.texts.append(repr(result))
        return result

    async def hear(self, message: IncomingMessage) -> None:
        self.texts.append(repr(message))

    def tells_of(self, secret: str) -> bool:
        return any(secret in text for text in self.texts)


async def use_all(client: Client, seen: Seen, number: str, label: str, webhook: str) -> None:
    """Do everything that a client can do, with a number of one's own."""
    seen.texts.append(str(client.instructions))
    for listing in (
        client.list_tools(),
        client.list_resources(),
        client.list_resource_templates(),
        client.list_prompts(),
    ):
        await seen.of(listing)
    await seen.of(client.call_tool("purchase_number", {"phone_number": number, "confirm": False}))
    await seen.of(client.call_tool("purchase_number", {"phone_number": number, "confirm": True}))
    settings = {"phone_number": number, "friendly_name": label, "voice_url": webhook}
    await seen.of(client.call_tool("update_owned_number", settings))
    await seen.of(client.call_tool("list_owned_numbers", {}))
    await seen.of(client.call_tool("search_available_numbers", {"country_code": "US", "area_code": "415"}))
    for uri in ("telefonie://log", "telefonie://numbers"):
        await seen.of(client.read_resource(uri))


async def pry(client: Client, seen: Seen) -> None:
    """Ask for what another tenant has."""
    for name in ("get_owned_number", "update_owned_number", "release_number", "purchase_number"):
        arguments: dict[str, Any] = {"phone_number": OWN, "confirm": True, "friendly_name": "mine"}
        kept = (
            {"phone_number", "confirm"} if name in {"release_number", "purchase_number"} else {"phone_number"}
        )
        kept |= {"friendly_name"} if name == "update_owned_number" else set()
        await seen.of(client.call_tool(name, {key: arguments[key] for key in kept}))
    await seen.of(client.call_tool("lookup_number", {"phone_number": OWN}))
    await seen.of(client.read_resource(f"telefonie://numbers/%2B{OWN[1:]}"))
    template = ResourceTemplateReference(uri="telefonie://numbers/{phone_number}")
    await seen.of(client.complete(template, {"name": "phone_number", "value": "+1415"}))
    for prompt in (await client.list_prompts()).prompts:
        for argument in prompt.arguments or ():
            reference = PromptReference(name=prompt.name)
            await seen.of(client.complete(reference, {"name": argument.name, "value": "+1415"}))
    await seen.of(client.call_tool("no_such_tool", {}))
    await seen.of(client.read_resource("telefonie://tenants/other"))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_tenant_sees_nothing_of_another(issuer: Issuer, tmp_path: Path, mode: Mode) -> None:
    first, second, followed = Seen(), Seen(), f"telefonie://numbers/%2B{OWN[1:]}"
    async with (
        office(issuer, tmp_path, TABLES) as served,
        served.client("acme", mode, first.hear) as acme,
        served.client("beta", mode, second.hear) as beta,
        anyio.create_task_group() as tasks,
    ):
        if mode == "legacy":
            for uri in (followed, "telefonie://log", "telefonie://numbers"):
                asked = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
                await beta.session.send_request(asked, EmptyResult)
        answer = answer_of(await acme.call_tool("purchase_number", {"phone_number": OTHER, "confirm": True}))
        assert answer["phone_number"] == OTHER
        tasks.start_soon(use_all, acme, first, OWN, LABEL, f"https://{HOST}/voice")
        await use_all(beta, second, FREE, "Label of Beta", "https://hooks.example.com/voice")
        await pry(beta, second)
        while not (looping := await acme.call_tool("list_owned_numbers", {})).is_error:
            pass  # calls come back while this machine takes its time
        assert answer_of(looping)["code"] == "rate_limited"  # which is no loss of the other
        assert not (await beta.call_tool("list_owned_numbers", {})).is_error
    assert second.tells_of(FREE)
    assert first.tells_of(LABEL)
    assert first.tells_of(HOST)
    assert [secret for secret in SECRETS if second.tells_of(secret)] == []
    assert [
        secret for secret in (key_of("beta"), "beta", "Label of Beta", FREE) if first.tells_of(secret)
    ] == []
    if mode == "legacy":  # of its own writes, and of no other
        told = [text for text in second.texts if "ResourceUpdatedNotification" in text]
        assert told
        assert not any(OWN[1:] in text for text in told)


async def test_an_approval_is_of_one_tenant_and_one_person(issuer: Issuer, tmp_path: Path) -> None:
    can_ask: dict[str, Any] = {CLIENT_CAPABILITIES_META_KEY: {"elicitation": {"form": {}}}}
    call: dict[str, Any] = {"name": "purchase_number", "arguments": {"phone_number": OWN, "confirm": True}}
    async with office(issuer, tmp_path, {"acme": {}, "beta": {}}, approval="human") as served:

        async def purchase(tenant: str, person: str, **answer: Any) -> dict[str, Any]:
            token = served.token(tenant, sub=person)
            return (await served.post(token, "tools/call", meta=can_ask, **call, **answer)).json()

        asked = (await purchase("acme", "anna"))["result"]
        assert asked["resultType"] == "input_required"
        yes = {
            "requestState": asked["requestState"],
            "inputResponses": {"approval": {"action": "accept", "content": {"approve": True}}},
        }
        for tenant, person in (("beta", "anna"), ("acme", "bert")):
            refused = await purchase(tenant, person, **yes)
            assert "Nothing was done" in refused["error"]["message"], (tenant, person)
        assert (await purchase("acme", "anna", **yes))["result"]["structuredContent"]["phone_number"] == OWN
