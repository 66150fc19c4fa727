"""The generated parts of manifest.json and server.json, and the packaged documents as JSON.

`python -m tests.packaging.generated` writes them.
"""

import json
import re
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from telefonie_mcp import __version__
from telefonie_mcp.cli.commands import SECRETS
from telefonie_mcp.cli.config.launch import HTTP
from telefonie_mcp.openapi.documents import load_documents, parsed_package
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.tools.derivation import build_catalog

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "manifest.json"
SERVER = ROOT / "server.json"


def manifest(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle's manifest with the version, and the tools that are on unless the operator says."""
    toolsets: tuple[str, ...] = Settings.model_fields["toolsets"].default
    catalog = build_catalog(load_documents(toolsets=toolsets))
    tools = [{"name": tool.name, "description": tool.operation.description} for tool in catalog]
    env = {PREFIX + name.upper(): f"${{user_config.{name}}}" for name in tree["user_config"]}
    config = {**tree["server"]["mcp_config"], "env": env}
    server = {**tree["server"], "mcp_config": config}
    return {**tree, "version": __version__, "server": server, "tools": tools}


def server(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the registry's description with the version and every setting of a stdio server."""
    (package,) = tree["packages"]
    variables = [_variable(name, field) for name, field in Settings.model_fields.items() if name not in HTTP]
    package = {**package, "version": __version__, "environmentVariables": variables}
    return {**tree, "version": __version__, "packages": [package]}


def _variable(name: str, field: FieldInfo) -> dict[str, Any]:
    variable: dict[str, Any] = {"name": PREFIX + name.upper(), "description": field.description}
    default = re.sub(r"[()' ]|frozenset|None", "", str(field.default)).lower()
    if default:
        variable["default"] = default
    if choices := [choice for choice in get_args(field.annotation) if isinstance(choice, str)]:
        variable["choices"] = choices
    if field.annotation is bool or field.annotation == bool | None:
        variable["format"] = "boolean"
    if name == "api_key_file":
        variable["format"] = "filepath"
    if name in SECRETS:
        variable["isSecret"] = True
    return variable


def text(tree: dict[str, Any]) -> str:
    """Return JSON as these files have it."""
    return json.dumps(tree, ensure_ascii=False, indent=2) + "\n"


FILES = {MANIFEST: manifest, SERVER: server}
PACKAGES = {
    ROOT / f"telefonie_mcp/openapi/data/telefonie-{name}.json": f"telefonie-{name}" for name in TOOLSETS
}


def package(name: str) -> str:
    """Return a packaged document and its hints as JSON, of which its two YAML files are the source."""
    return json.dumps(parsed_package(name), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for path, name in PACKAGES.items():
        path.write_text(package(name), "utf-8")
    for path, part in FILES.items():
        path.write_text(text(part(json.loads(path.read_text()))))
