"""The limits of a provider's account: requests and tokens per minute, and the headers that tell what is left."""

MINUTE = 60.0


class Pace:
    """Two buckets that refill evenly; without a limit, plenty of everything."""

    def __init__(
        self, *, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        self._requests = _Bucket(requests_per_minute)
        self._tokens = _Bucket(tokens_per_minute)

    def wait_for(self, tokens: int, now: float) -> float:
        """Take one request of so many tokens; or say in how many seconds there will be room, and take nothing."""
        wait = max(self._requests.wait_for(1, now), self._tokens.wait_for(tokens, now))
        if wait == 0.0:
            self._requests.take(1)
            self._tokens.take(tokens)
        return wait

    def headers(self, now: float) -> dict[str, str]:
        return {
            f"x-ratelimit-{field}-{name}": value
            for name, bucket in (("requests", self._requests), ("tokens", self._tokens))
            for field, value in bucket.headers(now).items()
        }


class _Bucket:
    UNLIMITED = 1_000_000_000

    def __init__(self, limit: int | None) -> None:
        self._limit = limit or self.UNLIMITED
        self._left = float(self._limit)
        self._at: float | None = None

    def wait_for(self, amount: int, now: float) -> float:
        self._refill(now)
        missing = min(amount, self._limit) - self._left
        return max(0.0, missing / self._limit * MINUTE)

    def take(self, amount: int) -> None:
        self._left -= amount

    def headers(self, now: float) -> dict[str, str]:
        self._refill(now)
        reset = (self._limit - self._left) / self._limit * MINUTE
        return {
            "limit": str(self._limit),
            "remaining": str(max(0, int(self._left))),
            "reset": f"{reset:.3f}s",
        }

    def _refill(self, now: float) -> None:
        elapsed = now - (now if self._at is None else self._at)
        self._left = min(self._limit, self._left + elapsed / MINUTE * self._limit)
        self._at = now
