"""A file instead of base64: read for callers on this machine, below the operator's directories only."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.calls.uploads import Uploads
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import SettingsError, ToolError
from telefonie_mcp.server.instructions import instructions
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.catalog import Tool
from tests.support.tools import strange, violations
from tests.support.wire import Transport, answer_of, connected

PDF = b"%PDF-1.4 a letter of authorization"
NUMBERS = {"phone_numbers": ["+14155550123"]}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    (directory := tmp_path / "scans").mkdir()
    (directory / "loa 1.pdf").write_bytes(PDF)
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-1.4 secret")
    return directory


def variables(directory: Path | None, home: Path) -> dict[str, str]:
    dirs = {"TELEFONIE_UPLOAD_DIRS": str(directory)} if directory else {}
    return {"TELEFONIE_TOOLSETS": "all", "TELEFONIE_STATE_DIR": str(home), **dirs}


async def uploaded(client: Client, url: str) -> dict[str, Any]:
    order = answer_of(await client.call_tool("create_port_order", NUMBERS))["port_order_id"]
    document = {"port_order_id": order, "type": "loa", "file_name": "loa.pdf", "content": url}
    return answer_of(await client.call_tool("upload_port_document", document))


@pytest.mark.parametrize("transport", ["memory", "stdio"])
async def test_a_letter_is_read_and_encoded_for_a_client_on_this_machine(
    transport: Transport, scans: Path, tmp_path: Path
) -> None:
    async with connected(transport, "auto", tmp_path, **variables(scans, tmp_path)) as client:
        answer = await uploaded(client, f"{scans.as_uri()}/loa%201.pdf")
        log = (await client.read_resource("telefonie://log")).model_dump_json()
    assert answer["documents"][0]["size"] == len(PDF)
    for secret in (str(scans), "loa%201", base64.b64encode(PDF).decode()):
        assert secret not in json.dumps(answer) + log


async def test_over_http_no_file_is_read(scans: Path, tmp_path: Path) -> None:
    async with connected("http", "auto", tmp_path, **variables(scans, tmp_path)) as client:
        answer = await uploaded(client, f"{scans.as_uri()}/loa%201.pdf")
    assert violations(answer) == {
        "content": "names a file, and none is read over HTTP; give its content in base64"
    }
    assert str(scans) not in json.dumps(answer)


async def test_the_command_line_reads_files_only_where_the_operator_allows_it(
    scans: Path, tmp_path: Path
) -> None:
    for directory in (scans, None):
        settings = {"TELEFONIE_SANDBOX_DB": ":memory:", **variables(directory, tmp_path)}
        app = App.from_settings(read_settings(settings))
        order = (await app.pipeline.call("create_port_order", NUMBERS, CommandLine())).content[
            "port_order_id"
        ]
        document = {
            "port_order_id": order,
            "type": "loa",
            "file_name": "loa.pdf",
            "content": f"{scans.as_uri()}/loa%201.pdf",
        }
        if directory:
            done = await app.pipeline.call("upload_port_document", document, CommandLine())
            assert done.content["documents"][0]["size"] == len(PDF)
        else:
            with pytest.raises(
                ToolError, match=r"allows none to be read \(TELEFONIE_UPLOAD_DIRS is not set\)"
            ):
                await app.pipeline.call("upload_port_document", document, CommandLine())
        await app.aclose()


def taking(schema: dict[str, Any]) -> Tool:
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"x": schema}}}}}
    return strange({"requestBody": body}, method="post")


BYTES: dict[str, Any] = {"type": "string", "format": "byte", "maxLength": 400}


async def read(url: Any, scans: Path, schema: dict[str, Any] | None = None) -> Any:
    """Return the argument with the file's content, or why there is none."""
    uploads, deadline = Uploads((scans,)), Deadline.after(60)
    given = await uploads.read(taking(schema or BYTES), {"x": url}, deadline, local=True)
    if given.violations:
        assert str(scans.parent) not in str(given.violations)
        return " ".join(each.problem for each in given.violations)
    return (given.arguments or {})["x"]


ENCODED = base64.b64encode(PDF).decode()


@pytest.mark.parametrize(
    ("schema", "value", "sent"),
    [
        (BYTES, "URL", ENCODED),
        ({"type": "string", "contentEncoding": "base64"}, "URL", ENCODED),
        ({"type": "string", "contentEncoding": "base64url"}, "URL", base64.urlsafe_b64encode(PDF).decode()),
        ({"anyOf": [{"type": "string", "format": "byte"}, {"type": "integer"}]}, "URL", ENCODED),
        ({"type": "array", "items": BYTES}, ["URL", "AAAA"], [ENCODED, "AAAA"]),
        ({"type": "object", "properties": {"scan": BYTES}}, {"scan": "URL"}, {"scan": ENCODED}),
        ({"type": "string"}, "URL", "URL"),
        ({"type": "string", "format": "uri"}, "URL", "URL"),
        (BYTES, ENCODED, ENCODED),
    ],
)
async def test_the_schema_says_what_bytes_are(
    schema: dict[str, Any], value: Any, sent: Any, scans: Path
) -> None:
    url = f"{scans.as_uri()}/loa%201.pdf"

    def real(tree: Any) -> Any:
        return json.loads(json.dumps(tree).replace("URL", url))

    assert await read(real(value), scans, schema) == real(sent)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing.pdf", "does not exist"),
        ("../secret.pdf", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("..%2Fsecret.pdf", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("%2e%2e/secret.pdf", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("../absent.pdf", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("outward", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("processes/self/environ", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("", "must name a file below a directory of TELEFONIE_UPLOAD_DIRS"),
        ("folder", "must name a regular file"),
        ("pipe", "must name a regular file"),
        ("loop", "must name a regular file"),
        ("empty", "an empty file"),
        ("large", "a file of 301 bytes; at most 300 are allowed"),
        ("loa 1.pdf?x", "percent-encoded"),
        ("loa 1.pdf#x", "percent-encoded"),
        ("%00", "percent-encoded"),
        ("%ff", "percent-encoded"),
    ],
)
async def test_nothing_else_is_read(path: str, words: str, scans: Path) -> None:
    (scans / "outward").symlink_to(scans.parent / "secret.pdf")
    (scans / "processes").symlink_to("/proc")
    (scans / "loop").symlink_to(scans / "loop")
    (scans / "folder").mkdir()
    (scans / "empty").touch()
    (scans / "large").write_bytes(b"x" * 301)
    os.mkfifo(scans / "pipe")
    assert words in await read(f"{scans.as_uri()}/{path}", scans)


@pytest.mark.parametrize(
    "url",
    [
        "file://host/etc/passwd",
        "file:relative",
        "file:/one",
        "file:////host/x",
        "file:///%2Fhost/x",
        " FILE://x/y",
    ],
)
async def test_only_a_url_of_a_file_on_this_machine_names_one(url: str, scans: Path) -> None:
    assert "must be file:/// and the absolute path of a file on this machine" in await read(url, scans)


async def test_links_are_resolved_first(scans: Path) -> None:
    (scans / "inward").symlink_to(scans / "loa 1.pdf")
    (scans.parent / "alias").symlink_to(scans)
    assert await read(f"{scans.as_uri()}/inward", scans) == ENCODED
    assert await read(f"{scans.as_uri()}/loa%201.pdf", scans.parent / "alias") == ENCODED


async def test_what_a_system_directory_shows_is_no_file() -> None:
    assert "below a directory" in await read("file:///proc/self/environ", Path("/proc"))


async def test_the_content_is_a_secret_of_the_call(scans: Path) -> None:
    plain = taking(BYTES)
    url = f"{scans.as_uri()}/loa%201.pdf"
    given = await Uploads((scans,)).read(plain, {"x": url}, Deadline.after(60), local=True)
    assert (plain.secrets, given.tool.secrets) == (frozenset(), {"x"})
    assert ENCODED not in str(given.tool.shown(given.arguments or {}))


async def test_a_call_names_few_files(scans: Path) -> None:
    urls = [f"{scans.as_uri()}/loa%201.pdf"] * 11
    assert "more than 10 files" in await read(urls, scans, {"type": "array", "items": BYTES})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("/", "must not be the root"),
        ("relative", "absolute path of a directory that exists"),
        ("/nowhere/at/all", "absolute path of a directory that exists"),
    ],
)
def test_an_unusable_directory_stops_the_start(given: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"TELEFONIE_UPLOAD_DIRS: .*{words}"):
        read_settings({"TELEFONIE_UPLOAD_DIRS": given})


def test_the_api_key_is_not_below_what_an_agent_may_send(scans: Path) -> None:
    (key := scans / "key").write_text(SecretStr("distinctive-key-0451").get_secret_value())
    with pytest.raises(SettingsError, match="TELEFONIE_API_KEY_FILE is below TELEFONIE_UPLOAD_DIRS"):
        read_settings({"TELEFONIE_API_KEY_FILE": str(key), "TELEFONIE_UPLOAD_DIRS": str(scans)})


@pytest.mark.parametrize(("more", "said"), [({}, True), ({"TELEFONIE_HTTP": "8000"}, False)])
def test_the_instructions_say_that_files_are_read_where_they_are(
    more: dict[str, str], said: bool, scans: Path
) -> None:
    told = instructions(App.from_settings(read_settings({"TELEFONIE_UPLOAD_DIRS": str(scans), **more})))
    assert ("file:/// and a path below TELEFONIE_UPLOAD_DIRS" in told) is said
    assert str(scans) not in told
