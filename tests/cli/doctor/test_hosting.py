"""What hosted mode depends on: a real issuer, and the server's own public address, on sockets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from telefonie_mcp.cli.doctor.examination import examine
from telefonie_mcp.cli.doctor.findings import Finding
from telefonie_mcp.cli.doctor.hosting import hosting as check
from telefonie_mcp.settings.fields import Settings
from tests.support.hosted import hosting
from tests.support.issuer import CLIENT, SECRET, Issuer, issuing
from tests.support.ports import closed_port
from tests.support.serving import serving

Answers = dict[str, tuple[int, bytes, dict[str, str]]]
"""Path → status, body and headers."""

NONE: Answers = {}
NO_HEADERS: dict[str, str] = {}
METADATA = "/.well-known/oauth-protected-resource/mcp"


async def found(settings: Settings) -> dict[str, Finding]:
    """Return the findings by check."""
    findings = [finding async for finding in check(settings)]
    assert len({finding.check for finding in findings}) == len(findings)
    return {finding.check: finding for finding in findings}


@asynccontextmanager
async def answering(answers: Answers) -> AsyncGenerator[str]:
    """Serve these answers, and 404 otherwise."""

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        status, body, headers = answers.get(scope["path"], (404, b"", NO_HEADERS))
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})

    async with serving(app, "off") as origin:
        yield origin


def about(url: str, issuer: str) -> bytes:
    return f'{{"resource": "{url}", "authorization_servers": ["{issuer}"]}}'.encode()


async def test_a_server_at_its_public_address(tmp_path: Path) -> None:
    async with issuing() as issuer, hosting(issuer, introspected=tmp_path) as hosted:
        (tmp_path / "client-secret").chmod(0o600)
        told = await found(hosted.app.settings)
    assert {finding.status for finding in told.values()} == {"ok"}, told
    assert told["issuer"].text == f"{issuer.url}: 1 key for ES256"
    assert told["clock"].text.endswith("the issuer's")
    assert told["introspection"].text == f"{issuer.introspection_url} answers {CLIENT}"
    assert told["public URL"].text == f"{hosted.url} is this server's, and wants a token"
    assert len(issuer.lookups) == 1


async def test_the_command_reports_it(tmp_path: Path) -> None:
    async with issuing() as issuer, hosting(issuer) as hosted:
        variables = {
            "TELEFONIE_PUBLIC_URL": hosted.url,
            "TELEFONIE_ISSUER": issuer.url,
            "TELEFONIE_SANDBOX_DB": ":memory:",
            "TELEFONIE_STATE_DIR": str(tmp_path),
        }
        findings = await examine(variables, NO_HEADERS)
    assert [finding.check for finding in findings] == [
        "settings",
        "documents",
        "key",
        "issuer",
        "clock",
        "public URL",
        "ledger",
        "state",
        "versions",
    ]
    assert {finding.status for finding in findings} == {"ok"}, findings


async def test_without_a_public_url_nothing_is_asked() -> None:
    assert await found(Settings()) == {}


@pytest.mark.parametrize(
    ("issuer", "status", "text", "remedy"),
    [
        (
            Issuer(metadata={"issuer": "https://other.example"}),
            "problem",
            "calls itself https://other.example",
            "exactly",
        ),
        (
            Issuer(metadata={"jwks_uri": None}),
            "problem",
            "does not say where its keys are (jwks_uri)",
            "RS256",
        ),
        (
            Issuer(metadata={"jwks_uri": "https://127.0.0.1:1/jwks"}),
            "problem",
            "cannot be read",
            "can be reached",
        ),
        (Issuer(keys={}), "problem", "has no key that can verify a token", "RS256, PS256, ES256, EdDSA"),
        (
            Issuer(down=True),
            "problem",
            "has no metadata (it answers 503)",
            "/.well-known/openid-configuration",
        ),
        (Issuer(keys={"a": "ES256", "b": "RS256"}), "ok", "2 keys for ES256, RS256", ""),
    ],
    ids=["other name", "no address", "unreachable keys", "no keys", "down", "good"],
)
async def test_an_issuer(issuer: Issuer, status: str, text: str, remedy: str) -> None:
    async with issuing(issuer):
        told = await found(Settings(public_url="http://127.0.0.1:1/mcp", issuer=issuer.url))
    assert (told["issuer"].status, text in told["issuer"].text) == (status, True)
    assert remedy in told["issuer"].remedy


async def test_an_issuer_that_cannot_be_reached() -> None:
    with closed_port() as port:
        told = await found(
            Settings(public_url="http://127.0.0.1:1/mcp", issuer=f"http://127.0.0.1:{port}/realms/team")
        )
    assert (told["issuer"].status, told["issuer"].text) == (
        "problem",
        f"TCP: 127.0.0.1 port {port} accepts no connection",
    )
    assert told["issuer"].remedy.startswith("Check TELEFONIE_ISSUER, the network")


async def test_a_clock_that_differs_from_the_issuer_s() -> None:
    origin = ""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f'{{"issuer": "{origin}"}}'
        head = f"HTTP/1.1 200 OK\r\ndate: {formatdate(0, usegmt=True)}\r\ncontent-length: {len(body)}"
        writer.write(f"{head}\r\nconnection: close\r\n\r\n{body}".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        told = await found(Settings(public_url="http://127.0.0.1:1/mcp", issuer=origin))
    assert told["clock"].status == "warning"
    assert told["clock"].text.endswith("ahead of the issuer's")
    assert "tokens" in told["clock"].remedy


@pytest.mark.parametrize(
    ("secret", "mode", "status"), [("another-secret", 0o600, "problem"), (SECRET, 0o644, "warning")]
)
async def test_a_client_that_looks_up_tokens(secret: str, mode: int, status: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(secret)
    file.chmod(mode)
    async with issuing() as issuer:
        told = await found(
            Settings(
                public_url="http://127.0.0.1:1/mcp",
                issuer=issuer.url,
                introspection_url=issuer.introspection_url,
                introspection_client=CLIENT,
                introspection_secret_file=file,
            )
        )
    assert told["introspection"].status == status
    assert secret not in str(told)
    expected = "the issuer answered 401" if status == "problem" else f"others can read {file}"
    assert expected in told["introspection"].text


@pytest.mark.parametrize(
    ("answers", "status", "text"),
    [
        (NONE, "problem", "answers 404, and no metadata"),
        ({METADATA: (200, b"<html>", NO_HEADERS)}, "problem", "answers 200, and no metadata"),
        (
            {METADATA: (200, about("https://other.example/mcp", "ISSUER"), NO_HEADERS)},
            "problem",
            "is about https://other",
        ),
        (
            {METADATA: (200, about("URL", "https://other.example"), NO_HEADERS)},
            "problem",
            "its issuer https://other",
        ),
        ({METADATA: (200, about("URL", "ISSUER"), NO_HEADERS)}, "problem", "is not answered 401 (404)"),
        (
            {METADATA: (200, about("URL", "ISSUER"), NO_HEADERS), "/mcp": (200, b"{}", NO_HEADERS)},
            "problem",
            "is not answered 401 (200)",
        ),
        (
            {
                METADATA: (200, about("URL", "ISSUER"), NO_HEADERS),
                "/mcp": (401, b"", {"www-authenticate": "Basic"}),
            },
            "problem",
            "WWW-Authenticate is lost",
        ),
    ],
)
async def test_something_else_answers_at_the_public_url(answers: Answers, status: str, text: str) -> None:
    made: Answers = {}
    async with issuing() as issuer, answering(made) as origin:
        url = f"{origin}/mcp"
        for path, (code, body, headers) in answers.items():
            here = body.replace(b"URL", url.encode()).replace(b"ISSUER", issuer.url.encode())
            made[path] = (code, here, headers)
        told = await found(Settings(public_url=url, issuer=issuer.url))
    assert (told["public URL"].status, text in told["public URL"].text) == (status, True), told
    assert told["public URL"].remedy


async def test_a_server_that_is_not_started_yet_is_a_warning() -> None:
    with closed_port() as port:
        async with issuing() as issuer:
            told = await found(Settings(public_url=f"http://127.0.0.1:{port}/mcp", issuer=issuer.url))
    assert told["public URL"].status == "warning"
    assert told["public URL"].remedy.startswith("Start the server")
