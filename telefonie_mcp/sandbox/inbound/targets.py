"""Addresses that webhooks may be delivered to: public ones, unless private ones are allowed.

A name is resolved once and the connection goes to the address that was checked, so that a name server cannot
answer the check and the connection differently (DNS rebinding). A name with a private address among its
public ones is refused as a whole.
"""

import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import anyio

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → addresses, at least one; raises `OSError` where there are none."""

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: the last 32 bits are an IPv4 address
_IPV4_BITS: Final = 0xFFFFFFFF


class ForbiddenAddressError(Exception):
    """The address is private, and private ones are not allowed."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


async def resolve(host: str, port: int) -> list[str]:
    """Resolve a host with the system's resolver."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def checked_address(host: str, port: int, lookup: Resolve, *, allow_private: bool) -> str:
    """Return the address to connect to.

    Raises `ForbiddenAddressError` for a private one, `OSError` if there is none.
    """
    addresses = await lookup(host, port)
    private = next((address for address in addresses if not is_public(address)), None)
    if private is not None and not allow_private:
        raise ForbiddenAddressError(private)
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an address is a public unicast address.

    An IPv6 address that contains an IPv4 address is judged by the latter.
    """
    ip = ip_address(address)
    inner = _inner(ip) if isinstance(ip, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or site_local)


def _inner(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & _IPV4_BITS)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
