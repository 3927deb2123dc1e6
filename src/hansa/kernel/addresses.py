"""Which network addresses the node may contact: public ones, and those it was told to trust.

Rules, in order: an address or host on the allow-list may be contacted; an IPv6 address that carries an
IPv4 one (mapped, NAT64) is judged by that; anything that is not a plain public unicast address is
refused. Tunnelled forms (6to4, Teredo, IPv4-compatible, translated) are refused whatever they carry:
no server lives there, and they have been ways around guards.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from hansa.kernel.errors import HansaError

__all__ = ["AllowList", "Pinned", "address_fault", "host_fault"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Pinned:
    """A host that may be contacted, and the checked addresses to contact it at, in order."""

    host: str
    port: int
    addresses: tuple[str, ...]


_IPV4_REFUSED: Final = {
    "this network": "0.0.0.0/8",
    "private": "10.0.0.0/8",
    "shared (carrier NAT)": "100.64.0.0/10",
    "loopback": "127.0.0.0/8",
    "link-local": "169.254.0.0/16",
    "private (172.16)": "172.16.0.0/12",
    "protocol assignment": "192.0.0.0/24",
    "documentation": "192.0.2.0/24",
    "6to4 relay": "192.88.99.0/24",
    "private (192.168)": "192.168.0.0/16",
    "benchmarking": "198.18.0.0/15",
    "documentation (198.51)": "198.51.100.0/24",
    "documentation (203.0)": "203.0.113.0/24",
    "multicast": "224.0.0.0/4",
    "reserved": "240.0.0.0/4",
}
_IPV6_REFUSED: Final = {
    "IPv4-compatible or loopback": "::/96",
    "translated": "::ffff:0:0:0/96",
    "local NAT64": "64:ff9b:1::/48",
    "discard": "100::/64",
    "Teredo": "2001::/32",
    "protocol assignment": "2001::/23",
    "documentation": "2001:db8::/32",
    "6to4": "2002::/16",
    "documentation (3fff)": "3fff::/20",
    "unique local": "fc00::/7",
    "link-local": "fe80::/10",
    "site-local": "fec0::/10",
    "multicast": "ff00::/8",
}
_REFUSED: Final[dict[int, list[tuple[Network, str]]]] = {
    4: [(IPv4Network(net), name) for name, net in _IPV4_REFUSED.items()],
    6: [(IPv6Network(net), name) for name, net in _IPV6_REFUSED.items()],
}
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_GLOBAL: Final = IPv6Network("2000::/3")
_HOST_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._:\-]+")
_NUMBER_LABEL: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")


def address_fault(address: Address) -> str | None:
    """The kind of address that the node must not contact; ``None`` when it is a public one."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        fault = address_fault(IPv4Address(int(address) & 0xFFFF_FFFF))
        return f"{fault} inside IPv6" if fault else None
    for network, name in _REFUSED[address.version]:
        if address in network:
            return name.partition(" (")[0]
    if isinstance(address, IPv6Address) and address not in _GLOBAL:
        return "unassigned"
    return None


def host_fault(host: str) -> str | None:
    """What is wrong with a host name before it is even looked up; ``None`` when nothing is.

    Numbers that look like addresses in other notations (decimal, octal, hexadecimal, short) are
    refused, because programs disagree about what they mean.
    """
    if not host or len(host) > 253:
        return "has no host name" if not host else "has a host name that is too long"
    if not _HOST_CHARACTERS.fullmatch(host):
        return "has a character that no host name can have"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if _NUMBER_LABEL.fullmatch(host.rpartition(".")[2]):
            return "has a number for a host that is not an IP address in its usual form"
    return None


class AllowList:
    """Hosts, addresses and networks that may be contacted although they are not public.

    Args:
        entries: for example ``("127.0.0.1", "10.1.0.0/16", "sensors.internal")``.

    Raises:
        HansaError: an entry is none of these.
    """

    __slots__ = ("_hosts", "_networks")

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._hosts.add(_host_name(entry))

    def has_host(self, host: str) -> bool:
        """Whether every address of `host` is allowed."""
        return host.rstrip(".").lower() in self._hosts

    def has_address(self, address: Address) -> bool:
        """Whether `address` is allowed, also when written as IPv4 inside IPv6."""
        if isinstance(address, IPv6Address) and address in _MAPPED:
            address = IPv4Address(int(address) & 0xFFFF_FFFF)
        return any(address in network for network in self._networks)


def _host_name(entry: str) -> str:
    name = entry.rstrip(".").lower()
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_\-]*[a-z0-9_])?(\.[a-z0-9_\-]+)*", name):
        raise HansaError(
            f"allow-list entry '{entry[:80]}'",
            "is not a host, address or network",
            "write for example sensors.internal, 10.1.2.3 or 10.1.0.0/16",
        )
    return name
