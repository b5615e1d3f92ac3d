"""Token budgets: what a user has left, and holds for chat answers, which do not run as jobs."""

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call_many
from shared.adapters.redis.jobs.job_store import raise_refusal, to_balances, window_args
from shared.domain.budgets import Balance, Plan, windows
from shared.domain.jobs.job import StreamName, UserId
from shared.domain.jobs.submission import Allowance, Hold


class BudgetStore:
    """Reads budgets and holds tokens. Every method raises `StoreUnavailable` when Redis is unreachable."""

    def __init__(self, redis: RedisClient, *, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def allowance(self, user: UserId, plan: Plan, *, now: float) -> Allowance:
        shard, minute, current = keys.shard_of(user, self._shards), int(now // 60), windows(plan, now)
        answers = await call_many(
            self._redis,
            [
                *(("HMGET", keys.budget(shard, user, window.key), "used", "held") for window in current),
                ("GET", keys.requests(shard, user, minute)),
                *(("ZCARD", keys.live(shard, user, stream)) for stream in StreamName),
            ],
        )
        counts = [int(count or 0) for row in answers[: len(current)] for count in row]
        requests, *unfinished = (int(answer or 0) for answer in answers[len(current) :])
        return Allowance(
            balances=to_balances(current, counts),
            requests_limit=plan.requests_per_minute,
            requests_left=max(0, plan.requests_per_minute - requests),
            requests_reset_at=(minute + 1) * 60.0,
            unfinished_jobs=sum(unfinished),
        )

    async def hold(
        self, user: UserId, plan: Plan, *, hold_id: str, tokens: int, expires_in: float, now: float
    ) -> tuple[Hold, tuple[Balance, ...]]:
        """Hold `tokens` in every window, or in none. Maintenance gives back a hold that is not released within
        `expires_in` seconds. Raises `BudgetExceeded`, `RateLimited`."""
        shard, current = keys.shard_of(user, self._shards), windows(plan, now)
        reply = await scripts.run(
            self._redis,
            scripts.HOLD_TOKENS,
            keys.hold(shard, hold_id),
            *(hold_id, user, tokens, plan.requests_per_minute, int(now // 60), int(expires_in * 1000)),
            keys.pseudonym(user),
            *window_args(current),
        )
        balances = to_balances(current, reply.counts)
        raise_refusal(reply.code, balances, plan, tokens=tokens, now=now)
        held = Hold(id=hold_id, user=user, tokens=tokens, windows=tuple(window.key for window in current))
        return held, balances

    async def release(self, hold: Hold, *, used: int) -> bool:
        """Charge `used` tokens and give back the rest. Returns False if the hold was already released or has expired."""
        key = keys.hold(keys.shard_of(hold.user, self._shards), hold.id)
        return await scripts.run(self._redis, scripts.RELEASE_HOLD, key, hold.id, used)
