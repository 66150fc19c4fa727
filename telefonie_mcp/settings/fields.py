"""The settings, each with type, bounds, default, and the description for ``--help`` and the docs."""

from functools import cached_property
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.settings import types
from telefonie_mcp.settings.hosted import HostedSettings
from telefonie_mcp.settings.types import Country, Host, Money, Number

if TYPE_CHECKING:
    from telefonie_mcp.settings.access import Accesses

__all__ = ["PREFIX", "Settings"]

PREFIX: Final = "TELEFONIE_"


class Settings(HostedSettings):
    """The settings of one server; immutable.

    Raises:
        pydantic.ValidationError: a value is not allowed, or settings contradict each other. ``reading`` turns
            it into a ``SettingsError``.

    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=False)

    api_key: SecretStr | None = Field(
        default=None, description="API key of the live Telefonie API. Without one: the sandbox."
    )
    api_key_file: Path | None = Field(
        default=None, description="File that holds the API key, instead of TELEFONIE_API_KEY."
    )
    base_url: Annotated[str | None, BeforeValidator(types.base_url)] = Field(
        default=None,
        description="Address of the API, instead of the one in its document. Plain http only to loopback.",
    )
    timeout: float = Field(
        default=30, ge=1, le=600, description="Seconds for one tool call in all, retries included."
    )
    spec: Annotated[tuple[Path, ...], BeforeValidator(types.paths)] = Field(
        default=(),
        description="OpenAPI document to add, or to replace the packaged one of the same title. Repeatable.",
    )
    spec_credentials: Path | None = Field(
        default=None,
        description="TOML file: a table for each added document that has its own api_key_file or base_url.",
    )
    sandbox: bool | None = Field(
        default=None, description="Use the embedded sandbox even with an API key; off demands live."
    )
    sandbox_db: str | None = Field(
        default=None, description="Where the sandbox keeps its state: a file, or :memory:."
    )
    apps: bool = Field(default=True, description="Offer clients of MCP Apps a page with the numbers.")
    state_dir: Path | None = Field(
        default=None, description="Directory of the ledger, unless TELEFONIE_LEDGER names one."
    )
    ledger: Annotated[SecretStr, AfterValidator(types.ledger_url)] | None = Field(
        default=None,
        description="Ledger of every write: a file, or for several machines "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE.",
    )
    account: str = Field(
        default="default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Name of the live account in the ledger; budgets belong to it, whatever its API key is.",
    )
    state_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(types.secret_list)] = Field(
        default=(),
        description="Secrets of 32 or more characters, comma separated, that seal pending approvals.",
    )
    read_only: bool = Field(default=False, description="No tool that writes is listed or callable.")
    toolsets: Annotated[tuple[str, ...], BeforeValidator(types.toolsets)] = Field(
        default=tuple(name for name, toolset in TOOLSETS.items() if toolset.default),
        description="Groups of tools, comma separated: numbers, lookup, porting, or all.",
    )
    live_porting: bool = Field(
        default=False,
        description="The live account can port numbers; with the toolset porting, its tools are listed.",
    )
    tools: Annotated[tuple[str, ...], BeforeValidator(types.words)] = Field(
        default=(), description="Only these tools, comma separated."
    )
    exclude_tools: Annotated[tuple[str, ...], BeforeValidator(types.words)] = Field(
        default=(), description="Not these tools, comma separated; wins over TELEFONIE_TOOLS."
    )
    approval: Literal["confirm", "human", "block"] = Field(
        default="confirm",
        description="What destructive calls need: confirm; human: a person's yes too; block refuses them.",
    )
    max_monthly_rate: Money | None = Field(
        default=None, description="The most that one number may cost per month."
    )
    max_monthly_spend: Money | None = Field(
        default=None,
        description="The most that all numbers bought or ported here may cost per month together.",
    )
    max_purchases_per_day: int | None = Field(
        default=None, ge=0, description="Purchases and submitted ports in any 24 hours."
    )
    max_releases_per_day: int | None = Field(
        default=None, ge=0, description="Releases and cancelled ports in any 24 hours."
    )
    currency: str | None = Field(
        default=None,
        pattern="^[A-Z]{3}$",
        description="Currency of the account (ISO 4217), such as USD: shown beside rates, never converted; "
        "a rate in another one is not accepted.",
    )
    countries: Annotated[frozenset[Country], BeforeValidator(types.words)] = Field(
        default=frozenset(), description="Countries whose numbers may be bought or ported, such as US,CA."
    )
    number_types: Annotated[frozenset[str], BeforeValidator(types.words)] = Field(
        default=frozenset(),
        description="Types of number that may be bought or ported, such as local,toll-free.",
    )
    webhook_hosts: Annotated[tuple[Host, ...], BeforeValidator(types.words)] = Field(
        default=(),
        description="Hosts that calls and SMS may be routed to, such as hooks.example.com,*.example.org.",
    )
    protected_numbers: Annotated[frozenset[Number], BeforeValidator(types.words)] = Field(
        default=frozenset(), description="Numbers in E.164 that no tool may change or release."
    )
    upload_dirs: Annotated[
        tuple[Path, ...], BeforeValidator(types.paths), AfterValidator(types.upload_dirs)
    ] = Field(
        default=(),
        description="Directories, separated as in PATH, whose files an agent on this machine may send as "
        "file:///PATH where base64 is wanted; never over HTTP.",
    )
    max_calls_per_minute: int = Field(
        default=600,
        ge=1,
        description="Tool calls that one caller may make in a minute; all together, ten times as many.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="How much goes to stderr: debug, info, warning or error."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Form of the log: text or json.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.api_key and self.api_key_file:
            raise ValueError("TELEFONIE_API_KEY and TELEFONIE_API_KEY_FILE contradict each other; set one")
        if self.spec_credentials and not self.spec:
            raise ValueError("TELEFONIE_SPEC_CREDENTIALS is about documents of TELEFONIE_SPEC; there is none")
        if self.sandbox is False and self.mode == "sandbox":
            raise ValueError(
                "live was asked for (TELEFONIE_SANDBOX is off), but there is no TELEFONIE_API_KEY"
            )
        if self.base_url and self.mode == "sandbox":
            raise ValueError(
                "TELEFONIE_BASE_URL needs TELEFONIE_API_KEY; the embedded sandbox has no address"
            )
        if self.sandbox_db and self.mode == "live":
            raise ValueError(
                "TELEFONIE_SANDBOX_DB is set, but the server would be live; add TELEFONIE_SANDBOX=true"
            )
        for name in ("api_key_file", "introspection_secret_file", "tenants"):
            if (file := getattr(self, name)) and types.is_below(file, self.upload_dirs):
                raise ValueError(
                    f"{PREFIX}{name.upper()} is below TELEFONIE_UPLOAD_DIRS: an agent could send it"
                )
        ledger = self.ledger.get_secret_value() if self.ledger else ""
        key, named = bool(self.api_key or self.api_key_file), "account" in self.model_fields_set
        problems = self.hosting_problems(ledger, sealed=bool(self.state_keys), key=key, account=named)
        if found := "; ".join(problems):
            raise ValueError(found)
        return self

    @property
    def mode(self) -> Literal["sandbox", "live"]:
        """``live`` with a key of any API, or tenants, unless ``sandbox`` is true; otherwise ``sandbox``."""
        live = self.api_key or self.api_key_file or self.spec_credentials or self.tenants
        return "live" if live and not self.sandbox else "sandbox"

    @cached_property
    def key(self) -> SecretStr | None:
        """The key from the variable or the file; ``None`` in the sandbox, or if only documents have keys.

        Raises:
            SettingsError: the key's file cannot be read, or its content cannot be a key.

        """
        if self.mode == "sandbox":
            return None
        from telefonie_mcp.settings.keys import checked_key, read_key  # noqa: PLC0415 - the sandbox has no key

        several = bool(self.spec)  # an operation of an added document may want several secrets
        if self.api_key:
            return checked_key(self.api_key.get_secret_value(), "TELEFONIE_API_KEY", several=several)
        if self.api_key_file:
            return read_key(self.api_key_file, "TELEFONIE_API_KEY_FILE", several=several)
        return None

    @cached_property
    def accesses(self) -> "Accesses":
        """Whose key and whose server the requests of each document use.

        Raises:
            SettingsError: a key or ``TELEFONIE_SPEC_CREDENTIALS`` cannot be used.

        """
        from telefonie_mcp.settings.access import Access, Accesses, read_spec_credentials  # noqa: PLC0415

        source = "TELEFONIE_API_KEY_FILE" if self.api_key_file else "TELEFONIE_API_KEY"
        shared = Access(self.key, self.base_url, self.account, source, key_file=self.api_key_file)
        if self.spec_credentials is None or self.mode == "sandbox":
            return Accesses(shared, {})
        return Accesses(shared, read_spec_credentials(self.spec_credentials, self.spec, shared))

    @property
    def secret_files(self) -> dict[Path, str]:
        """The files that hold keys or name them, and what each is."""
        files = self.hosting_files
        if self.api_key_file:
            files[self.api_key_file] = "the API key in"
        if self.spec_credentials:
            files |= {access.key_file: "the API key in" for access in self.accesses if access.key_file}
            files.setdefault(self.spec_credentials, "TELEFONIE_SPEC_CREDENTIALS,")
        return files

    @property
    def listed_toolsets(self) -> tuple[str, ...]:
        """The enabled toolsets, without those that the live account may lack."""
        return tuple(name for name in self.toolsets if not self._is_withheld(name))

    @property
    def absent_toolsets(self) -> str:
        """Sentences about toolsets that are off; one that is on by default is off on purpose."""
        sentences: list[str] = []
        for name, toolset in TOOLSETS.items():
            if toolset.default:
                continue
            switches = [] if name in self.toolsets else [f"TELEFONIE_TOOLSETS with {name}"]
            if self._is_withheld(name):
                switches.append(f"TELEFONIE_{toolset.live_setting.upper()}=true")
            if switches:
                needed = " and ".join(switches)
                sentences.append(f"{name.capitalize()} tools are off; the operator can set {needed}.")
        return " ".join(sentences)

    def _is_withheld(self, toolset: str) -> bool:
        """Return whether the toolset needs a setting in live mode, which is not set."""
        setting = TOOLSETS[toolset].live_setting
        return self.mode == "live" and bool(setting) and not getattr(self, setting)

    @property
    def ledger_url(self) -> str:
        """Path or URL of the ledger; by default beside the sandbox's database, or in the state directory."""
        if self.ledger:
            return self.ledger.get_secret_value()
        if self.mode == "sandbox" and not self.state_dir:
            database = self.sandbox_database
            return (
                database if database == ":memory:" else f"{database.removesuffix('.sqlite3')}-ledger.sqlite3"
            )
        if self.state_dir:
            return str(self.state_dir / f"{self.mode}-ledger.sqlite3")
        from platformdirs import user_state_path  # noqa: PLC0415

        return str(user_state_path("telefonie-mcp", appauthor=False) / "live-ledger.sqlite3")

    @property
    def secrets(self) -> list[SecretStr]:
        """The secrets that logs must redact, and every part of a key that may be one."""
        unused = [self.api_key] if self.api_key and self.mode == "sandbox" else []
        hidden = sorted(self.accesses.secrets) if self.mode == "live" else []
        return [*unused, *map(SecretStr, hidden), *self.local_secrets]

    @property
    def local_secrets(self) -> list[SecretStr]:
        """The secrets that are no key of an API."""
        password = urlsplit(self.ledger.get_secret_value()).password if self.ledger else None
        secrets = (SecretStr(password) if password else None, self.hidden_secret, *self.state_keys)
        return [secret for secret in secrets if secret]

    @property
    def sandbox_database(self) -> str:
        """Path of the sandbox's database, or ``:memory:``."""
        if self.sandbox_db:
            return expanduser(self.sandbox_db)  # noqa: PTH111 - without a home it stays as it is
        from platformdirs import user_data_path  # noqa: PLC0415 - live servers need no data directory

        return str(user_data_path("telefonie-mcp", appauthor=False) / "sandbox.sqlite3")
