"""The settings, each with type, bounds, default, and the description for ``--help`` and the docs."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.settings import types
from telefonie_mcp.settings.types import Address, Country, Host, Money, Number

__all__ = ["PREFIX", "Settings"]

PREFIX: Final = "TELEFONIE_"

_MIN_KEY_LENGTH: Final = 8
"""Characters of the shortest API key: a shorter one stands in ordinary text too, so it cannot be redacted."""


class Settings(BaseModel):
    """The settings of one server; immutable.

    Raises:
        pydantic.ValidationError: a value is not allowed, or settings contradict each other. ``reading`` turns
            it into a ``SettingsError``.

    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

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
    sandbox: bool | None = Field(
        default=None, description="Use the embedded sandbox even with an API key; off demands live."
    )
    sandbox_db: str | None = Field(
        default=None, description="Where the sandbox keeps its state: a file, or :memory:."
    )
    http: Annotated[Address | None, BeforeValidator(types.address)] = Field(
        default=None,
        description="Serve Streamable HTTP on this loopback HOST:PORT, path /mcp, instead of stdio.",
    )
    http_json: bool = Field(
        default=False,
        description="Answer over HTTP with plain JSON instead of event streams: faster, but a client of 2025 "
        "cannot be asked in the middle of a call, so TELEFONIE_APPROVAL=human refuses it.",
    )
    state_dir: Path | None = Field(
        default=None, description="Where the ledger is kept, unless TELEFONIE_LEDGER says."
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
        default="warning", description="How much goes to stderr."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Form of the log on stderr.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.api_key and self.api_key_file:
            raise ValueError("TELEFONIE_API_KEY and TELEFONIE_API_KEY_FILE contradict each other; set one")
        if self.sandbox is False and not (self.api_key or self.api_key_file):
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
        if self.api_key_file and types.is_below(self.api_key_file, self.upload_dirs):
            raise ValueError("TELEFONIE_API_KEY_FILE is below TELEFONIE_UPLOAD_DIRS: an agent could send it")
        return self

    @property
    def mode(self) -> Literal["sandbox", "live"]:
        """``live`` with an API key, unless ``sandbox`` is true; otherwise ``sandbox``."""
        return "live" if (self.api_key or self.api_key_file) and not self.sandbox else "sandbox"

    @cached_property
    def key(self) -> SecretStr | None:
        """The live API's key, from the variable or the file; ``None`` in the sandbox.

        Raises:
            SettingsError: the key's file cannot be read, or its content cannot be a key.

        """
        if self.mode == "sandbox":
            return None
        source = "TELEFONIE_API_KEY" if self.api_key else "TELEFONIE_API_KEY_FILE"
        held = self.api_key.get_secret_value() if self.api_key else _read(self.api_key_file or Path())
        key = held.strip()
        if not re.fullmatch(r"[!-~]+", key):
            raise SettingsError(f"{source} does not hold an API key: one line of visible ASCII characters")
        if re.fullmatch(r"\$\{.*\}", key):
            raise SettingsError(f"{source} holds a placeholder that the client did not fill in")
        if len(key) < _MIN_KEY_LENGTH:
            raise SettingsError(
                f"{source} holds an API key of fewer than {_MIN_KEY_LENGTH} characters, which could not be "
                "told from ordinary text where it must be hidden; ask the provider for a longer one"
            )
        return SecretStr(key)

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
        """The secrets that logs must redact."""
        password = urlsplit(self.ledger.get_secret_value()).password if self.ledger else None
        secrets = (self.api_key, self.key, SecretStr(password or ""), *self.state_keys)
        return [secret for secret in secrets if secret and secret.get_secret_value()]

    @property
    def sandbox_database(self) -> str:
        """Path of the sandbox's database, or ``:memory:``."""
        if self.sandbox_db:
            return self.sandbox_db
        from platformdirs import user_data_path  # noqa: PLC0415 - live servers need no data directory

        return str(user_data_path("telefonie-mcp", appauthor=False) / "sandbox.sqlite3")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SettingsError(f"TELEFONIE_API_KEY_FILE cannot be read ({reason})") from error
