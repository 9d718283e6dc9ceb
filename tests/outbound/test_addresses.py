"""Which addresses are reached."""

import socket
from ipaddress import ip_address

import pytest

from kettle_web.outbound import addresses
from kettle_web.outbound.addresses import address_refusal, host_is_allowed, host_vet, host_vet_async
from kettle_web.outbound.errors import AddressRefused

REFUSED = {
    "0.0.0.0": "unspecified",
    "10.1.2.3": "private",
    "100.64.0.1": "CGNAT",
    "100.127.255.255": "CGNAT",
    "100.100.100.200": "CGNAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "protocols",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4",
    "192.168.1.1": "private",
    "198.19.255.255": "benchmarks",
    "198.51.100.1": "documentation",
    "203.0.113.9": "documentation",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::ffff:127.0.0.1": "mapped",
    "::ffff:8.8.8.8": "mapped",
    "::ffff:0:127.0.0.1": "translated",
    "::127.0.0.1": "compatible",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::808:808": "NAT64",
    "64:ff9b:1::1": "NAT64",
    "100::1": "discarded",
    "2001::1": "Teredo",
    "2001:20::1": "protocols",
    "2001:db8::1": "documentation",
    "2002:7f00:1::1": "6to4",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
}
REACHED = ["8.8.8.8", "1.1.1.1", "140.82.121.3", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize(("address", "word"), REFUSED.items())
def test_special_address_is_refused(address: str, word: str) -> None:
    assert word in (address_refusal(address) or "")


@pytest.mark.parametrize("address", REACHED)
def test_public_address_is_reached(address: str) -> None:
    assert address_refusal(address) is None
    assert address_refusal(ip_address(address)) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f.1", "::1", "[::1]", "0"])
def test_loopback_in_every_spelling_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        host_vet(host, 443)
    assert caught.value.code in ("address.refused", "address.unresolved")


@pytest.mark.parametrize(
    ("allowed", "host", "port", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "127.0.0.1", 81, False),
        ("Git.Example.", "git.example", 1, True),
        ("git.example", "git.example.evil", 1, False),
        ("git.example", "evil.git.example", 1, False),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::1", 81, False),
        ("::1", "[::1]", 5, True),
    ],
)
def test_operator_allows_hosts_by_name_and_port(allowed: str, host: str, port: int, expected: bool) -> None:
    assert host_is_allowed(host, port, (allowed,)) is expected


def test_allowed_host_is_given_its_private_address() -> None:
    assert host_vet("127.0.0.1", 80, ("127.0.0.1:80",)) == [ip_address("127.0.0.1")]


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(0, 0, 0, "", (address, port)) for address in found]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)


def test_name_that_leads_to_both_gives_only_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, "10.0.0.1", "8.8.8.8", "::1", "8.8.8.8")
    assert host_vet("mixed.example", 443) == [ip_address("8.8.8.8")]


def test_name_that_leads_inside_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, "169.254.169.254")
    with pytest.raises(AddressRefused, match="link-local") as caught:
        host_vet("metadata.example", 80)
    assert caught.value.code == "address.refused"
    assert not caught.value.retry


@pytest.mark.parametrize(("errno", "retry"), [(socket.EAI_AGAIN, True), (socket.EAI_NONAME, False)])
async def test_unresolved_name_says_so(errno: int, retry: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(errno, "x")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(AddressRefused) as caught:
        host_vet("nowhere.example", 80)
    assert (caught.value.code, caught.value.retry) == ("address.unresolved", retry)
    with pytest.raises(AddressRefused):
        await host_vet_async("nowhere.example", 80)
