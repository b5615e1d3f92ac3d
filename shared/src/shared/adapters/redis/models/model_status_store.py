"""What the fleet knows of each model: what its server accepts, and whether the limiter lets calls through. For operators."""

import hashlib
from collections.abc import AsyncGenerator, Mapping

import msgspec
from msgspec import Struct

from shared.adapters.llm.openai.ladder.abilities import Abilities
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, nodes

SCAN_COUNT = 1_000
"""Keys that Redis looks at in one step of a scan, so that no step takes long."""


class LearnedOfServer(Struct, frozen=True, kw_only=True):
    """What was learned of one model of one server."""

    model: str
    server: str
    """The hash of the server's base URL, as `server_id` makes it."""
    abilities: Abilities
    expires_in: float
    """Seconds until it is tried anew."""


class LimiterState(Struct, frozen=True, kw_only=True):
    """The limiter of one model. Times are Unix seconds, and 0 where nothing holds calls back."""

    closed_until: float = 0.0
    """Until when the server asked the fleet to wait."""
    open_until: float = 0.0
    """Until when the breaker lets no call through; then one call probes the server."""
    faults: int = 0
    """Faults in a row, which open the breaker when they are many."""


class ModelStatusStore:
    """Every method raises `StoreUnavailable` when Redis is unreachable."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def learned(self) -> list[LearnedOfServer]:
        """What was learned of every model, sorted by name."""
        found = [one async for key in self._scan(keys.abilities("*", "*")) if (one := await self._load(key))]
        return sorted(found, key=lambda one: (one.model, one.server))

    async def limiters(self) -> dict[str, LimiterState]:
        """The limiters of the models that were called within the last hour."""
        prefix, abilities = keys.gate(""), keys.abilities("", "").removesuffix(":")
        found: dict[str, LimiterState] = {}
        async for key in self._scan(keys.gate("*")):
            if not key.startswith(abilities):
                found[key.removeprefix(prefix)] = _to_state(await call(self._redis, "HGETALL", key))
        return found

    async def forget(self, model: str, *, server: str = "") -> int:
        """Forget what was learned of the model, of one server or of all. Returns of how many servers."""
        learned = [one for one in await self.learned() if one.model == model and server in ("", one.server)]
        for one in learned:
            await call(self._redis, "DEL", keys.abilities(one.server, one.model))
        return len(learned)

    async def _load(self, key: str) -> LearnedOfServer | None:
        """None if it has expired meanwhile, or another release wrote what this one cannot read."""
        _, _, server, model = key.split(":", 3)
        kept: bytes | None = await call(self._redis, "GET", key)
        try:
            abilities = msgspec.json.decode(kept, type=Abilities) if kept else None
        except msgspec.DecodeError:
            return None
        left: int = await call(self._redis, "PTTL", key)
        expires_in = max(0, left) / 1000
        return abilities and LearnedOfServer(
            model=model, server=server, abilities=abilities, expires_in=expires_in
        )

    async def _scan(self, pattern: str) -> AsyncGenerator[str]:
        for node in await nodes(self._redis):
            cursor = b"0"
            while True:
                cursor, found = await call(node, "SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
                for key in found:
                    yield key.decode()
                if int(cursor) == 0:
                    break


def server_id(base_url: str) -> str:
    """Tells servers apart in keys: a URL may hold characters that mean something there. A slash at its end means nothing."""
    return hashlib.sha256(base_url.rstrip("/").encode()).hexdigest()[:16]


def _to_state(fields: Mapping[bytes, bytes]) -> LimiterState:
    def number(name: bytes) -> float:
        return float(fields.get(name) or 0)

    return LimiterState(
        closed_until=number(b"closed_until") / 1000,
        open_until=number(b"open_until") / 1000,
        faults=int(number(b"faults")),
    )
