import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.cli.commands import SECRETS
from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.hosted import HostedSettings
from telefonie_mcp.settings.reading import read_settings

KEY = "key-0451-abcdef"


def test_the_defaults_are_safe() -> None:
    settings = read_settings({"PATH": "/bin", "HOME": "/root"})
    assert settings == Settings()
    assert (settings.mode, settings.key, settings.approval, settings.http) == (
        "sandbox",
        None,
        "confirm",
        None,
    )


VALUES: dict[str, tuple[str, Any]] = {
    "api_key_file": ("key.txt", Path("key.txt")),
    "timeout": ("2.5", 2.5),
    "spec": (f"a.yml{os.pathsep}b.json", (Path("a.yml"), Path("b.json"))),
    "sandbox": ("true", True),
    "sandbox_db": (":memory:", ":memory:"),
    "apps": ("false", False),
    "state_dir": ("/var/lib/x", Path("/var/lib/x")),
    "account": ("work.2", "work.2"),
    "read_only": ("yes", True),
    "toolsets": ("porting,numbers", ("numbers", "porting")),
    "live_porting": ("true", True),
    "tools": ("a, b,,c", ("a", "b", "c")),
    "exclude_tools": ("a", ("a",)),
    "approval": ("human", "human"),
    "max_monthly_rate": ("2.50", Decimal("2.50")),
    "max_monthly_spend": ("0", Decimal(0)),
    "max_purchases_per_day": ("3", 3),
    "max_releases_per_day": ("0", 0),
    "currency": ("USD", "USD"),
    "countries": ("us, De", frozenset({"US", "DE"})),
    "number_types": ("local,toll-free", frozenset({"local", "toll-free"})),
    "webhook_hosts": ("*.Example.com.,a.example", ("*.example.com", "a.example")),
    "protected_numbers": ("+1 (415) 555-0100", frozenset({"+14155550100"})),
    "upload_dirs": (f"/tmp{os.pathsep}/usr", (Path("/tmp"), Path("/usr"))),
    "max_calls_per_minute": ("1", 1),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
}
"""Each setting but those that need another one: how it is written, and what it is then."""


def test_every_setting_is_tried() -> None:
    tried = VALUES.keys() | SECRETS | {"base_url", "spec_credentials"} | HostedSettings.model_fields.keys()
    assert tried == Settings.model_fields.keys()


@pytest.mark.parametrize("name", VALUES)
def test_every_setting_is_read_from_the_environment_and_from_a_flag(name: str) -> None:
    text, value = VALUES[name]
    assert getattr(read_settings({f"TELEFONIE_{name.upper()}": text}), name) == value
    assert getattr(read_settings({}, {name: text}), name) == value
    assert getattr(read_settings({f"TELEFONIE_{name.upper()}": "wrong"}, {name: text}), name) == value


def test_a_flag_overrides_the_environment_and_an_absent_one_does_not() -> None:
    environment = {"TELEFONIE_TIMEOUT": "5", "TELEFONIE_LOG_LEVEL": "info"}
    settings = read_settings(environment, {"timeout": "6", "log_level": None, "spec": ()})
    assert (settings.timeout, settings.log_level) == (6, "info")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings({"TELEFONIE_API_KEY": "", "TELEFONIE_MAX_MONTHLY_RATE": "  "}) == Settings()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("localhost:1", "localhost", 1),
        ("[::1]:0", "::1", 0),
        ("8000", "127.0.0.1", 8000),
        ("127.9.9.9:5", "127.9.9.9", 5),
    ],
)
def test_addresses_are_read_with_and_without_a_host(text: str, host: str, port: int) -> None:
    address = read_settings({"TELEFONIE_HTTP": text}).http
    assert address is not None
    assert (address.host, address.port) == (host, port)
    assert str(address).endswith(f":{port}")


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, "sandbox"),
        ({"API_KEY": KEY}, "live"),
        ({"API_KEY": KEY, "SANDBOX": "true"}, "sandbox"),
        ({"API_KEY": KEY, "SANDBOX": "false"}, "live"),
        ({"API_KEY": KEY, "BASE_URL": "http://127.0.0.1:1/v1/"}, "live"),
    ],
)
def test_the_mode_follows_from_key_and_flag(variables: dict[str, str], mode: str) -> None:
    settings = read_settings({f"TELEFONIE_{name}": value for name, value in variables.items()})
    assert settings.mode == mode
    assert (settings.key == SecretStr(KEY)) is (mode == "live")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"SANDBOX": "false"},
            "live was asked for (TELEFONIE_SANDBOX is off), but there is no TELEFONIE_API_KEY",
        ),
        (
            {"API_KEY": KEY, "API_KEY_FILE": "x"},
            "TELEFONIE_API_KEY and TELEFONIE_API_KEY_FILE contradict each other",
        ),
        ({"BASE_URL": "https://example.com"}, "TELEFONIE_BASE_URL needs TELEFONIE_API_KEY"),
        ({"API_KEY": KEY, "SANDBOX_DB": "x"}, "TELEFONIE_SANDBOX_DB is set, but the server would be live"),
        ({"API_KEY": KEY, "BASE_URL": "http://api.example.com"}, "must be https"),
        ({"API_KEY": KEY, "BASE_URL": "ftp://example.com"}, "must be an absolute http(s) URL"),
        ({"API_KEY": KEY, "BASE_URL": "https://u:p@example.com"}, "must not contain a user name"),
        ({"API_KEY": KEY, "BASE_URL": "https://example.com?x=1"}, "must be an absolute http(s) URL"),
        ({"TIMEOUT": "0"}, "TELEFONIE_TIMEOUT: "),
        ({"TIMEOUT": "soon"}, "TELEFONIE_TIMEOUT: "),
        ({"LOG_LEVEL": "loud"}, "TELEFONIE_LOG_LEVEL: "),
        ({"API_KAY": KEY}, "TELEFONIE_API_KAY is not a setting; did you mean TELEFONIE_API_KEY?"),
        ({"LEDGER": "mysql://x"}, "TELEFONIE_LEDGER: must be a file or postgresql+psycopg://"),
        ({"XYZZY": "1"}, "TELEFONIE_XYZZY is not a setting; did you mean TELEFONIE_"),
    ],
)
def test_unknown_or_contradictory_settings_stop_the_start(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({f"TELEFONIE_{name}": value for name, value in variables.items()})
    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("name", ["telefonie_read_only", "Telefonie_Read_Only", "TELEFONIE_read_only"])
def test_a_setting_that_is_not_in_capitals_is_not_silently_passed_over(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not a setting; did you mean TELEFONIE_READ_ONLY"):
        read_settings({name: "true"})


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TELEFONIE_TIMEOUT": "x", "TELEFONIE_APPROVAL": "x", "TELEFONIE_READONLY": "x"})
    assert all(name in str(caught.value) for name in ("TIMEOUT", "APPROVAL", "READONLY"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "TELEFONIE_API_KEY_FILE cannot be read (No such file or directory)"),
        (b"", "does not hold an API key"),
        (b"two\nlines", "does not hold an API key"),
        (b"\xff\xfe", "cannot be read (not text)"),
        ("schlüssel".encode(), "does not hold an API key"),
        (b"${TELEFONIE_API_KEY}", "holds a placeholder that the client did not fill in"),
    ],
)
def test_key_files_that_hold_no_key(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        _ = read_settings({"TELEFONIE_API_KEY_FILE": str(path)}).key
    assert words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_key_may_end_in_a_newline(tmp_path: Path) -> None:
    assert read_settings({"TELEFONIE_API_KEY": f"{KEY}\n"}).key == SecretStr(KEY)
    (tmp_path / "key").write_text(f"{KEY}\n")
    settings = read_settings({"TELEFONIE_API_KEY_FILE": str(tmp_path / "key")})
    assert settings.key == SecretStr(KEY)
    assert settings.mode == "live"


@pytest.mark.parametrize("key", ["${TELEFONIE_API_KEY}", "${input:telefonie-key}"])
def test_a_placeholder_is_no_key(key: str) -> None:
    with pytest.raises(SettingsError, match="TELEFONIE_API_KEY holds a placeholder"):
        _ = read_settings({"TELEFONIE_API_KEY": key}).key


@pytest.mark.parametrize("key", ["7", "1234567", "\t1234567\n"])
def test_a_key_too_short_to_be_hidden_stops_the_start(key: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(key)
    for name, value in (("TELEFONIE_API_KEY", key), ("TELEFONIE_API_KEY_FILE", str(tmp_path / "key"))):
        with pytest.raises(
            SettingsError, match=f"^{name} holds an API key of fewer than 8 characters"
        ) as short:
            App.from_settings(read_settings({name: value}))
        assert key.strip() not in str(short.value)
    assert read_settings({"TELEFONIE_API_KEY": "12345678"}).key == SecretStr("12345678")


def test_secrets_are_in_no_representation() -> None:
    settings = read_settings(
        {
            "TELEFONIE_API_KEY": KEY,
            "TELEFONIE_LEDGER": "postgresql+psycopg://me:pass-word@localhost/ledger",
            "TELEFONIE_STATE_KEYS": f"{'k' * 32},{'l' * 32}",
        }
    )
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    for secret in (KEY, "pass-word", "k" * 32, "l" * 32):
        assert secret not in shown
        assert secret in [value.get_secret_value() for value in settings.secrets]


@pytest.mark.parametrize(
    ("variables", "ledger"),
    [
        ({"SANDBOX_DB": ":memory:"}, ":memory:"),
        ({"SANDBOX_DB": "/x/s.sqlite3"}, "/x/s-ledger.sqlite3"),
        ({"SANDBOX_DB": "/x/s.sqlite3", "STATE_DIR": "/y"}, "/y/sandbox-ledger.sqlite3"),
        ({"API_KEY": KEY, "STATE_DIR": "/y"}, "/y/live-ledger.sqlite3"),
        ({"API_KEY": KEY, "STATE_DIR": "/y", "LEDGER": "/z"}, "/z"),
    ],
)
def test_the_ledger_is_where_the_settings_say(variables: dict[str, str], ledger: str) -> None:
    settings = read_settings({f"TELEFONIE_{name}": value for name, value in variables.items()})
    assert settings.ledger_url == ledger


def test_defaults_lie_in_the_users_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert Settings().sandbox_database == str(tmp_path / "data/telefonie-mcp/sandbox.sqlite3")
    assert Settings(api_key=SecretStr(KEY)).ledger_url == str(
        tmp_path / "state/telefonie-mcp/live-ledger.sqlite3"
    )
