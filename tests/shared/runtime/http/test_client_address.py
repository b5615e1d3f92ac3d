"""The client's address behind proxies: what a proxy that we trust says, and nothing that the client can write itself."""

import pytest

from shared.runtime.config.settings import InvalidSettings
from shared.runtime.http.client_address import UNKNOWN, group_of, read_trusted_proxies

PROXIES = read_trusted_proxies("10.0.0.0/8, 127.0.0.1,::1")


def client_of(peer: str | None, *lines: str) -> str:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    return PROXIES.client_of({"client": (peer, 1) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "lines", "client"),
    [
        ("9.9.9.9", [], "9.9.9.9"),
        ("9.9.9.9", ["1.2.3.4"], "9.9.9.9"),
        ("10.1.1.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.1.1.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.1.1.1", ["6.6.6.6, 1.2.3.4, 10.2.2.2"], "1.2.3.4"),
        ("10.1.1.1", ["6.6.6.6", "1.2.3.4, 10.2.2.2"], "1.2.3.4"),
        ("10.1.1.1", ["1.2.3.4:5678"], "1.2.3.4"),
        ("::1", ["[2001:db8::7]:5678"], "2001:db8::7"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.1.1.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["nonsense"], "10.1.1.1"),
        ("10.1.1.1", ["1.2.3.4, nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", ["10.3.3.3"], "10.3.3.3"),
        (None, ["1.2.3.4"], UNKNOWN),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    peer: str | None, lines: list[str], client: str
):
    assert client_of(peer, *lines) == client


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_an_ipv6_subscriber_counts_as_one_client(address: str, group: str):
    assert group_of(address) == group


@pytest.mark.parametrize("content", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_bad_network_is_refused(content: str):
    with pytest.raises(InvalidSettings, match="ETUDE_TRUSTED_PROXIES"):
        read_trusted_proxies(content)


def test_nobody_is_trusted_when_it_is_empty():
    assert not read_trusted_proxies("").trusts("127.0.0.1")
