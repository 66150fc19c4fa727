"""The tenants of a hosted server: who they are, whose key they use, and how they tighten the settings.

``TELEFONIE_TENANTS`` names a TOML file with a table per tenant, whose name is its account in the ledger:

    [tenants.acme]
    claim = "org_123"
    api_key_file = "/run/secrets/acme"
    max_monthly_spend = 25
    countries = ["US", "CA"]

``claim`` is the value of ``TELEFONIE_TENANT_CLAIM`` in the tokens of its people. Every other member is a
setting that restricts (:data:`~telefonie_mcp.settings.tightening.RESTRICTING`), under its own name. Where one
is looser than the operator's, the operator's holds, and a warning says so. What cannot be meant is an error.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.files import readable_by_others, to_make_private
from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.settings.keys import expanded, read_toml
from telefonie_mcp.settings.problems import problems_of
from telefonie_mcp.settings.tightening import RESTRICTING, tightened
from telefonie_mcp.text import clean_line, did_you_mean

__all__ = ["Tenant", "Tenants", "at_table", "read_tenants"]

_SETTING: Final = "TELEFONIE_TENANTS"
_OWN: Final = ("claim", "api_key_file")
_EXAMPLE: Final = '[tenants.acme] with claim = "org_123" and api_key_file = "/run/secrets/acme"'
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant.

    Attributes:
        name: Its name, which is its account in the ledger.
        claim: The value of the claim that names it in a token.
        settings: The operator's settings, tightened, with its key.
        where: Its table, for messages.
        asked: The settings in its table.

    """

    name: str
    claim: str
    settings: Settings
    where: str = ""
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants of a file.

    Attributes:
        by_claim: Value of the claim → tenant.
        warnings: Sentences about what the operator should know.

    """

    by_claim: Mapping[str, Tenant]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.by_claim)

    def __iter__(self) -> Iterator[Tenant]:
        """Iterate over the tenants in the file's order."""
        return iter(self.by_claim.values())

    def of(self, claim: Any) -> Tenant | None:
        """Return the tenant that a claim names; ``None`` if it names none, or several.

        A list, as some authorization servers write organizations, names those whose values are in it.
        """
        values = cast("list[Any]", claim) if isinstance(claim, list) else [claim]
        texts = {str(each) for each in values if isinstance(each, str | int) and not isinstance(each, bool)}
        found = [self.by_claim[text] for text in texts if text in self.by_claim]
        return found[0] if len(found) == 1 else None


def read_tenants(file: Path, operator: Settings) -> Tenants:
    """Return the tenants of a file, each with the operator's settings as it tightens them.

    Raises:
        SettingsError: the file or a key cannot be read, or a table or a member cannot be meant. The message
            names the file, the table, the member, and what is right.

    """
    if operator.sandbox:
        raise SettingsError(
            "TELEFONIE_SANDBOX contradicts TELEFONIE_TENANTS: the embedded sandbox is one account for all; "
            "serve it with telefonie-mcp sandbox --port, an account per key; name it in TELEFONIE_BASE_URL"
        )
    file = expanded(file, _SETTING)
    tenants: dict[str, Tenant] = {}
    keys: dict[bytes, str] = {}
    warnings: list[str] = []
    for name, table in _tables(file).items():
        where = f"{_SETTING}: {file.name}: [tenants.{name}]"
        given = _members(table, name, where)
        claim = _claim(given.pop("claim", None), where)
        if other := tenants.get(claim):
            raise SettingsError(f"{where}: claim {claim!r} is also that of [tenants.{other.name}]")
        key_file = file.parent / _key_file(given.pop("api_key_file", None), where)
        values, looser = _restrictions(given, operator, where)
        warnings += looser
        own = {"api_key_file": key_file, "account": name, "tenants": None}
        settings = _settings(operator, {**values, **own})
        with at_table(where, [*given, "api_key_file"]):
            accesses = settings.accesses  # reads the key now, and not when a call needs it
        if shared := next((stem for stem, access in accesses.own.items() if access.own), None):
            raise SettingsError(
                f"TELEFONIE_SPEC_CREDENTIALS: api_key_file of [{shared}] would be the key of every tenant of "
                "TELEFONIE_TENANTS; a server with tenants has only theirs"
            )
        if readable_by_others(key_file):
            warnings.append(
                f"{where}: others can read the API key in {key_file}; {to_make_private(key_file)}"
            )
        digest = hashlib.sha256(accesses.shared.text.encode()).digest()
        if (other_name := keys.setdefault(digest, name)) != name:
            warnings.append(
                f"{where}: api_key_file holds the key of [tenants.{other_name}] too: both see the same "
                "numbers, and each has budgets of its own"
            )
        tenants[claim] = Tenant(name, claim, settings, where, frozenset(given))
    return Tenants(tenants, tuple(warnings))


class at_table:  # noqa: N801 - reads as the statement it is used in
    """Let a ``SettingsError`` of the block name the table and its members, instead of the variables."""

    def __init__(self, where: str, members: Any) -> None:
        self._where = where
        self._members = frozenset(members)

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raise the error with the table in its message."""
        if isinstance(error, SettingsError):
            text = re.sub(rf"{PREFIX}([A-Z_]+)", self._member, str(error))
            raise SettingsError(f"{self._where}: {text}") from error

    def _member(self, match: re.Match[str]) -> str:
        name = match[1].lower()
        return name if name in self._members else match[0]


def _tables(file: Path) -> Mapping[str, Any]:
    tree = read_toml(file, _SETTING)
    for name in tree:
        if name != "tenants":
            near = did_you_mean(name, ["tenants"], f"every table is called [tenants.NAME], as in {_EXAMPLE}")
            raise SettingsError(f"{_SETTING}: {file.name}: {clean_line(name, 80)} is unknown; {near}")
    tables = tree.get("tenants")
    if not isinstance(tables, Mapping) or not tables:
        raise SettingsError(f"{_SETTING}: {file.name} has no tenant; add one, such as {_EXAMPLE}")
    return cast("Mapping[str, Any]", tables)


def _members(table: Any, name: str, where: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise SettingsError(
            f"{where}: it is no table; write [tenants.NAME], and claim and api_key_file below"
        )
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{where}: the name is an account in the ledger: a letter or digit, and up to 63 letters, "
            "digits, dots, underscores and hyphens"
        )
    known = sorted({*_OWN, *RESTRICTING})
    given = dict(cast("Mapping[str, Any]", table))
    for member, value in given.items():
        if member in known:
            continue
        if member == "api_key":
            raise SettingsError(f"{where}: api_key is not read here; put the key into a file: api_key_file")
        if member == "account":
            raise SettingsError(f"{where}: account does not restrict; a tenant's account has its name")
        if member in Settings.model_fields:
            raise SettingsError(
                f"{where}: {member} does not restrict, so it is the operator's alone: "
                f"{PREFIX}{member.upper()} holds for every tenant"
            )
        if isinstance(value, Mapping):
            quoted = f'[tenants."{name}.{member}"]'
            raise SettingsError(f"{where}: {member} is a table; a name with a dot is quoted: {quoted}")
        near = did_you_mean(member, known, cutoff=0.6)
        raise SettingsError(f"{where}: {clean_line(member, 80)} is unknown; {near}")
    return given


def _claim(value: Any, where: str) -> str:
    if value is None:
        raise SettingsError(
            f'{where}: claim is missing: the value of TELEFONIE_TENANT_CLAIM, such as claim = "org_123"'
        )
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f'{where}: claim must be a text, such as claim = "org_123"')
    return value


def _key_file(value: Any, where: str) -> Path:
    if value is None:
        raise SettingsError(f'{where}: api_key_file is missing, such as api_key_file = "/run/secrets/acme"')
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f'{where}: api_key_file must be a text, such as "/run/secrets/acme"')
    return expanded(Path(value), f"{where}: api_key_file")


def _restrictions(
    given: Mapping[str, Any], operator: Settings, where: str
) -> tuple[Mapping[str, Any], list[str]]:
    """Return the settings as a table tightens them, and sentences about those that it would loosen."""
    for name, value in given.items():
        if value in ([], ""):
            raise SettingsError(
                f"{where}: {name} names nothing, and would limit nothing; leave it out instead"
            )
        if isinstance(value, bool) and not isinstance(Settings.model_fields[name].default, bool):
            raise SettingsError(f"{where}: {name} must be a value, not {str(value).lower()}")
    try:
        table = _table_type().model_validate(given)
    except ValidationError as error:
        problems = "; ".join(f"{name}: {text}" for name, text in problems_of(error))
        raise SettingsError(f"{where}: {problems}") from error
    try:
        made = tightened(operator, {name: getattr(table, name) for name in given})
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error
    return made.values, [
        f"{where}: {name} is looser than {PREFIX}{name.upper()} of the operator, which holds"
        for name in made.looser
    ]


@cache
def _table_type() -> type[BaseModel]:
    """Return the type of a table: the settings that restrict, validated as the variables are."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in Settings.model_fields.items()
        if name in RESTRICTING
    }
    config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    return create_model("TenantTable", __config__=config, **fields)


def _settings(operator: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return valid settings with valid changes, and nothing that was cached in the others."""
    values = {name: getattr(operator, name) for name in Settings.model_fields}
    changed = {name: value for name, value in changes.items() if name in values}
    return Settings.model_construct(_every_field(), **{**values, **changed})


@cache
def _every_field() -> set[str]:
    """Return what pydantic would make anew, of 2 kB, for each of many tenants: the fields that are set."""
    return {*Settings.model_fields}
