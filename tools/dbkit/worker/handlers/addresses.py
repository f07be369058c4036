"""Where a delivery may go: a tenant names the host, so it must not be able to name one of ours.

The name is looked up once, every answer is judged, and the connection goes to the very address that was judged: a
name that changes its address in between (DNS rebinding) gains nothing. Spellings such as 0x7f000001 or ::ffff:10.0.0.1
are addresses by the time they are judged.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from dbkit.worker.job import JobError, PermanentError

__all__ = ["is_public", "look_up"]

# Prefixes that carry an IPv4 address to a gateway.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def look_up(host: str, port: int, *, trusted: bool) -> list[str]:
    """The addresses of a host, in the order the resolver prefers.

    Args:
        trusted: the operator vouches for the host; private addresses are fine.

    Raises:
        PermanentError: an address is not a public one.
        JobError: the name has no address now.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise JobError("the webhook's host has no address") from None
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not trusted and not all(is_public(address) for address in addresses):
        raise PermanentError("the webhook's host is not on the public internet")
    return addresses


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet, seen through every way to wrap an IPv4 address in IPv6."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and (inner := _wrapped(address)) is not None:
        return _is_public(inner)
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or int(address) >> 32 == 0:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
