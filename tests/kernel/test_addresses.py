"""Which addresses the node may contact."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.addresses import AllowList, address_fault, host_fault
from hansa.kernel.errors import HansaError


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0.0.0.0", "this network"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "shared"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.31.255.255", "private"),
        ("192.168.0.1", "private"),
        ("192.0.0.8", "protocol assignment"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4 relay"),
        ("198.19.0.1", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "IPv4-compatible"),
        ("::1", "IPv4-compatible or loopback"),
        ("::127.0.0.1", "IPv4-compatible"),
        ("::ffff:127.0.0.1", "loopback inside IPv6"),
        ("::ffff:10.0.0.1", "private inside IPv6"),
        ("::ffff:0:127.0.0.1", "translated"),
        ("64:ff9b::7f00:1", "loopback inside IPv6"),
        ("64:ff9b:1::1", "local NAT64"),
        ("2001::1", "Teredo"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::1", "6to4"),
        ("2002:808:808::1", "6to4"),
        ("3fff::1", "documentation"),
        ("fc00::1", "unique local"),
        ("fd12:3456::1", "unique local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("4000::1", "unassigned"),
    ],
)
def test_addresses_that_are_not_public_are_refused(text: str, kind: str) -> None:
    assert kind in (address_fault(ip_address(text)) or "")


PUBLIC = """8.8.8.8 93.184.216.34 172.32.0.1 100.128.0.1 2606:4700::1111 64:ff9b::808:808
    ::ffff:8.8.8.8""".split()

ODD = """2130706433 0x7f000001 0x7f.1 017700000001 127.1 127.0.0.01 1.2.3.4.5 fe80::1%eth0 a_b!c
    example.0x1""".split()


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_pass(text: str) -> None:
    assert address_fault(ip_address(text)) is None


@given(st.ip_addresses())
def test_nothing_passes_that_python_knows_to_be_private(address: IPv4Address) -> None:
    if address_fault(address) is None:
        assert not address.is_private
        assert not address.is_loopback
        assert not address.is_multicast
        assert not address.is_link_local
        assert not address.is_unspecified


@pytest.mark.parametrize("host", ["", "a" * 254, *ODD])
def test_hosts_in_odd_notations_are_refused(host: str) -> None:
    assert host_fault(host)


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "::1", "xn--bcher-kva.example", "a1"])
def test_plain_hosts_pass(host: str) -> None:
    assert host_fault(host) is None


def test_the_allow_list_knows_hosts_addresses_and_networks() -> None:
    allow = AllowList(["Sensors.Internal.", "10.1.0.0/16", "::1", "fd00::/8"])
    assert allow.has_host("sensors.internal")
    assert not allow.has_host("other.sensors.internal")
    assert allow.has_address(ip_address("10.1.255.1"))
    assert allow.has_address(ip_address("::ffff:10.1.2.3"))
    assert allow.has_address(ip_address("::1"))
    assert allow.has_address(ip_address("fd00::7"))
    assert not allow.has_address(ip_address("10.2.0.1"))


@pytest.mark.parametrize("entry", ["", "http://x", "10.0.0.0/99", "a b", "*.example.org", "-x"])
def test_a_faulty_entry_is_named(entry: str) -> None:
    with pytest.raises(HansaError, match="allow-list entry"):
        AllowList([entry])
