"""How an installation is started, and which settings go with it."""

import os
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.cli.config.launch import Launch, SettingVariables, settings_as_variables, source_of
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings

CACHE = "/home/me/.cache/uv/archive-v0/Ab3"
WHEEL = "file:///tmp/telefonie_mcp-0.1.0-py3-none-any.whl"
FROM = ("--from", f"telefonie-mcp @ {WHEEL}", "telefonie-mcp")


@pytest.mark.parametrize(
    ("script", "prefix", "uvx", "source", "launch"),
    [
        ("/venv/bin/telefonie-mcp", "/venv", None, None, Launch("/venv/bin/telefonie-mcp")),
        ("/venv/bin/telefonie-mcp", "/venv", "/bin/uvx", WHEEL, Launch("/venv/bin/telefonie-mcp")),
        (None, "/venv", None, None, Launch("/py", ("-m", "telefonie_mcp"))),
        ("/venv/bin/pytest", "/venv", None, None, Launch("/py", ("-m", "telefonie_mcp"))),
        (f"{CACHE}/bin/telefonie-mcp", CACHE, "/bin/uvx", None, Launch("/bin/uvx", ("telefonie-mcp",))),
        (f"{CACHE}/bin/telefonie-mcp", CACHE, None, None, Launch("uvx", ("telefonie-mcp",))),
        (f"{CACHE}/bin/telefonie-mcp", CACHE, "/bin/uvx", WHEEL, Launch("/bin/uvx", FROM)),
    ],
)
def test_the_command(
    script: str | None, prefix: str, uvx: str | None, source: str | None, launch: Launch
) -> None:
    assert Launch.of(script=script, python="/py", prefix=prefix, uvx=uvx, source=source) == launch


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ({}, None),
        ({"url": WHEEL, "archive_info": {}}, WHEEL),
        ({"url": "file:///src", "dir_info": {"editable": True}}, "file:///src"),
        (
            {"url": "https://example.com/t.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "git+https://example.com/t.git@abc",
        ),
    ],
)
def test_where_the_package_came_from(origin: dict[str, Any], source: str | None) -> None:
    assert source_of(origin) == source


def test_a_relative_script_becomes_absolute() -> None:
    launch = Launch.of(script="bin/telefonie-mcp", python="/py", prefix="/venv", uvx=None, source=None)
    assert launch.command == str(Path("bin/telefonie-mcp").absolute())


def test_settings_as_variables_make_the_same_settings() -> None:
    given = {
        "TELEFONIE_API_KEY": "key-0451-abcdef",
        "TELEFONIE_BASE_URL": "https://example.com/v1",
        "TELEFONIE_TIMEOUT": "2.5",
        "TELEFONIE_SPEC": f"/a.yml{os.pathsep}/b.yml",
        "TELEFONIE_SANDBOX": "false",
        "TELEFONIE_STATE_DIR": "/var/lib/x",
        "TELEFONIE_LEDGER": "postgresql+psycopg://me:pass-word@host/db",
        "TELEFONIE_STATE_KEYS": f"{'k' * 32},{'l' * 32}",
        "TELEFONIE_READ_ONLY": "yes",
        "TELEFONIE_TOOLS": "b, a",
        "TELEFONIE_APPROVAL": "human",
        "TELEFONIE_MAX_MONTHLY_RATE": "2.50",
        "TELEFONIE_MAX_PURCHASES_PER_DAY": "0",
        "TELEFONIE_COUNTRIES": "us,de",
        "TELEFONIE_PROTECTED_NUMBERS": "+1 (415) 555-0100",
        "TELEFONIE_LOG_LEVEL": "warning",
    }
    settings = read_settings(given)
    made = settings_as_variables(settings)
    assert made.plain.keys() | made.secret.keys() == given.keys()
    assert made.secret.keys() == {"TELEFONIE_API_KEY", "TELEFONIE_LEDGER", "TELEFONIE_STATE_KEYS"}
    assert read_settings({**made.plain, **made.secret}) == settings


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({}, {}),
        ({"TELEFONIE_HTTP": "127.0.0.1:8000", "TELEFONIE_HTTP_JSON": "true"}, {}),
        ({"TELEFONIE_SANDBOX_DB": ":memory:"}, {"TELEFONIE_SANDBOX_DB": ":memory:"}),
        ({"TELEFONIE_SANDBOX_DB": "s.db"}, {"TELEFONIE_SANDBOX_DB": str(Path("s.db").absolute())}),
        ({"TELEFONIE_LEDGER": "l.db"}, {"TELEFONIE_LEDGER": str(Path("l.db").absolute())}),
        ({"TELEFONIE_LEDGER": "sqlite:////l.db"}, {"TELEFONIE_LEDGER": "sqlite:////l.db"}),
        ({"TELEFONIE_API_KEY_FILE": "key"}, {"TELEFONIE_API_KEY_FILE": str(Path("key").absolute())}),
        ({"TELEFONIE_TIMEOUT": "30"}, {"TELEFONIE_TIMEOUT": "30"}),
    ],
)
def test_paths_are_absolute_and_http_is_not_for_these_clients(
    given: dict[str, str], plain: dict[str, str]
) -> None:
    assert settings_as_variables(read_settings(given)) == SettingVariables(plain, {})


def test_a_password_may_stand_anywhere_in_a_url() -> None:
    given = {"TELEFONIE_LEDGER": "postgresql+psycopg://host/db?password=pass-word"}
    assert settings_as_variables(read_settings(given)) == SettingVariables({}, given)


def test_no_default_is_written() -> None:
    assert settings_as_variables(Settings()) == SettingVariables({}, {})
