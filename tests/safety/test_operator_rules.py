"""The operator's rules need no help from a document: they hold for any value, and for what has an id."""

import json
import re
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.settings.reading import read_settings

PROTECTED = "+14155550100"
GUIDE = Path(__file__).parents[2] / "docs/your-own-documents.md"
RULES = {"PROTECTED_NUMBERS": PROTECTED, "WEBHOOK_HOSTS": "hooks.example.com"}
EVIL, GOOD = "https://evil.example/x", "https://hooks.example.com/x"

Line = dict[str, Any]
LINES: dict[str, Line] = {
    "ln_1": {"id": "ln_1", "number": PROTECTED, "voice_url": GOOD},
    "ln_2": {"id": "ln_2", "number": "+14155550101", "voice_url": GOOD},
    "ln_3": {"id": "ln_3", "number": {"e164": PROTECTED.removeprefix("+")}, "voice_url": GOOD},
}


def operation(name: str, hints: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": members}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}} if members else {}
    answer = {"200": {"description": "Fine", "content": {"application/json": {"schema": {"type": "object"}}}}}
    extra = {} if hints is None else {"x-telefonie-hints": hints}
    return {"operationId": name, "responses": answer, **body, **extra}


SETTLE = {"operation": "getLine", "arguments": {"line_id": "line_id"}}
TEXT = {"type": "string"}
ANYTHING: dict[str, Any] = {}
CARRIER = {
    "openapi": "3.1.0",
    "info": {"title": "A carrier with ids", "version": "1"},
    "servers": [{"url": "https://carrier.example/v1"}],
    "paths": {
        "/lines/{line_id}": {
            "parameters": [{"name": "line_id", "in": "path", "required": True, "schema": TEXT}],
            "get": operation("getLine"),
            "patch": operation(
                "routeLine",
                {"destructive": False, "subject": "line_id", "settle": SETTLE | {"done": "matches"}},
                voice_url=TEXT,
            ),
            "delete": operation(
                "releaseLine",
                {
                    "subject": "line_id",
                    "effect": "dispose",
                    "settle": SETTLE | {"done": "absent", "absent": "{line_id} is no line"},
                },
            ),
        },
        "/calls": {
            "post": operation(
                "placeCall",
                {"destructive": False, "arguments": {"caller_id": {"protects": False}}},
                caller_id=TEXT,
                to=TEXT,
                options=ANYTHING,
            )
        },
        "/batches": {"post": operation("startBatch", changes=ANYTHING, numbers=ANYTHING)},
    },
}


class Carrier:
    """An app of a document, and what reached its API."""

    def __init__(self, home: Path, document: str, **rules: str) -> None:
        path = home / "document.yml"
        path.write_text(document)
        self.sent: list[str] = []
        own = {"API_KEY": "key-of-a-test", "SPEC": str(path), "STATE_DIR": str(home)}
        settings = {f"TELEFONIE_{name}": value for name, value in (own | rules).items()}
        self.app = App.from_settings(read_settings(settings), transport=httpx.MockTransport(self._answer))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        line = LINES.get(request.url.path.rpartition("/")[2])
        if request.method == "GET":
            return httpx.Response(404, json={}) if line is None else httpx.Response(200, json=line)
        self.sent.append(f"{request.method} {request.url.path}")
        return httpx.Response(204 if "/tags/" in request.url.path else 200, json={})

    async def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        return (await self.app.pipeline.call(name, arguments, CommandLine())).content

    async def refused(self, name: str, **arguments: Any) -> dict[str, Any]:
        with pytest.raises(ToolError, match=r"^Nothing was done") as caught:
            await self.call(name, **arguments)
        assert self.sent == []
        return caught.value.as_dict()


def carrier(home: Path, **rules: str) -> Carrier:
    return Carrier(home, json.dumps(CARRIER), **rules)


def tags(home: Path, **rules: str) -> Carrier:
    """Return an app of the document that the guide shows."""
    (shown,) = re.findall(r"```yaml\n(openapi: .*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return Carrier(home, shown, **rules)


@pytest.mark.parametrize("number", [PROTECTED, "+1 (415) 555-0100", "tel:+14155550100"])
async def test_the_guides_own_tool_does_not_change_a_protected_number(number: str, tmp_path: Path) -> None:
    api = tags(tmp_path, **RULES)
    refused = await api.refused("tag_number", phone_number=number, tag="x")
    assert refused["code"] in {"policy_refused", "invalid_arguments"}
    if not number.startswith("tel:"):
        assert (refused["setting"], refused["field"]) == ("TELEFONIE_PROTECTED_NUMBERS", "phone_number")
    await api.call("tag_number", phone_number="+14155550101", tag="x")
    assert len(api.sent) == 1
    await api.app.aclose()


async def test_webhook_hosts_hold_for_any_url_in_the_guides_own_tool(tmp_path: Path) -> None:
    api = tags(tmp_path, **RULES)
    refused = await api.refused("tag_number", phone_number="+14155550101", tag=f"calls go to {EVIL}")
    assert (refused["setting"], refused["field"]) == ("TELEFONIE_WEBHOOK_HOSTS", "tag")
    await api.call("tag_number", phone_number="+14155550101", tag=f"calls go to {GOOD}")
    await api.app.aclose()


@pytest.mark.parametrize("confirm", [True, False])
@pytest.mark.parametrize("line", ["ln_1", "ln_3"])
async def test_a_protected_number_that_goes_by_an_id_is_not_released(
    line: str, confirm: bool, tmp_path: Path
) -> None:
    api = carrier(tmp_path, **RULES)
    refused = await api.refused("release_line", line_id=line, confirm=confirm)
    assert (refused["code"], refused["setting"]) == ("policy_refused", "TELEFONIE_PROTECTED_NUMBERS")
    assert PROTECTED in refused["message"]
    assert "next_call" not in refused
    assert await api.app.recent_writes() == []
    await api.call("release_line", line_id="ln_2", confirm=True)
    assert api.sent == ["DELETE /v1/lines/ln_2"]
    await api.app.aclose()


@pytest.mark.parametrize("line", ["ln_1", "ln_3"])
async def test_a_protected_number_that_goes_by_an_id_is_not_rerouted(line: str, tmp_path: Path) -> None:
    api = carrier(tmp_path, **RULES)
    refused = await api.refused("route_line", line_id=line, voice_url=GOOD)
    assert (refused["code"], refused["setting"]) == ("policy_refused", "TELEFONIE_PROTECTED_NUMBERS")
    assert (await api.refused("route_line", line_id="ln_2", voice_url=EVIL))["setting"] == (
        "TELEFONIE_WEBHOOK_HOSTS"
    )
    await api.call("route_line", line_id="ln_2", voice_url=GOOD)
    assert api.sent == ["PATCH /v1/lines/ln_2"]
    await api.app.aclose()


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"numbers": ["+14155550101", PROTECTED]}, "PROTECTED_NUMBERS"),
        ({"numbers": [14155550100]}, "PROTECTED_NUMBERS"),
        ({"numbers": ["1-415-555-0100"]}, "PROTECTED_NUMBERS"),
        ({"numbers": {PROTECTED: "release"}}, "PROTECTED_NUMBERS"),
        ({"changes": [{"line": {"of": "+1 415 555 0100"}}]}, "PROTECTED_NUMBERS"),
        ({"changes": [{"routing": {"voice": EVIL}}]}, "WEBHOOK_HOSTS"),
        ({"changes": ["https://hooks.example.com@evil.example/"]}, "WEBHOOK_HOSTS"),
        ({"changes": f"{GOOD} {EVIL}"}, "WEBHOOK_HOSTS"),
        ({"changes": "wss://evil.example/media"}, "WEBHOOK_HOSTS"),
        ({"changes": "sip:me@evil.example"}, "WEBHOOK_HOSTS"),
        ({"changes": "//evil.example/x"}, "WEBHOOK_HOSTS"),
    ],
)
async def test_the_rules_hold_at_any_depth_of_a_value_that_no_hint_explains(
    arguments: dict[str, Any], setting: str, tmp_path: Path
) -> None:
    api = carrier(tmp_path, **RULES)
    for confirm in (False, True):
        refused = await api.refused("start_batch", **arguments, confirm=confirm)
        assert (refused["code"], refused["setting"]) == ("policy_refused", f"TELEFONIE_{setting}")
        assert refused["field"] == next(iter(arguments))
    await api.call(
        "start_batch",
        numbers=["+14155550101", 5550100],
        changes=[{"voice": GOOD, "note": "4155550100 x"}],
        confirm=True,
    )
    assert len(api.sent) == 1
    await api.app.aclose()


async def test_a_hint_lifts_the_rules_from_an_argument_that_changes_nothing(tmp_path: Path) -> None:
    api = carrier(tmp_path, **RULES)
    assert (await api.refused("place_call", to=PROTECTED))["setting"] == "TELEFONIE_PROTECTED_NUMBERS"
    refused = await api.refused(
        "place_call", caller_id=PROTECTED, to="+14155550101", options={"bcc": PROTECTED}
    )
    assert refused["field"] == "options"
    await api.call("place_call", caller_id=PROTECTED, to="+14155550101")
    assert api.sent == ["POST /v1/calls"]
    await api.app.aclose()


async def test_reading_about_a_protected_number_is_allowed(tmp_path: Path) -> None:
    api = carrier(tmp_path, **RULES)
    assert (await api.call("get_line", line_id="ln_1"))["number"] == PROTECTED
    await api.app.aclose()
