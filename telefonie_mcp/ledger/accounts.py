"""How accounts of live APIs are named in the ledger; pure.

A name outlives the API key and the spelling of the API's address: a rotated key, or ``localhost`` instead of
``127.0.0.1``, must neither reset a budget nor orphan a write without an outcome.
"""

import ipaddress
from urllib.parse import urlsplit

from telefonie_mcp.ledger.records import Account

__all__ = ["is_earlier_name", "live_account"]

_EARLIER: str = "live"
"""Began the name of a live account before it had a name of its own: ``live HOST FINGERPRINT``."""

_PORTS = {"http": 80, "https": 443}


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
