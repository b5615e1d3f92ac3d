"""Which client a connection or request comes from, when proxies that we trust stand in between."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from shared.runtime.config.settings import InvalidSettings

VARIABLE = "ETUDE_TRUSTED_PROXIES"
IPV6_PREFIX = 64
"""A network of this size belongs to one subscriber, who can take any address in it."""
UNKNOWN = "unknown"
"""The address of a client on a Unix socket, which has none."""


class TrustedProxies:
    """The networks of the proxies whose `X-Forwarded-For` is believed."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network] = ()) -> None:
        self._networks = tuple(networks)
        self.trusts = lru_cache(maxsize=1_024)(self._trusts)

    def _trusts(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client_of(self, scope: Scope) -> str:
        """The address of the client: the last one that no trusted proxy has. A client can write any address before it."""
        client = peer_of(scope.get("client"))
        for hop in _forwarded_for(scope):
            if not self.trusts(client):
                break
            if _parse(hop) is None:
                break
            client = hop
        return client


def peer_of(client: tuple[str, int] | None) -> str:
    return client[0] if client else UNKNOWN


def group_of(address: str) -> str:
    """What limits count: an IPv4 address, or the network of an IPv6 address."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed or UNKNOWN)


def read_trusted_proxies(content: str) -> TrustedProxies:
    """Addresses and networks, separated by commas. Raises `InvalidSettings`."""
    try:
        return TrustedProxies([ip_network(part.strip()) for part in content.split(",") if part.strip()])
    except ValueError:
        raise InvalidSettings(
            f"{VARIABLE}: expected addresses or networks, such as 10.0.0.0/8, separated by commas"
        ) from None


def _forwarded_for(scope: Scope) -> Iterator[str]:
    """The addresses that proxies have added, the nearest one first."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for part in reversed(",".join(lines).split(",")):
        yield _without_port(part.strip())


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
