"""Restores the budgets of a Redis that lost everything, or never had anything, from what Postgres knows (decision 19)."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from msgspec.structs import replace

from shared.adapters.redis import keys
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.adapters.redis.scripts import SweepReply
from shared.domain.budgets import Charge, expiries
from shared.domain.jobs.job import UserId

log = structlog.get_logger()

MAX_RESTORED = 1_000
"""Budgets restored in one call: about a millisecond of Redis."""


class Charges(Protocol):
    """Reads from the rows what was used: `shared.adapters.postgres.result_store.ResultStore`."""

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]: ...


async def restore_budgets(
    store: MaintenanceStore, charges: Charges, found: SweepReply, *, shard: int, shards: int
) -> None:
    """Add to the budgets of `shard` what was used before the loss that a sweep found."""
    expires_at_ms = expiries(found.now_ms / 1000)
    after, is_last = None, False
    while not is_last:
        page = await charges.charged_before(
            found.lost_at_ms / 1000, list(expires_at_ms), after=after, limit=MAX_RESTORED
        )
        is_last, after = len(page) < MAX_RESTORED, page[-1] if page else None
        of_shard = [
            replace(one, expires_at_ms=expires_at_ms[one.window])
            for one in page
            if keys.shard_of(UserId(one.user), shards) == shard
        ]
        if not await store.restore(shard, of_shard, lost_at_ms=found.lost_at_ms, is_last=is_last):
            return  # another sweeper has restored them
        if of_shard:
            log.warning("budgets.restored", shard=shard, count=len(of_shard))
