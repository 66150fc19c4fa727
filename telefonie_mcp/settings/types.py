"""How values of settings are written, and what they are then; pure.

Each function reads one form, for pydantic, and raises :class:`ValueError` with the remedy. A value that is
not text is taken as it is: a program gives what it means.
"""

import ipaddress
import os
import re
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from telefonie_mcp.money import money
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.text import did_you_mean

__all__ = [
    "Address",
    "Country",
    "Host",
    "Money",
    "Number",
    "address",
    "base_url",
    "is_loopback",
    "ledger_url",
    "paths",
    "secret_list",
    "toolsets",
    "words",
]

_ALL: Final = "all"
_SECRET_LENGTH: Final = 32


def paths(value: Any) -> Any:
    """Read paths, separated as the system separates them in ``PATH``."""
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def words(value: Any) -> Any:
    """Read words, separated by commas."""
    if not isinstance(value, str):
        return value
    words = [word for part in value.split(",") if (word := part.strip())]
    if not words:
        raise ValueError("names nothing, and an empty list would limit nothing; leave it out instead")
    return words


def secret_list(value: Any) -> Any:
    """Read secrets, separated by commas, each long enough to resist guessing."""
    secrets = [secret if isinstance(secret, SecretStr) else SecretStr(secret) for secret in words(value)]
    if any(len(secret.get_secret_value()) < _SECRET_LENGTH for secret in secrets):
        raise ValueError(
            f"each must have at least {_SECRET_LENGTH} characters; "
            'python -c "import secrets; print(secrets.token_hex(32))" makes one'
        )
    return secrets


def _number(value: Any) -> Any:
    from telefonie_mcp.numbering.e164 import normalise_number, number_problem  # noqa: PLC0415

    number = normalise_number(str(value))
    if problem := number_problem(number):
        raise ValueError(f"each {problem}")
    return number


def _host(value: Any) -> Any:
    host = str(value).lower().rstrip(".")
    if not re.fullmatch(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
        raise ValueError(
            "each must be a host name without scheme, port and path, such as example.com or *.example.com"
        )
    return host


def _country(value: Any) -> Any:
    from telefonie_mcp.numbering.countries import country_problem, normalise_country  # noqa: PLC0415

    code = normalise_country(str(value))
    if problem := country_problem(code):
        raise ValueError(f"each {problem}")
    return code


def toolsets(value: Any) -> Any:
    """Read the names of toolsets, separated by commas; ``all`` stands for every one."""
    names = words(value)
    for name in names:
        if name not in (*TOOLSETS, _ALL):
            raise ValueError(f"there is no toolset {name!r}; {did_you_mean(str(name), (*TOOLSETS, _ALL))}")
    return [name for name in TOOLSETS if name in names or _ALL in names]


def _money(value: Any) -> Any:
    amount = money(value)
    if amount is None:
        raise ValueError("must be an amount of money, such as 2.50")
    return amount


Money = Annotated[Decimal, BeforeValidator(_money)]
Country = Annotated[str, BeforeValidator(_country)]
Host = Annotated[str, BeforeValidator(_host)]
Number = Annotated[str, BeforeValidator(_number)]


class Address(BaseModel):
    """A loopback address to listen on."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(value: Any) -> Any:
    """Read ``HOST:PORT`` or ``PORT``, on loopback."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:(\[[0-9a-fA-F:]+\]|[^:\[\]]+):)?(\d{1,5})", value.strip())
    if not match:
        raise ValueError("must be HOST:PORT or PORT, such as 127.0.0.1:8000")
    host = (match[1] or "127.0.0.1").strip("[]")
    if not is_loopback(host):
        raise ValueError(
            f"must be a loopback address, not {host}: this server has no authorization of its own. "
            "Put a reverse proxy with authorization in front of it"
        )
    return {"host": host, "port": int(match[2])}


def base_url(value: Any) -> Any:
    """Read the address of an API: https, or http to loopback."""
    if not isinstance(value, str):
        return value
    url = urlsplit(value.strip())
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise ValueError("must be an absolute http(s) URL, such as https://api.telefonie.com/v1/numbers")
    if url.username or url.password:
        raise ValueError("must not contain a user name or password")
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise ValueError(
            "must be https, or the API key would travel unencrypted; plain http only to loopback"
        )
    return value.strip().rstrip("/")


def ledger_url(value: SecretStr) -> SecretStr:
    """Read a file, or the URL of a database that the ledger can use."""
    scheme, separator, _ = value.get_secret_value().partition("://")
    if separator and scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise ValueError("must be a file or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
