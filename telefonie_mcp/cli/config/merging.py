"""Merges a configuration into the text of a client's file; everything else in it stays unchanged. Pure.

In an existing entry for this server, settings that the configuration does not name stay as well, so that
leaving a limit out does not lift it.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from telefonie_mcp.cli.config import jsonc, toml
from telefonie_mcp.cli.config.entry import SERVER, Configuration
from telefonie_mcp.errors import SettingsError, TelefonieError
from telefonie_mcp.settings.fields import PREFIX
from telefonie_mcp.settings.reading import read_settings

__all__ = ["MergeError", "merged"]

_REMOTE: Final = frozenset({"url", "serverUrl", "httpUrl"})
"""Members of an entry for a remote server."""


class MergeError(TelefonieError):
    """The configuration cannot be merged; the message is a sentence about the file."""


def merged(text: str, configuration: Configuration) -> str:
    """Return ``text`` with the configuration merged into it.

    Raises:
        MergeError: the text is invalid, the merge would lose something, or the server would not start.

    """
    client = configuration.client
    read, write = (toml.parse, _into_toml) if client.syntax == "toml" else (jsonc.parse, _into_json)
    try:
        tree: Any = read(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise MergeError(f"it is not valid {client.syntax.upper()}: {error}") from error
    old = _entry(tree, client.servers)
    new = _without_placeholders(configuration, old)
    _check({**old, **new, "env": {**_table(old, "env"), **_table(new, "env")}})
    try:
        for asked in configuration.inputs:
            text = _with_input(text, tree.get("inputs"), asked)
        return write(text, (client.servers, SERVER), old, new)
    except ValueError as error:
        raise MergeError(str(error)) from error


def _into_json(text: str, path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    text = text if text.strip() else "{}\n"
    if not old:
        return jsonc.put(text, path, new)
    for name in (name for name in new if name != "env"):
        text = jsonc.put(text, (*path, name), new[name])
    for name, value in _table(new, "env").items():
        text = jsonc.put(text, (*path, "env", name), value)
    return text


def _into_toml(text: str, path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    forwarded = list(old.get("env_vars", []))
    if forwarded := [*forwarded, *(name for name in new.get("env_vars", []) if name not in forwarded)]:
        new = {**new, "env_vars": forwarded}
    return toml.merge(text, path, new)


def _with_input(text: str, known: Any, asked: Mapping[str, Any]) -> str:
    """Return ``text`` with an input added, unless one of the ``known`` inputs has its id."""
    if isinstance(known, list) and any(
        isinstance(other, dict) and cast("dict[str, Any]", other).get("id") == asked["id"]
        for other in cast("list[Any]", known)
    ):
        return text
    return jsonc.append(text if text.strip() else "{}\n", ("inputs",), asked)


def _entry(tree: Any, servers: str) -> dict[str, Any]:
    """Return the existing entry of this server, or an empty one."""
    if not isinstance(tree, dict):
        raise MergeError("its root is not an object")
    old = _table(_table(cast("dict[str, Any]", tree), servers), SERVER)
    if remote := _REMOTE & old.keys():
        raise MergeError(f"its {SERVER} is a server on the network ({', '.join(remote)}); remove that first")
    return old


def _table(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tree.get(name, {})
    if not isinstance(table, dict):
        raise MergeError(f"{name} is not an object")
    return cast("dict[str, Any]", table)


def _without_placeholders(configuration: Configuration, old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new entry without placeholders, which must not be written into a file."""
    new: dict[str, Any] = dict(configuration.entry)
    if "args" in old:
        new.setdefault("args", [])
    if configuration.missing:
        there = _table(old, "env")
        if absent := [name for name in configuration.missing if name not in there]:
            raise MergeError(
                f"{configuration.client.title} can refer to no secret, and {', '.join(absent)} is one. Put "
                "the key into a file and set TELEFONIE_API_KEY_FILE instead, or add --with-key"
            )
        new["env"] = {n: v for n, v in _table(new, "env").items() if n not in configuration.missing}
    return new


def _check(entry: Mapping[str, Any]) -> None:
    """Raise ``MergeError`` if the merged settings are invalid, for example if two contradict each other."""
    given = {name: str(value) for name, value in entry["env"].items() if name.startswith(PREFIX)}
    given |= {name: "$" for name in entry.get("env_vars", ()) if isinstance(name, str)}
    secret = "x" * 32
    try:
        read_settings({name: secret if value.startswith("$") else value for name, value in given.items()})
    except SettingsError as error:
        raise MergeError(f"the server would not start with what is in it then: {error}") from error
