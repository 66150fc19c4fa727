"""What an operator reads about a wrong value: the variable, what it must be, and what was given."""

import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.files import file_of
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings

pytestmark = pytest.mark.quick

WRONG = {
    "TIMEOUT": ("soon", 'must be a number of seconds from 1 to 600 (got "soon")'),
    "DRAIN_SECONDS": ("601", 'must be a number of seconds from 0 to 600 (got "601")'),
    "SANDBOX": ("maybe", 'must be true or false (got "maybe")'),
    "READ_ONLY": ("perhaps", 'must be true or false (got "perhaps")'),
    "APPROVAL": ("always", 'must be confirm, human or block (got "always")'),
    "LEGACY_SESSIONS": ("round", 'must be sticky or stateless (got "round")'),
    "MAX_PURCHASES_PER_DAY": ("-1", 'must be a whole number of at least 0 (got "-1")'),
    "MAX_CALLS_PER_MINUTE": ("1.5", 'must be a whole number of at least 1 (got "1.5")'),
    "CURRENCY": ("usd", 'must be three capital letters (ISO 4217), such as USD (got "usd")'),
    "MAX_MONTHLY_RATE": ("cheap", 'must be an amount of money, such as 2.50 (got "cheap")'),
    "HTTP": ("localhost:99999", 'must have a port from 0 to 65535 (got "localhost:99999")'),
    "METRICS": ("9464/m", 'must be HOST:PORT or PORT, such as 127.0.0.1:8000 (got "9464/m")'),
    "WEBHOOK_HOSTS": ("https://a.example", '*.example.com (got "https://a.example")'),
    "COUNTRIES": ("US,Texas", '(got "Texas")'),
    "PROTECTED_NUMBERS": ("+14155550100,555", '(got "555")'),
    "UPLOAD_DIRS": ("/nowhere", 'the absolute path of a directory that exists (got "/nowhere")'),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_names_the_variable_what_it_must_be_and_what_was_given(name: str) -> None:
    given, words = WRONG[name]
    with pytest.raises(SettingsError) as caught:
        read_settings({f"TELEFONIE_{name}": given})
    assert str(caught.value).startswith(f"TELEFONIE_{name}: ")
    assert str(caught.value).endswith(words)


def test_no_error_has_the_words_of_a_library() -> None:
    """Whatever the type of a setting: what it refuses is said in our words."""
    said = set[str]()
    for name in Settings.model_fields:
        for given in ("\x00", "-1", "x" * 100, "1e999", "https://[::1", "https://a.example:99999", "://"):
            try:
                read_settings({f"TELEFONIE_{name.upper()}": given})
            except SettingsError as error:
                said.update(str(error).split("; "))
    assert len(said) > 20
    library = re.compile(
        r"Input|[Ss]tring|[Vv]alue |valid |[Ii]nvalid|Port |pars|unable|codec|greater|errors\."
    )
    assert not [each for each in said if library.search(each)]


def test_a_value_that_may_hold_a_secret_is_not_repeated() -> None:
    secret = "pass-word-0451"
    for name, given in {
        "ACCOUNT": f"me:{secret}",
        "API_KEY": secret[:5],
        "BASE_URL": f"https://me:{secret}@[::1",
        "ALLOWED_ORIGINS": f"https://me:{secret}@a.example/path",
        "LEDGER": f"mysql://me:{secret}@db/ledger",
        "STATE_KEYS": secret,
    }.items():
        with pytest.raises(SettingsError) as caught:
            _ = read_settings({f"TELEFONIE_{name}": given, "TELEFONIE_PUBLIC_URL": "https://a.example"}).key
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "flags", [{"state_dir": ""}, {"spec": ("",)}, {"timeout": ""}, {"max_monthly_spend": ""}]
)
def test_an_empty_option_is_an_error_because_a_script_meant_something(flags: dict[str, object]) -> None:
    (name,) = flags
    with pytest.raises(
        SettingsError, match=f"^TELEFONIE_{name.upper()}: the option is empty; give it a value"
    ):
        read_settings({}, flags)
    assert read_settings({f"TELEFONIE_{name.upper()}": ""}) == Settings()


def test_every_path_may_begin_with_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text("key-0451-abcdef")
    settings = read_settings(
        {
            "TELEFONIE_API_KEY_FILE": "~/key",
            "TELEFONIE_SPEC": f"~/a.yml{os.pathsep}/b.yml",
            "TELEFONIE_STATE_DIR": "~/state",
        }
    )
    assert settings.key == SecretStr("key-0451-abcdef")
    assert settings.spec == (tmp_path / "a.yml", Path("/b.yml"))
    assert file_of(settings.ledger_url) == tmp_path / "state/live-ledger.sqlite3"
    assert read_settings({"TELEFONIE_UPLOAD_DIRS": "~"}).upload_dirs == (tmp_path,)
    assert read_settings({"TELEFONIE_SANDBOX_DB": "~/x"}).sandbox_database == str(tmp_path / "x")
