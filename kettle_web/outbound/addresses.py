"""Which addresses may be reached. Everything that is not plainly on the public Internet is refused.

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo),
RFC 6598 (100.64.0.0/10). Stops server-side request forgery: a page or a repository must not make this site reach what only it can.
"""

import asyncio
import socket
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from kettle_web.outbound.errors import AddressRefused

Address = IPv4Address | IPv6Address

MAX_ADDRESSES: Final = 8
"""Of one name. More are not tried: each may cost a connect timeout."""

_REFUSED4: Final = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's internal service"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_REFUSED6: Final = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "an IPv4 address in disguise (mapped)"),
        ("::ffff:0:0:0/96", "an IPv4 address in disguise (translated)"),
        ("::/96", "an IPv4 address in disguise (compatible)"),
        ("64:ff9b::/96", "an IPv4 address in disguise (NAT64)"),
        ("64:ff9b:1::/48", "an IPv4 address in disguise (NAT64)"),
        ("100::/64", "discarded"),
        ("2001::/32", "an IPv4 address in disguise (Teredo)"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "an IPv4 address in disguise (6to4)"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_PUBLIC6: Final = IPv6Network("2000::/3")
"""The only range from which public IPv6 addresses are given out."""


def address_refusal(ip: Address | str) -> str | None:
    """Give why the address may not be reached, as words that end «the address is …», or None where it may."""
    address = ip_address(ip.partition("%")[0]) if isinstance(ip, str) else ip
    if isinstance(address, IPv4Address):
        return next((why for network, why in _REFUSED4 if address in network), None)
    why = next((why for network, why in _REFUSED6 if address in network), None)
    if why is None and address not in _PUBLIC6:
        return "reserved"
    return why


def host_normalised(host: str) -> str:
    """Lower case, without the trailing dot or the brackets of an IPv6 address."""
    return host.strip("[]").rstrip(".").lower()


def host_is_allowed(host: str, port: int, allowed_hosts: Collection[str]) -> bool:
    """Whether the operator allowed the host, as `host`, `host:port`, or `[ipv6]:port`."""
    name = host_normalised(host)
    for allowed in allowed_hosts:
        if host_normalised(allowed) == name:
            return True
        allowed_host, _, allowed_port = allowed.rpartition(":")
        if allowed_host and host_normalised(allowed_host) == name and allowed_port == str(port):
            return True
    return False


def _vet(host: str, port: int, found: Iterable[str], allowed_hosts: Collection[str]) -> list[Address]:
    addresses = list(dict.fromkeys(ip_address(text) for text in found))
    if not addresses:
        raise AddressRefused("address.unresolved", f"The host «{host}» has no address.", retry=True)
    if host_is_allowed(host, port, allowed_hosts):
        return addresses[:MAX_ADDRESSES]
    refusals = {address: address_refusal(address) for address in addresses}
    vetted = [address for address in addresses if refusals[address] is None]
    if not vetted:
        why = next(iter(refusals.values()))
        raise AddressRefused(
            "address.refused",
            f"The host «{host}» cannot be used from here: its address is {why}. The operator can allow it by name (ALLOWED_SOURCE_HOSTS).",
        )
    return vetted[:MAX_ADDRESSES]


def _unresolved(host: str, error: Exception) -> AddressRefused:
    again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    return AddressRefused("address.unresolved", f"The host «{host}» was not found: check its name.", retry=again)


def host_vet(host: str, port: int, allowed_hosts: Collection[str] = ()) -> list[Address]:
    """Resolve a host and give the addresses that may be reached, at least one. Connect to one of these, never to the name again.

    Raises `AddressRefused`.
    """
    try:
        rows = socket.getaddrinfo(host_normalised(host), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _unresolved(host, error) from error
    return _vet(host, port, (str(row[4][0]) for row in rows), allowed_hosts)


async def host_vet_async(host: str, port: int, allowed_hosts: Collection[str] = ()) -> list[Address]:
    """The same without blocking the event loop."""
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host_normalised(host), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _unresolved(host, error) from error
    return _vet(host, port, (str(row[4][0]) for row in rows), allowed_hosts)
