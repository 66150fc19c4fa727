"""Accounts in the ledger: their names and their limits; pure, and cheap to import.

A name outlives the API key and the spelling of the API's address: a rotated key, or ``localhost`` instead of
``127.0.0.1``, must neither reset a budget nor orphan a write without an outcome.
"""

import ipaddress
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["Account", "Limits", "is_earlier_name", "live_account"]

_EARLIER: str = "live"
"""Began the name of a live account before it had a name of its own: ``live HOST FINGERPRINT``."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Account:
    """Whose numbers a write is about.

    Attributes:
        name: Its name in the ledger, which outlives its API key and the spelling of the API's address.
        key: Fingerprint of the API key in use; empty without one.

    """

    name: str
    key: str = ""


class Limits(NamedTuple):
    """Budgets of an account; ``None`` sets no limit.

    Attributes:
        monthly_spend: Sum of the monthly rates of what this ledger bought and still holds.
        purchases_per_day: Purchases and submitted ports in any 24 hours.
        releases_per_day: Releases and cancelled ports in any 24 hours.

    """

    monthly_spend: Decimal | None = None
    purchases_per_day: int | None = None
    releases_per_day: int | None = None


def live_account(name: str, server: str, key: str) -> Account:
    """Return the account called ``name`` at the API whose base URL is ``server``.

    Args:
        name: What the operator calls it.
        server: Base URL of the API.
        key: Fingerprint of the API key in use.

    """
    url = urlsplit(server)
    port = url.port or _PORTS.get(url.scheme.lower(), 0)
    return Account(f"{name} {_normalised(url.hostname or '')}:{port}", key)


def is_earlier_name(earlier: str, account: Account) -> bool:
    """Whether an account of an earlier release, named by host and key, is ``account``."""
    word, _, rest = earlier.partition(" ")
    place, _, key = rest.rpartition(" ")
    if word != _EARLIER or key != account.key:
        return False
    host = account.name.rpartition(" ")[2]
    return any(live_account("", f"{scheme}://{place}", key).name.strip() == host for scheme in _PORTS)


def _normalised(host: str) -> str:
    """Return one spelling of a host; every name of this machine is the same."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return "127.0.0.1" if address.is_loopback else address.compressed
