"""Limits requests per key: each key has a bucket that is emptied by requests and refills evenly."""

from collections import OrderedDict
from collections.abc import Callable

MINUTE = 60.0
MAX_KEYS = 20_000
"""Most keys that are remembered, about 3 MB. Beyond it the key that was used least recently is forgotten: its bucket is full."""


class TokenBuckets:
    """Buckets that hold the requests of `burst_seconds`, in memory: each process counts for itself."""

    def __init__(self, *, burst_seconds: float, monotonic: Callable[[], float]) -> None:
        self._burst_seconds = burst_seconds
        self._monotonic = monotonic
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When the bucket of a key will be full again if no request comes."""

    def take(self, key: str, per_minute: float) -> float:
        """Take one request from the bucket of `key`: 0.0. When it is empty, nothing is taken: the seconds to wait."""
        now, interval = self._monotonic(), MINUTE / per_minute
        full_at = max(self._full_at.get(key, now), now) + interval
        wait = full_at - now - max(self._burst_seconds, interval)
        if wait > 0:
            return wait
        self._remember(key, full_at)
        return 0.0

    def charge(self, key: str, per_minute: float, requests: float) -> None:
        """Take more from the bucket, also if it does not have as much: what follows waits until it is paid."""
        now = self._monotonic()
        self._remember(key, max(self._full_at.get(key, now), now) + requests * MINUTE / per_minute)

    def _remember(self, key: str, full_at: float) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MAX_KEYS:
            self._full_at.popitem(last=False)
