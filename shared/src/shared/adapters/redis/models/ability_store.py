"""What one model of one server accepts, kept for the fleet: a refusal that one worker met is met by no other."""

import msgspec

from shared.adapters.llm.openai.ladder.abilities import Abilities
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.models.model_status_store import server_id

EXPIRY_SECONDS = 86_400
"""After a day everything is tried anew: the server may have been updated."""


class RedisAbilityStore:
    """Every method raises `StoreUnavailable` when Redis is away."""

    def __init__(self, redis: RedisClient, *, base_url: str, model: str) -> None:
        self._redis = redis
        self.key = keys.abilities(server_id(base_url), model)

    async def load(self) -> Abilities | None:
        """None if nothing is known, or if another release wrote what this one cannot read."""
        found: bytes | None = await call(self._redis, "GET", self.key)
        try:
            return msgspec.json.decode(found, type=Abilities) if found else None
        except msgspec.DecodeError:
            return None

    async def save(self, abilities: Abilities) -> None:
        await call(self._redis, "SET", self.key, msgspec.json.encode(abilities), "EX", EXPIRY_SECONDS)
