"""What the package says of itself to the registry of MCP servers and to desktop clients."""

import json
import re
from importlib import resources
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from jsonschema_rs import Draft7Validator

from telefonie_mcp import __version__
from telefonie_mcp.cli.commands import SECRETS
from telefonie_mcp.openapi.documents import parsed_package
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from tests.packaging.generated import FILES, MANIFEST, PACKAGES, SERVER, package, text
from tests.packaging.support import ROOT, run, tool


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_generated_parts_are_up_to_date(path: Path) -> None:
    assert path.read_text() == text(FILES[path](read(path))), "run: python -m tests.packaging.generated"


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.name)
def test_packaged_documents_in_json_are_those_in_yaml(path: Path) -> None:
    written = path.read_text("utf-8")
    assert written == package(PACKAGES[path]), "run: python -m tests.packaging.generated"
    assert json.loads(written) == parsed_package(PACKAGES[path])


def test_the_registry_accepts_the_description(tmp_path: Path) -> None:
    description = read(SERVER)
    version = re.findall(r"/schemas/([\d-]+)/", description["$schema"])[0].replace("-", "_")
    schema = resources.files("skillsaw.schemas.mcp_registry") / f"v{version}/server.schema.json"
    Draft7Validator(json.loads(schema.read_text()), validate_formats=True).validate(description)
    copy(SERVER, tmp_path)
    done = run(tool("skillsaw"), "lint", "--strict", "--no-plugins", tmp_path, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout


def test_the_registry_finds_the_package() -> None:
    description = read(SERVER)
    (package,) = description["packages"]
    assert f"mcp-name: {description['name']} " in (ROOT / "README.md").read_text()
    assert {description["version"], package["version"]} == {__version__}
    assert (package["registryType"], package["identifier"]) == ("pypi", "telefonie-mcp")
    secret = {each["name"] for each in package["environmentVariables"] if each.get("isSecret")}
    assert secret == {f"TELEFONIE_{name.upper()}" for name in SECRETS}


def test_the_registrys_defaults_are_accepted_and_change_nothing() -> None:
    (package,) = read(SERVER)["packages"]
    given = {each["name"]: each.get("default", "") for each in package["environmentVariables"]}
    assert read_settings(given) == Settings()
    for each in package["environmentVariables"]:
        for choice in each.get("choices", ()):
            assert getattr(read_settings({each["name"]: choice}), each["name"].lower()[10:]) == choice


def substituted(value: str, user: dict[str, str]) -> str:
    for name, setting in user.items():
        value = value.replace(f"${{user_config.{name}}}", setting)
    return value


@pytest.mark.parametrize(("key", "mode"), [("", "sandbox"), ("key-0451-abcdef", "live")])
def test_a_desktop_client_that_is_left_as_it_is_gets_safe_settings(key: str, mode: str) -> None:
    manifest = read(MANIFEST)
    asked = manifest["user_config"]
    user = {name: str(option["default"]).lower() for name, option in asked.items()} | {"api_key": key}
    env = {name: substituted(value, user) for name, value in manifest["server"]["mcp_config"]["env"].items()}
    settings = read_settings(env)
    assert settings.mode == mode
    assert settings.model_copy(update={"api_key": None}) == Settings()


def test_every_question_of_a_desktop_client_is_a_setting() -> None:
    manifest = read(MANIFEST)
    for name, option in manifest["user_config"].items():
        assert name in Settings.model_fields
        assert option.get("sensitive", False) is (name in SECRETS)
        assert option["required"] is False
    assert "api_key" in manifest["user_config"]
    assert (ROOT / manifest["server"]["entry_point"]).exists()
