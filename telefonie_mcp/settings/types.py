"""Value types of settings, and the parsers that pydantic calls before validation; pure.

Each parser reads one notation and raises :class:`ValueError` with the remedy. A value that is not text comes
from a program and is returned unchanged.
"""

import ipaddress
import os
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, cast
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from telefonie_mcp.money import limit
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.text import did_you_mean

__all__ = [
    "Address",
    "Country",
    "Host",
    "Money",
    "Number",
    "Origin",
    "PublicUrl",
    "Url",
    "address",
    "base_url",
    "is_below",
    "is_loopback",
    "ledger_url",
    "paths",
    "secret_list",
    "toolsets",
    "upload_dirs",
    "words",
]

_ALL: Final = "all"
_MIN_SECRET_LENGTH: Final = 32
_MIN_PARTS: Final = 2
"""Parts of a path that is not the root."""

_PORTS: Final = {"http": 80, "https": 443}
"""Schemes of HTTP, and the port that each has by default."""


def paths(value: Any) -> Any:
    """Parse paths separated as in ``PATH`` (``os.pathsep``)."""
    given = [value] if isinstance(value, str) else cast("Iterable[Any]", value or ())
    if found := next((each for each in given if isinstance(each, str) and "://" in each), None):
        raise ValueError(f"{found} is a URL; download the document, and give the path of its file")
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def upload_dirs(value: tuple[Path, ...]) -> tuple[Path, ...]:
    """Check that each is an absolute directory, and not the whole machine."""
    for directory in value:
        if not directory.is_absolute() or not directory.is_dir():
            raise ValueError("each must be the absolute path of a directory that exists")
        if len(directory.resolve().parts) < _MIN_PARTS:
            raise ValueError("must not be the root: only documents to send belong there")
    return value


def is_below(path: Path, directories: Iterable[Path]) -> bool:
    """Return whether a file is below one of the directories, once links are resolved."""
    return any(path.resolve().is_relative_to(directory.resolve()) for directory in directories)


def words(value: Any) -> Any:
    """Parse a comma-separated list; an empty one is an error."""
    if not isinstance(value, str):
        return value
    words = [word for part in value.split(",") if (word := part.strip())]
    if not words:
        raise ValueError("names nothing, and an empty list would limit nothing; leave it out instead")
    return words


def secret_list(value: Any) -> Any:
    """Parse a comma-separated list of secrets of at least 32 characters each."""
    secrets = [secret if isinstance(secret, SecretStr) else SecretStr(secret) for secret in words(value)]
    if any(len(secret.get_secret_value()) < _MIN_SECRET_LENGTH for secret in secrets):
        raise ValueError(
            f"each must have at least {_MIN_SECRET_LENGTH} characters; "
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
    """Parse a comma-separated list of toolsets; ``all`` means every one."""
    names = words(value)
    for name in names:
        if name not in (*TOOLSETS, _ALL):
            raise ValueError(f"there is no toolset {name!r}; {did_you_mean(str(name), (*TOOLSETS, _ALL))}")
    return [name for name in TOOLSETS if name in names or _ALL in names]


def _money(value: Any) -> Any:
    amount = limit(value)
    if amount is None:
        raise ValueError("must be an amount of money, such as 2.50")
    return amount


Money = Annotated[Decimal, BeforeValidator(_money)]
Country = Annotated[str, BeforeValidator(_country)]
Host = Annotated[str, BeforeValidator(_host)]
Number = Annotated[str, BeforeValidator(_number)]


class Address(BaseModel):
    """An address to listen on."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(value: Any) -> Any:
    """Parse ``HOST:PORT`` or ``PORT``; without a host, loopback."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:(\[[0-9a-fA-F:]+\]|[^:\[\]]+):)?(\d{1,5})", value.strip())
    if not match:
        raise ValueError("must be HOST:PORT or PORT, such as 127.0.0.1:8000")
    return {"host": (match[1] or "127.0.0.1").strip("[]"), "port": int(match[2])}


def base_url(value: Any) -> Any:
    """Check the base URL of an API: https, or http to a loopback address."""
    if not isinstance(value, str):
        return value
    _checked_url(value, "https://api.telefonie.com/v1/numbers", "the API key would travel unencrypted")
    return value.strip().rstrip("/")


def _url(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    _checked_url(value, "https://id.example.com", "anybody on the way could forge what it says")
    return value.strip()  # an issuer is compared exactly, with its last slash


def _public_url(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    url = _checked_url(value, "https://numbers.example.com/mcp", "tokens would travel unencrypted")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", url.path) or "/." in url.path:
        raise ValueError("must have a path of letters, digits, -, ., _ and ~, such as /mcp")
    port = f":{url.port}" if url.port and url.port != _PORTS[url.scheme] else ""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}{port}{url.path.removesuffix('/') if url.path == '/' else url.path}"


def _origin(value: Any) -> Any:
    url = urlsplit(str(value).lower())
    if url.scheme not in _PORTS or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise ValueError("each must be scheme, host and perhaps port, such as https://app.example.com")
    if "@" in url.netloc or "*" in url.netloc:
        raise ValueError("each must name one origin, without * and user name")
    default = url.port is None or url.port == _PORTS[url.scheme]
    return f"{url.scheme}://{url.netloc.removesuffix(f':{url.port}') if default else url.netloc}"


def _checked_url(value: str, example: str, risk: str) -> SplitResult:
    """Return a URL that is https, or http to a loopback address."""
    url = urlsplit(value.strip())
    if url.scheme not in _PORTS or not url.hostname or url.query or url.fragment or " " in url.netloc:
        raise ValueError(f"must be an absolute http(s) URL, such as {example}")
    if url.username is not None or url.password is not None:
        raise ValueError("must not contain a user name or password")
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise ValueError(f"must be https, or {risk}; plain http only to loopback")
    _ = url.port  # a ValueError of its own
    return url


Url = Annotated[str, BeforeValidator(_url)]
PublicUrl = Annotated[str, BeforeValidator(_public_url)]
Origin = Annotated[str, BeforeValidator(_origin)]


def ledger_url(value: SecretStr) -> SecretStr:
    """Check that a ledger is a file, or a URL of SQLite or PostgreSQL."""
    scheme, separator, _ = value.get_secret_value().partition("://")
    if separator and scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise ValueError("must be a file or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE")
    return value


@lru_cache
def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address, or ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def keeps_secrets(url: str) -> bool:
    """Return whether a key can be sent to a URL: encrypted, or within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
