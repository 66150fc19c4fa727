"""``TELEFONIE_SPEC_CREDENTIALS``: which document uses whose key and whose server."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.openapi.security import Credential
from telefonie_mcp.settings.access import Access
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from tests.support.tools import document, parse

KEY, OTHER, THIRD = "key-0451-shared", "user:pass word 0451", "first-0451\nsecond-0451"


def settings(directory: Path, toml: str, *documents: str, **variables: str) -> Settings:
    file = directory / "own.toml"
    file.write_text(toml, "utf-8")
    (directory / "other").write_text(OTHER)
    (directory / "third").write_text(THIRD)
    (directory / "shared").write_text(KEY)
    return read_settings(
        {
            **{f"TELEFONIE_{name}": value for name, value in variables.items()},
            "TELEFONIE_SPEC_CREDENTIALS": str(file),
            "TELEFONIE_SPEC": os.pathsep.join(str(directory / name) for name in documents),
        }
    )


def test_each_document_has_the_key_and_the_server_of_its_table(tmp_path: Path) -> None:
    toml = f"""
    [one]
    api_key_file = "other"
    [two]
    base_url = "https://two.example/v1/"
    ["three.v2"]
    api_key_file = '{tmp_path / "third"}'
    base_url = "http://127.0.0.1:9"
    """
    names = ("one.yml", "two.json", "three.v2.yaml", "four.yml")
    made = settings(tmp_path, toml, *names, API_KEY=KEY, BASE_URL="https://shared.example", ACCOUNT="work")
    seen = {
        stem: (access.key.get_secret_value() if access.key else None, access.base_url, access.account)
        for stem in ("", "one", "two", "three.v2", "four")
        for access in [made.accesses.of(stem)]
    }
    assert seen == {
        "": (KEY, "https://shared.example", "work"),
        "one": (OTHER, None, "work/one"),  # not at the address of another provider
        "two": (KEY, "https://two.example/v1", "work"),
        "three.v2": (THIRD, "http://127.0.0.1:9", "work/three.v2"),
        "four": (KEY, "https://shared.example", "work"),
    }
    assert made.accesses.of("one").key_setting == "api_key_file of [one] in TELEFONIE_SPEC_CREDENTIALS"
    assert made.accesses.of("two").url_setting == "base_url of [two] in TELEFONIE_SPEC_CREDENTIALS"
    assert (made.accesses.of("two").key_setting, made.accesses.of("four").url_setting) == (
        "TELEFONIE_API_KEY",
        "TELEFONIE_BASE_URL",
    )


def test_documents_with_one_key_are_one_account(tmp_path: Path) -> None:
    toml = """
    one = {api_key_file = "other"}
    two = {api_key_file = "./other"}
    three = {api_key_file = "shared"}
    """
    made = settings(tmp_path, toml, "one.yml", "two.yml", "three.yml", API_KEY=KEY)
    assert [made.accesses.of(name).account for name in ("one", "two", "three")] == [
        "default/one",
        "default/one",
        "default",
    ]


def test_keys_of_documents_make_a_server_live_by_themselves(tmp_path: Path) -> None:
    made = settings(tmp_path, '[one]\napi_key_file = "other"', "one.yml", "two.yml", SANDBOX="false")
    assert (made.mode, made.key, made.accesses.of("two").key) == ("live", None, None)
    aside = settings(tmp_path, "", "one.yml", SANDBOX="true")
    assert (aside.mode, aside.accesses.own) == ("sandbox", {})


def test_every_key_and_every_part_of_one_is_kept_out_of_the_log(tmp_path: Path) -> None:
    toml = '[one]\napi_key_file = "other"\n[two]\napi_key_file = "third"'
    made = settings(tmp_path, toml, "one.yml", "two.yml", API_KEY=KEY)
    secrets = {secret.get_secret_value() for secret in made.secrets}
    assert secrets >= {KEY, OTHER, "pass word 0451", "first-0451", "second-0451"}
    assert not secrets & {"user", ""}
    _ = made.accesses
    shown = repr(made) + str(made) + made.model_dump_json() + repr(made.accesses)
    assert not any(secret in shown for secret in secrets)


def test_the_files_that_hold_or_name_keys_are_known(tmp_path: Path) -> None:
    toml = '[one]\napi_key_file = "other"\n[two]\nbase_url = "https://two.example"'
    made = settings(tmp_path, toml, "one.yml", "two.yml", API_KEY_FILE=str(tmp_path / "shared"))
    assert made.secret_files == {
        tmp_path / "shared": "the API key in",
        tmp_path / "other": "the API key in",
        tmp_path / "own.toml": "TELEFONIE_SPEC_CREDENTIALS,",
    }


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[one", "own.toml is not TOML: "),
        ("[one]\na = 1\n[one]", "own.toml is not TOML: "),
        ("", "own.toml has no table; add one per document, such as [infobip]"),
        ("[onee]\napi_key_file = 'other'", "[onee]: no document of TELEFONIE_SPEC is called so"),
        ("[onee]\napi_key_file = 'other'", "did you mean one?"),
        ("api_key_file = 'other'", "[api_key_file]: it is no table; write [DOCUMENT] above api_key_file"),
        ("one = 'other'", "[one]: it is no table; write [one], and api_key_file or base_url below it"),
        ("[one]", "[one]: it is empty; write api_key_file or base_url below it"),
        ("[one]\napi_key = 'x'", "[one]: api_key is unknown; did you mean api_key_file?"),
        ("[one]\napi_key_file = 1", '[one]: api_key_file must be a text, such as api_key_file = "/run/'),
        ("[one]\nbase_url = ''", '[one]: base_url must be a text, such as base_url = "https://'),
        ("[one]\nbase_url = 'http://one.example'", "[one]: base_url must be https, or the API key would"),
        ("[one]\nbase_url = 'https://u:p@one.example'", "[one]: base_url must not contain a user name"),
        ("[one]\napi_key_file = 'none'", "[one]: api_key_file none cannot be read (No such file"),
        ("[one]\napi_key_file = 'short'", "[one]: api_key_file short holds an API key of fewer than 8"),
        ("[one]\napi_key_file = 'empty'", "[one]: api_key_file empty does not hold an API key"),
        ("[two]\napi_key_file = 'other'", "[two]: 2 documents of TELEFONIE_SPEC are called two; rename one"),
        ("[three]\nv2 = {base_url = 'https://x'}", '[three]: a name with a dot is quoted: ["three.v2"]'),
        ("[one.v2]\nbase_url = 'https://x'", '[one]: v2 is unknown; a name with a dot is quoted: ["one.v2"]'),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_table_and_remedy(
    toml: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "short").write_text("1234567")
    (tmp_path / "empty").write_text("\n")
    names = ("one.yml", "one.v2.yml", "two.yml", "a/two.yml", "three.v2.yml")
    made = settings(tmp_path, toml, *names, API_KEY=KEY)
    with pytest.raises(SettingsError) as caught:
        _ = made.accesses
    assert str(caught.value).startswith("TELEFONIE_SPEC_CREDENTIALS: ")
    assert "own.toml" in str(caught.value)
    assert words in str(caught.value)
    assert "1234567" not in str(caught.value)


def test_a_file_that_is_not_there_or_about_nothing_is_refused(tmp_path: Path) -> None:
    variables = {"TELEFONIE_SPEC_CREDENTIALS": str(tmp_path / "none.toml"), "TELEFONIE_API_KEY": KEY}
    with pytest.raises(SettingsError, match="is about documents of TELEFONIE_SPEC; there is none"):
        read_settings(variables)
    made = read_settings({**variables, "TELEFONIE_SPEC": "one.yml"})
    with pytest.raises(SettingsError, match=r"none.toml cannot be read \(No such file or directory\)"):
        _ = made.accesses


@pytest.mark.parametrize(
    ("held", "key"),
    [
        (" App key-0451\n", "App key-0451"),
        ("user: pass  word ü", "user: pass  word ü"),
        ("one-0451-key\ntwo-0451-key", "one-0451-key\ntwo-0451-key"),
    ],
)
def test_keys_of_several_parts(held: str, key: str) -> None:
    variables = {"TELEFONIE_API_KEY": held, "TELEFONIE_SPEC": "one.yml"}
    assert read_settings(variables).key == SecretStr(key)


@pytest.mark.parametrize("held", ["App key-0451", "user: pass  word", "user:pässwört", "one-0451\ntwo-0451"])
def test_the_packaged_documents_alone_want_one_word(held: str) -> None:
    with pytest.raises(SettingsError, match="does not hold an API key: one line of visible ASCII characters"):
        _ = read_settings({"TELEFONIE_API_KEY": held}).key


def test_files_may_be_in_the_users_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(f"\ufeff{KEY}\r\n", "utf-8")
    (tmp_path / "own.toml").write_text('one = {api_key_file = "~/key"}')
    made = read_settings({"TELEFONIE_SPEC": "one.yml", "TELEFONIE_SPEC_CREDENTIALS": "~/own.toml"})
    assert (made.accesses.of("one").text, made.accesses.of("one").key_file) == (KEY, tmp_path / "key")


@pytest.mark.parametrize("held", ["two words more", "user:pass\tword", "App short", "one-0451-key\nshort"])
def test_what_is_no_key_is_refused(held: str) -> None:
    variables = {"TELEFONIE_API_KEY": held, "TELEFONIE_SPEC": "one.yml"}
    with pytest.raises(SettingsError, match=r"TELEFONIE_API_KEY (does not hold|holds) an API key"):
        _ = read_settings(variables).key


def test_a_key_that_is_optional_is_sent_where_it_stays_secret() -> None:
    header = Credential("X-Key", "header")
    for server, sent in (("https://a.example", 1), ("http://127.0.0.1:9", 1), ("http://a.example", 0)):
        operation = parse(document(servers=[{"url": server}])).operations[0]
        access = Access(SecretStr(KEY), None, "work")
        assert len(access.credentials(operation._replace(security=((header,), ())))) == sent
