"""Merges a configuration into the text of a client's file; everything else in it stays unchanged. Pure.

In an existing entry for this server, settings that the configuration does not name stay as well, so that
leaving a limit out does not lift it.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from telefonie_mcp.cli.config import jsonc, toml
from telefonie_mcp.cli.config.clients import ClientProfile
from telefonie_mcp.cli.config.entry import OWN_INPUTS, SERVER, Configuration
from telefonie_mcp.errors import SettingsError, TelefonieError
from telefonie_mcp.settings.fields import PREFIX
from telefonie_mcp.settings.reading import read_settings

__all__ = ["MergeError", "kept", "merged", "removed"]

_REMOTE: Final = frozenset({"url", "serverUrl", "httpUrl"})
"""Members of an entry for a remote server."""


class MergeError(TelefonieError):
    """The configuration cannot be merged; the message is a sentence about the file."""


def merged(text: str, configuration: Configuration, *, replace: bool = False) -> str:
    """Return ``text`` with the configuration merged into it.

    Args:
        text: The content of the client's file.
        configuration: What is asked.
        replace: Whether the entry shall say exactly that, and nothing of what it said before.

    Raises:
        MergeError: the text is invalid, the merge would lose something, or the server would not start.

    """
    client = configuration.client
    path = (client.servers, SERVER)
    write = _into_toml if client.syntax == "toml" else _into_json
    tree = _parsed(text, client)
    old = _entry(tree, client.servers, remote=replace)
    new = _without_placeholders(configuration, old, replace=replace)
    _check(new if replace else {**old, **new, "env": {**_table(old, "env"), **_table(new, "env")}})
    try:
        for asked in configuration.inputs:
            text = _with_input(text, tree.get("inputs"), asked)
        if replace and old:
            if old == new:
                return text
            text, old = _without(text, client), {}
        return write(text, path, old, new)
    except ValueError as error:
        raise MergeError(str(error)) from error


def removed(text: str, client: ClientProfile) -> str:
    """Return ``text`` without this server's entry and the inputs that only it asks for.

    Raises:
        MergeError: the text is invalid, or the entry cannot be removed without losing something.

    """
    tree = _parsed(text, client)
    if not isinstance(tree, dict):
        raise MergeError("its root is not an object")
    try:
        text = _without(text, client)
        inputs = cast("dict[str, Any]", tree).get("inputs")
        if client.asks and isinstance(inputs, list):
            asked = cast("list[Any]", inputs)
            others = [each for each in asked if not _is_own_input(each)]
            if others != asked:
                text = jsonc.put(text, ("inputs",), others) if others else jsonc.remove(text, ("inputs",))
    except ValueError as error:
        raise MergeError(str(error)) from error
    return text


def kept(text: str, configuration: Configuration) -> list[str]:
    """Return what the entry in ``text`` says besides the configuration, by name: variables and members."""
    client = configuration.client
    old, new = _entry(_parsed(text, client), client.servers), configuration.entry
    asked = {*_table(new, "env"), *new.get("env_vars", ())}
    names = [*_table(old, "env"), *(name for name in old.get("env_vars", ()) if isinstance(name, str))]
    members = [name for name in old if name not in new and name not in {"env", "env_vars", "args"}]
    return [*dict.fromkeys(name for name in names if name not in asked), *members]


def _parsed(text: str, client: ClientProfile) -> Any:
    read = toml.parse if client.syntax == "toml" else jsonc.parse
    try:
        return read(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise MergeError(f"it is not valid {client.syntax.upper()}: {error}") from error


def _without(text: str, client: ClientProfile) -> str:
    """Return ``text`` without this server's entry."""
    if not text.strip():
        return text
    return (toml.remove if client.syntax == "toml" else jsonc.remove)(text, (client.servers, SERVER))


def _is_own_input(asked: Any) -> bool:
    identity = cast("dict[str, Any]", asked).get("id") if isinstance(asked, dict) else None
    return isinstance(identity, str) and identity in OWN_INPUTS


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


def _entry(tree: Any, servers: str, *, remote: bool = False) -> dict[str, Any]:
    """Return the existing entry of this server, or an empty one; a ``remote`` server's if allowed."""
    if not isinstance(tree, dict):
        raise MergeError("its root is not an object")
    old = _table(_table(cast("dict[str, Any]", tree), servers), SERVER)
    if (found := _REMOTE & old.keys()) and not remote:
        raise MergeError(f"its {SERVER} is a server on the network ({', '.join(found)}); remove that first")
    return old


def _table(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tree.get(name, {})
    if not isinstance(table, dict):
        raise MergeError(f"{name} is not an object")
    return cast("dict[str, Any]", table)


def _without_placeholders(
    configuration: Configuration, old: Mapping[str, Any], *, replace: bool
) -> dict[str, Any]:
    """Return the new entry without placeholders, which must not be written into a file."""
    new: dict[str, Any] = dict(configuration.entry)
    if "args" in old and not replace:
        new.setdefault("args", [])
    if configuration.missing:
        there = _table(old, "env")
        if absent := [name for name in configuration.missing if name not in there]:
            raise MergeError(
                f"{configuration.client.title} can refer to no secret, and {', '.join(absent)} is one. Put "
                "the key into a file and set TELEFONIE_API_KEY_FILE instead, or add --with-key"
            )
        new["env"] = {n: v for n, v in _table(new, "env").items() if n not in configuration.missing}
        if replace:
            new["env"] |= {name: there[name] for name in configuration.missing}
    return new


def _check(entry: Mapping[str, Any]) -> None:
    """Raise ``MergeError`` if the merged settings are invalid, for example if two contradict each other."""
    given = {name: str(value) for name, value in _table(entry, "env").items() if name.startswith(PREFIX)}
    given |= {name: "$" for name in entry.get("env_vars", ()) if isinstance(name, str)}
    secret = "x" * 32
    try:
        read_settings({name: secret if value.startswith("$") else value for name, value in given.items()})
    except SettingsError as error:
        raise MergeError(f"the server would not start with what is in it then: {error}") from error
