"""The settings for serving HTTP: how they are read, and what stops the start."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.hosted import HostedSettings
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.settings.types import Address
from tests.support.commands import command

URL, ISSUER = "https://numbers.example.com/mcp", "https://id.example.com/realms/team"
HOSTED = {"PUBLIC_URL": URL, "ISSUER": ISSUER}
KEY = "key-0451-abcdef"
INTROSPECTION = {
    "INTROSPECTION_URL": "https://id.example.com/introspect",
    "INTROSPECTION_CLIENT": "numbers",
    "INTROSPECTION_SECRET_FILE": "secret",
}


def read(**variables: str) -> Settings:
    return read_settings({f"TELEFONIE_{name}": value for name, value in variables.items()})


VALUES: dict[str, tuple[str, Any]] = {
    "http": ("[::1]:8000", Address(host="::1", port=8000)),
    "http_json": ("true", True),
    "public_url": ("https://Numbers.Example.com:443/mcp", URL),
    "issuer": (ISSUER, ISSUER),
    "audience": ("urn:numbers", "urn:numbers"),
    "introspection_url": (INTROSPECTION["INTROSPECTION_URL"], INTROSPECTION["INTROSPECTION_URL"]),
    "introspection_client": ("numbers", "numbers"),
    "introspection_secret_file": ("secret", Path("secret")),
    "tenants": ("tenants.toml", Path("tenants.toml")),
    "tenant_claim": ("org_id", "org_id"),
    "allowed_origins": (
        "https://App.example.com:443, http://127.0.0.1:5173/",
        ("https://app.example.com", "http://127.0.0.1:5173"),
    ),
    "legacy_sessions": ("stateless", "stateless"),
    "drain_seconds": ("0", 0),
    "metrics": ("0.0.0.0:9464", Address(host="0.0.0.0", port=9464)),
}


def test_every_setting_is_tried() -> None:
    assert VALUES.keys() == HostedSettings.model_fields.keys()


@pytest.mark.parametrize("name", VALUES)
def test_every_setting_is_read_from_the_environment_and_from_a_flag(name: str) -> None:
    text, value = VALUES[name]
    others = {} if name in {"http", "http_json", "legacy_sessions", "drain_seconds", "metrics"} else HOSTED
    others = others | INTROSPECTION if name.startswith("introspection") else others
    environment = {f"TELEFONIE_{other}": given for other, given in others.items()}
    assert getattr(read_settings(environment | {f"TELEFONIE_{name.upper()}": text}), name) == value
    assert getattr(read_settings(environment, {name: text}), name) == value


def test_a_public_url_turns_hosted_mode_on() -> None:
    assert not read(HTTP="127.0.0.1:0").hosted
    hosted = read(HTTP="0.0.0.0:8000", **HOSTED)
    assert (hosted.hosted, hosted.mode, str(hosted.http)) == (True, "sandbox", "0.0.0.0:8000")
    assert (hosted.legacy_sessions, hosted.drain_seconds, hosted.tenant_claim) == ("sticky", 5, "sub")
    assert read(HTTP="numbers.internal:80", **HOSTED).http == Address(host="numbers.internal", port=80)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://numbers.example.com", "https://numbers.example.com"),
        ("https://numbers.example.com/", "https://numbers.example.com"),
        ("https://numbers.example.com/mcp/", "https://numbers.example.com/mcp/"),  # its clients' audience
        ("http://127.0.0.1:8000/mcp", "http://127.0.0.1:8000/mcp"),
        ("http://localhost:80/a/b", "http://localhost/a/b"),
        ("http://[::1]:8000/mcp", "http://[::1]:8000/mcp"),
    ],
)
def test_a_public_url_has_one_spelling(given: str, url: str) -> None:
    assert read(PUBLIC_URL=given, ISSUER=ISSUER).public_url == url


@pytest.mark.parametrize("issuer", ["https://team.eu.auth0.com/", "http://127.0.0.1:9/", "http://[::1]:9"])
def test_an_issuer_keeps_its_spelling(issuer: str) -> None:
    assert read(PUBLIC_URL=URL, ISSUER=issuer).issuer == issuer


def test_tenants_are_live_and_may_have_another_address() -> None:
    base = "https://api.example.com"
    assert read(TENANTS="t.toml", BASE_URL=base, SANDBOX="false", **HOSTED).mode == "live"
    assert read(TENANTS="t.toml", SANDBOX="true", **HOSTED).mode == "sandbox"


def test_a_postgresql_ledger_with_keys_is_fine() -> None:
    assert read(LEDGER="postgresql+psycopg://u:p@db/ledger", STATE_KEYS="k" * 32, **HOSTED).hosted
    assert read(LEDGER="postgresql+psycopg://u:p@db/ledger").ledger
    assert read(LEDGER="/var/lib/ledger.sqlite3", **HOSTED).hosted


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({**HOSTED, "PUBLIC_URL": "http://numbers.example.com/mcp"}, "TELEFONIE_PUBLIC_URL: must be https"),
        ({**HOSTED, "PUBLIC_URL": "numbers.example.com/mcp"}, "TELEFONIE_PUBLIC_URL: must be an absolute"),
        ({**HOSTED, "PUBLIC_URL": f"{URL}?a=1"}, "TELEFONIE_PUBLIC_URL: must be an absolute"),
        ({**HOSTED, "PUBLIC_URL": f"{URL}#a"}, "TELEFONIE_PUBLIC_URL: must be an absolute"),
        ({**HOSTED, "PUBLIC_URL": "https://x.example:99999"}, "TELEFONIE_PUBLIC_URL: "),
        ({**HOSTED, "PUBLIC_URL": "https://me@x.example"}, "TELEFONIE_PUBLIC_URL: must not contain a user"),
        ({**HOSTED, "PUBLIC_URL": "https://x.example/a b"}, "TELEFONIE_PUBLIC_URL: must have a path of"),
        ({**HOSTED, "PUBLIC_URL": "https://x.example/a/../b"}, "TELEFONIE_PUBLIC_URL: must have a path of"),
        ({"PUBLIC_URL": URL}, "TELEFONIE_PUBLIC_URL needs TELEFONIE_ISSUER"),
        ({**HOSTED, "ISSUER": "http://id.example.com"}, "TELEFONIE_ISSUER: must be https"),
        ({**HOSTED, "ISSUER": "https://id.example.com?x"}, "TELEFONIE_ISSUER: must be an absolute"),
        ({"HTTP": "0.0.0.0:8000"}, "TELEFONIE_HTTP: must be a loopback address, not 0.0.0.0, unless TELEFO"),
        ({"HTTP": "[::]:8000"}, "TELEFONIE_HTTP: must be a loopback address, not ::, unless TELEFONIE_PUB"),
        ({**HOSTED, "LEDGER": "postgresql://u:p@db/x"}, "TELEFONIE_STATE_KEYS is missing"),
        ({"TENANTS": "t.toml"}, "TELEFONIE_TENANTS does nothing without TELEFONIE_PUBLIC_URL"),
        ({"ISSUER": ISSUER}, "TELEFONIE_ISSUER does nothing without TELEFONIE_PUBLIC_URL"),
        ({"AUDIENCE": "x"}, "TELEFONIE_AUDIENCE does nothing without TELEFONIE_PUBLIC_URL"),
        ({"ALLOWED_ORIGINS": "https://x.example"}, "TELEFONIE_ALLOWED_ORIGINS does nothing without TELEF"),
        ({**HOSTED, "TENANTS": "t.toml", "API_KEY": KEY}, "TELEFONIE_TENANTS and TELEFONIE_API_KEY"),
        ({**HOSTED, "TENANTS": "t.toml", "API_KEY_FILE": "x"}, "or TELEFONIE_API_KEY_FILE contradict"),
        ({**HOSTED, "TENANTS": "t.toml", "ACCOUNT": "default"}, "TELEFONIE_TENANTS and TELEFONIE_ACCOUNT"),
        ({**HOSTED, **INTROSPECTION, "INTROSPECTION_SECRET_FILE": ""}, "TELEFONIE_INTROSPECTION_SECRET_FILE"),
        ({**HOSTED, **INTROSPECTION, "INTROSPECTION_CLIENT": ""}, "TELEFONIE_INTROSPECTION_CLIENT"),
        (
            {**HOSTED, "INTROSPECTION_URL": "http://id.example.com"},
            "TELEFONIE_INTROSPECTION_URL: must be htt",
        ),
        ({**HOSTED, "ALLOWED_ORIGINS": "*"}, "TELEFONIE_ALLOWED_ORIGINS: each must be scheme, host"),
        ({**HOSTED, "ALLOWED_ORIGINS": "null"}, "TELEFONIE_ALLOWED_ORIGINS: each must be scheme, host"),
        ({**HOSTED, "ALLOWED_ORIGINS": "https://*.example.com"}, "TELEFONIE_ALLOWED_ORIGINS: each must nam"),
        ({**HOSTED, "ALLOWED_ORIGINS": "https://x.example/p"}, "TELEFONIE_ALLOWED_ORIGINS: each must be sch"),
        ({**HOSTED, "LEGACY_SESSIONS": "round"}, "TELEFONIE_LEGACY_SESSIONS: "),
        ({**HOSTED, "DRAIN_SECONDS": "-1"}, "TELEFONIE_DRAIN_SECONDS: "),
        ({"METRICS": "9464/metrics"}, "TELEFONIE_METRICS: must be HOST:PORT"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**variables)
    assert words in str(caught.value)
    assert KEY not in str(caught.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"TELEFONIE_ISSUER.*TELEFONIE_STATE_KEYS.*TELEFONIE_API_KEY"):
        read(PUBLIC_URL=URL, LEDGER="postgresql://db/x", TENANTS="t.toml", API_KEY=KEY)


def test_over_stdio_nobody_signs_in(tmp_path: Path) -> None:
    hosted = ("--sandbox-db", ":memory:", "--public-url", URL, "--issuer", ISSUER)
    status, output, errors = command(tmp_path, *hosted)
    assert (status, output) == (2, "")
    needs = "telefonie-mcp: TELEFONIE_PUBLIC_URL needs TELEFONIE_HTTP: over stdio nobody signs in"
    assert errors == f"{needs}; given as --public-url\n"


def test_the_secret_is_read_from_its_file_and_hidden(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("client-secret-0451\n")
    made = read(**HOSTED, **{**INTROSPECTION, "INTROSPECTION_SECRET_FILE": str(file)})
    assert made.introspection_secret == SecretStr("client-secret-0451")
    assert made.introspection_secret in made.secrets
    assert made.secret_files == {file: "the client secret in"}
    assert "client-secret-0451" not in repr(made) + made.model_dump_json()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("", "does not hold a client secret: one line of visible ASCII characters"),
        ("a\nb", "does not hold a client secret: one line of visible ASCII characters"),
    ],
)
def test_a_secret_that_cannot_be_one_stops_the_start(held: str | None, words: str, tmp_path: Path) -> None:
    if held is not None:
        (tmp_path / "secret").write_text(held)
    made = read(**HOSTED, **{**INTROSPECTION, "INTROSPECTION_SECRET_FILE": str(tmp_path / "secret")})
    with pytest.raises(SettingsError) as caught:
        _ = made.secrets
    assert str(caught.value).startswith(f"TELEFONIE_INTROSPECTION_SECRET_FILE {words}")
    assert str(tmp_path) not in str(caught.value)


def test_an_issuer_may_have_given_a_short_secret_which_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3 cret\n")
    made = read(**HOSTED, **{**INTROSPECTION, "INTROSPECTION_SECRET_FILE": str(tmp_path / "secret")})
    assert made.introspection_secret == SecretStr("s3 cret")
    assert made.secrets == []  # it could not be told from ordinary text
    (warning,) = made.hosting_warnings
    assert warning.startswith(
        "TELEFONIE_INTROSPECTION_SECRET_FILE holds a secret so short that it can be guessed"
    )
    assert "s3" not in warning


@pytest.mark.parametrize("name", ["TENANTS", "INTROSPECTION_SECRET_FILE"])
def test_no_agent_may_send_a_file_with_secrets(name: str, tmp_path: Path) -> None:
    given = HOSTED | (INTROSPECTION if name.startswith("INTRO") else {}) | {name: str(tmp_path / "x")}
    with pytest.raises(SettingsError, match=f"TELEFONIE_{name} is below TELEFONIE_UPLOAD_DIRS"):
        read(**given, UPLOAD_DIRS=str(tmp_path))
