"""Whose key and whose server the requests of a document use.

``TELEFONIE_API_KEY`` and ``TELEFONIE_BASE_URL`` serve every document. One that an operator adds can have its
own in a TOML file (``TELEFONIE_SPEC_CREDENTIALS``), in a table named by the document's file name without its
ending:

    [infobip]
    api_key_file = "/run/secrets/infobip"
    base_url = "https://abc.api.infobip.com"

A document with its own key is never sent to the address of another provider: where its table has no
``base_url``, its requests go to the server that it names itself, and not to ``TELEFONIE_BASE_URL``.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.settings import types
from telefonie_mcp.settings.keys import MIN_KEY_LENGTH, expanded, read_key, read_toml
from telefonie_mcp.text import did_you_mean
from telefonie_mcp.upstream.credentials import SentCredential, credentials_for, secrets_in

__all__ = ["Access", "Accesses", "read_spec_credentials"]

_SETTING: Final = "TELEFONIE_SPEC_CREDENTIALS"
_NAMES: Final = ("api_key_file", "base_url")


@dataclass(frozen=True, slots=True)
class Access:
    """How the requests of a document reach its API.

    Attributes:
        key: The key; ``None`` if there is none.
        base_url: Address of the API, instead of the one in the document.
        account: Name of the account in the ledger.
        key_setting: The setting that the key comes from, in words.
        url_setting: The setting that the address comes from, in words.
        key_file: The file that holds the key, if one does.
        own: The key is the document's own.

    """

    key: SecretStr | None
    base_url: str | None
    account: str
    key_setting: str = "TELEFONIE_API_KEY"
    url_setting: str = "TELEFONIE_BASE_URL"
    key_file: Path | None = None
    own: bool = False

    @property
    def text(self) -> str:
        """The key as text; empty if there is none."""
        return self.key.get_secret_value() if self.key else ""

    def server(self, operation: Operation) -> str:
        """Return the base URL for requests of an operation; empty if there is none."""
        return self.base_url or operation.server

    def credentials(self, operation: Operation) -> tuple[SentCredential, ...]:
        """Return what of the key goes with the requests of an operation.

        Where the document leaves the key optional, it is not sent unencrypted.
        """
        sent = credentials_for(operation.security, self.text) or ()
        if sent and () in operation.security and not types.keeps_secrets(self.server(operation)):
            return ()
        return sent


@dataclass(frozen=True, slots=True)
class Accesses:
    """The access of every document: ``own`` has those with a table, by the stem of the document's file."""

    shared: Access
    own: Mapping[str, Access]

    def of(self, stem: str) -> Access:
        """Return the access of the document whose file is called ``stem``; empty for a packaged document."""
        return self.own.get(stem, self.shared)

    def __iter__(self) -> Iterator[Access]:
        """Iterate over the shared access and those of documents."""
        yield self.shared
        yield from self.own.values()

    @property
    def secrets(self) -> set[str]:
        """Every part of a key that may be a secret and can be hidden, whatever it is used for."""
        parts = {part for access in self for part in secrets_in(access.text)}
        return {part for part in parts if len(part) >= MIN_KEY_LENGTH}


def read_spec_credentials(file: Path, documents: Collection[Path], shared: Access) -> dict[str, Access]:
    """Return the access of every document that has a table, by the stem of its file name.

    Args:
        file: The TOML file. Relative paths in it begin in its directory.
        documents: The files of the documents.
        shared: The access of documents without a table.

    Raises:
        SettingsError: the file or a key cannot be read, or a table or a member cannot be meant. The message
            names the file, the table, and what is right.

    """
    file = expanded(file, _SETTING)
    if not (tree := read_toml(file, _SETTING)):
        raise SettingsError(f"{_SETTING}: {file.name} has no table; add one per document, such as [infobip]")
    stems = Counter(document.stem for document in documents)
    accesses: dict[str, Access] = {}
    accounts: dict[str, str] = {}  # key → name: tables with one key are one account
    for name, table in tree.items():
        where = f"{_SETTING}: {file.name}: [{name}]"
        if stems[name] != 1:
            raise SettingsError(f"{where}: {_stem_problem(name, table, stems)}")
        given = _members(table, name, stems, where)
        url_setting = f"base_url of [{name}] in {_SETTING}"
        base_url = _base_url(given["base_url"], where) if "base_url" in given else None
        if "api_key_file" not in given:
            accesses[name] = Access(
                shared.key, base_url, shared.account, shared.key_setting, url_setting, shared.key_file
            )
            continue
        source = f"{where}: api_key_file {given['api_key_file']}"
        key_file = file.parent / expanded(Path(given["api_key_file"]), source)
        key = read_key(key_file, source, several=True)
        account = accounts.setdefault(key.get_secret_value(), f"{shared.account}/{name}")
        if shared.key == key:
            account = shared.account
        setting = f"api_key_file of [{name}] in {_SETTING}"
        accesses[name] = Access(key, base_url, account, setting, url_setting, key_file, own=True)
    return accesses


def _stem_problem(name: str, table: Any, stems: Counter[str]) -> str:
    if stems[name] > 1:
        return f"{stems[name]} documents of TELEFONIE_SPEC are called {name}; rename one"
    if not isinstance(table, Mapping):
        return f"it is no table; write [DOCUMENT] above {name}"
    dotted = [stem for stem in stems if stem.startswith(f"{name}.")]
    if dotted:
        return f'a name with a dot is quoted: ["{dotted[0]}"]'
    return (
        "no document of TELEFONIE_SPEC is called so; a table is named by the file name without its ending; "
        f"{did_you_mean(name, stems)}"
    )


def _members(table: Any, name: str, stems: Counter[str], where: str) -> Mapping[str, str]:
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where}: it is no table; write [{name}], and {' or '.join(_NAMES)} below it")
    given = cast("Mapping[str, Any]", table)
    for member, value in given.items():
        if member not in _NAMES:
            quoted = f"{name}.{member}"
            remedy = f'a name with a dot is quoted: ["{quoted}"]' if stems[quoted] else ""
            raise SettingsError(f"{where}: {member} is unknown; {remedy or did_you_mean(member, _NAMES)}")
        if not isinstance(value, str) or not value.strip():
            raise SettingsError(f"{where}: {member} must be a text, such as {member} = {_EXAMPLES[member]}")
    if not given:
        raise SettingsError(f"{where}: it is empty; write {' or '.join(_NAMES)} below it, or leave it out")
    return given


_EXAMPLES: Final = {"api_key_file": '"/run/secrets/key"', "base_url": '"https://api.example.com"'}


def _base_url(text: str, where: str) -> str:
    try:
        return types.base_url(text)
    except ValueError as error:
        raise SettingsError(f"{where}: base_url {error}") from error
