"""What one connection may cost: limits of its requests' heads and of their time, and of how many there are."""

import asyncio
import resource
from collections import Counter
from typing import Protocol

from msgspec import Struct

from shared.runtime.http.client_address import UNKNOWN, TrustedProxies, group_of
from shared.runtime.observability.metrics.meter import Meter

SPARE_FILES = 128
"""File descriptors that are kept for connections to stores, for logs and for documents."""
SILENT, NOT_READING = "silent", "not_reading"
REASONS = (
    *("head_too_large", "request_timed_out", "invalid_request", "too_many_connections"),
    *(SILENT, NOT_READING),
)
"""Why connections are closed: codes of the errors that are sent, or nothing is sent to one that is silent or does not read."""


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    connections: int = 12_000
    """Most open connections of the process; fewer if it may not open as many files."""
    per_address: int = 0
    """Most open connections of one client address that is no trusted proxy; 0: any number."""
    head_bytes: int = 32_768
    """Largest head of a request: its line and its headers."""
    headers: int = 100
    head_seconds: float = 10.0
    """Time for the head, from its first byte, and for the first byte after connecting."""
    body_seconds: float = 30.0
    """Time for the body, to which `body_rate` adds."""
    body_rate: int = 100_000
    """Bytes of a body that buy another second."""
    idle_seconds: int = 65
    """Time between two requests: longer than the 60 s of most proxies, which then close first and send no request into a closing
    connection."""
    write_seconds: float = 60.0
    """Time in which the client must take some of a response that waits for it."""
    linger_seconds: float = 2.0
    """Time to go on reading, and discarding, after a refusal: a connection that is closed with unread data is reset, and the client
    may lose the response."""


class GuardedConnection(Protocol):
    def expire(self, now: float) -> None:
        """Close if a deadline has passed. `now` is the loop's time."""
        ...


class ConnectionGuard:
    """Knows the open connections of a server, and closes those that are too slow."""

    def __init__(self, limits: ConnectionLimits, meter: Meter, proxies: TrustedProxies | None = None) -> None:
        self.limits = limits
        self._proxies = proxies or TrustedProxies()
        self._open: set[GuardedConnection] = set()
        self._by_address = Counter[str]()
        self._most = min(limits.connections, _open_files() - SPARE_FILES)
        self._active = meter.gauge("etude_http_connections_active").of()
        self._refused = meter.counter("etude_http_connections_refused_total")
        self._refused.expect(REASONS)

    def admit(self, connection: GuardedConnection, address: str) -> bool:
        """Whether the connection may stay. One that may is counted until `release`."""
        group = self._counted_group(address)
        if len(self._open) >= self._most or (group and self._by_address[group] >= self.limits.per_address):
            return False
        self._open.add(connection)
        self._by_address[group] += 1
        self._active.set(len(self._open))
        return True

    def release(self, connection: GuardedConnection, address: str) -> None:
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._active.set(len(self._open))
        group = self._counted_group(address)
        self._by_address[group] -= 1
        if not self._by_address[group]:
            del self._by_address[group]

    def refused(self, reason: str) -> None:
        self._refused.of(reason).add()

    def expire_all(self) -> None:
        """Called every second: one pass over all connections costs less than a timer for each request."""
        now = asyncio.get_running_loop().time()
        for connection in list(self._open):
            connection.expire(now)

    def _counted_group(self, address: str) -> str:
        """What the limit by address counts; empty if it does not apply."""
        if not self.limits.per_address or address == UNKNOWN or self._proxies.trusts(address):
            return ""
        return group_of(address)


def _open_files() -> int:
    """How many files this process may open, after it has raised its soft limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1_048_576
