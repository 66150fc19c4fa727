"""Settings for serving HTTP, on one desk or at a public address for many people ("hosted mode").

``TELEFONIE_PUBLIC_URL`` turns hosted mode on: the server is an OAuth 2.1 resource server, and every request
needs a token of ``TELEFONIE_ISSUER``. Without it HTTP is served on loopback only, without authorization.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from telefonie_mcp.settings import types
from telefonie_mcp.settings.types import Address, Origin, PublicUrl, Url

__all__ = ["HostedSettings"]

_POSTGRESQL: Final = "postgresql"

_NEED_HOSTED: Final = (
    "issuer",
    "audience",
    "introspection_url",
    "introspection_client",
    "introspection_secret_file",
    "tenants",
    "allowed_origins",
)
"""Settings that would protect or allow nothing without a public URL."""


class HostedSettings(BaseModel):
    """The settings for serving HTTP, which ``Settings`` has beside all others, and validates."""

    model_config = ConfigDict(defer_build=True)

    http: Annotated[Address | None, BeforeValidator(types.address)] = Field(
        default=None,
        description="Serve Streamable HTTP on this HOST:PORT, path /mcp, instead of stdio. Only loopback, "
        "unless TELEFONIE_PUBLIC_URL is set.",
    )
    http_json: bool = Field(
        default=False,
        description="Answer over HTTP with plain JSON instead of event streams: faster, but a client of 2025 "
        "cannot be asked in the middle of a call, so TELEFONIE_APPROVAL=human refuses it.",
    )
    public_url: PublicUrl | None = Field(
        default=None,
        description="The https URL at which clients reach the server, such as "
        "https://numbers.example.com/mcp. Every request then needs a token of TELEFONIE_ISSUER. Plain http "
        "only to loopback.",
    )
    issuer: Url | None = Field(
        default=None,
        description="Issuer of the tokens, exactly as they name it; its metadata names its keys. "
        "Plain http only to loopback.",
    )
    audience: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Audience that tokens must name, instead of TELEFONIE_PUBLIC_URL."
    )
    introspection_url: Url | None = Field(
        default=None, description="Where opaque tokens are looked up (RFC 7662). Plain http only to loopback."
    )
    introspection_client: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="The client_id with which this server looks up tokens."
    )
    introspection_secret_file: Path | None = Field(
        default=None, description="File that holds the secret of TELEFONIE_INTROSPECTION_CLIENT."
    )
    tenants: Path | None = Field(
        default=None,
        description="TOML file: a table for each tenant, with its own API key and limits. Without it, "
        "everybody with a good token shares the operator's key.",
    )
    tenant_claim: str = Field(
        default="sub", min_length=1, description="The claim of a token that names the tenant, such as org_id."
    )
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(types.words)] = Field(
        default=(),
        description="Browser origins that may call, such as https://app.example.com, beside that of "
        "TELEFONIE_PUBLIC_URL.",
    )
    legacy_sessions: Literal["sticky", "stateless"] = Field(
        default="sticky",
        description="Clients of 2025: sticky keeps a session on one replica, and the proxy must route by "
        "Mcp-Session-Id; stateless: any replica, and such a client cannot be asked in the middle of a call.",
    )
    drain_seconds: float = Field(
        default=5,
        ge=0,
        le=600,
        description="Seconds for which /readyz says 503 before a stopping server takes no more calls.",
    )
    metrics: Annotated[Address | None, BeforeValidator(types.address)] = Field(
        default=None,
        description="Serve Prometheus metrics on this HOST:PORT, without authorization: keep it off the "
        "public network. Needs the extra telemetry.",
    )

    @property
    def hosted(self) -> bool:
        """Whether this server is at a public address, and every request needs a token."""
        return self.public_url is not None

    @property
    def introspection_secret(self) -> SecretStr | None:
        """The secret with which tokens are looked up.

        Raises:
            SettingsError: its file cannot be read, or its content cannot be a secret.

        """
        if self.introspection_secret_file is None:
            return None
        from telefonie_mcp.settings.keys import read_secret  # noqa: PLC0415 - most servers have none

        return read_secret(self.introspection_secret_file, "TELEFONIE_INTROSPECTION_SECRET_FILE")

    @property
    def hidden_secret(self) -> SecretStr | None:
        """The same, if it is long enough to be told from ordinary text."""
        if (secret := self.introspection_secret) is None:
            return None
        from telefonie_mcp.settings.keys import MIN_KEY_LENGTH  # noqa: PLC0415 - most servers have none

        return secret if len(secret) >= MIN_KEY_LENGTH else None

    @property
    def hosting_warnings(self) -> Iterator[str]:
        """Sentences about what the operator should know at the start."""
        if self.introspection_secret and not self.hidden_secret:
            yield (
                "TELEFONIE_INTROSPECTION_SECRET_FILE holds a secret so short that it can be guessed, and not "
                "be hidden where it stands in a text; let the issuer make a longer one"
            )

    @property
    def hosting_files(self) -> dict[Path, str]:
        """The files that hold secrets or name them, and what each is."""
        files = {self.introspection_secret_file: "the client secret in", self.tenants: "TELEFONIE_TENANTS,"}
        return {file: what for file, what in files.items() if file}

    def hosting_problems(self, ledger: str, *, sealed: bool, key: bool, account: bool) -> Iterator[str]:
        """Yield why these settings cannot be meant, each in one sentence that names them.

        Args:
            ledger: Path or URL of the ledger, if it is set.
            sealed: Whether there are keys that seal pending approvals.
            key: Whether the operator has an API key.
            account: Whether the operator names an account.

        """
        if not self.hosted:
            yield from self._local_problems()
            return
        if self.issuer is None:
            yield "TELEFONIE_PUBLIC_URL needs TELEFONIE_ISSUER, whose tokens are accepted"
        introspection = (self.introspection_url, self.introspection_client, self.introspection_secret_file)
        if any(introspection) and not all(introspection):
            yield (
                "TELEFONIE_INTROSPECTION_URL, TELEFONIE_INTROSPECTION_CLIENT and "
                "TELEFONIE_INTROSPECTION_SECRET_FILE go together; set all three, or none"
            )
        if ledger.startswith(_POSTGRESQL) and not sealed:
            yield (
                "TELEFONIE_STATE_KEYS is missing: servers that share a PostgreSQL ledger must share the "
                "secrets that seal pending approvals"
            )
        if self.tenants and key:
            yield (
                "TELEFONIE_TENANTS and TELEFONIE_API_KEY or TELEFONIE_API_KEY_FILE contradict each other; "
                "each tenant has its own api_key_file"
            )
        if self.tenants and account:
            yield (
                "TELEFONIE_TENANTS and TELEFONIE_ACCOUNT contradict each other; each tenant's account has "
                "its name"
            )

    def _local_problems(self) -> Iterator[str]:
        if self.http and not types.is_loopback(self.http.host):
            yield (
                f"TELEFONIE_HTTP: must be a loopback address, not {self.http.host}, unless "
                "TELEFONIE_PUBLIC_URL and TELEFONIE_ISSUER are set: without them, nobody has to sign in"
            )
        for name in _NEED_HOSTED:
            if getattr(self, name):
                yield f"TELEFONIE_{name.upper()} does nothing without TELEFONIE_PUBLIC_URL; set both or none"
