"""The model's books: what each user has used and holds, in plain Python."""

from collections.abc import Sequence

from msgspec import Struct
from tests.model.shard_state import Counts, HoldFacts, ShardState

from shared.domain.budgets import Plan, Window, windows
from shared.domain.errors import BudgetExceeded, RateLimited, StudyError
from shared.domain.jobs.job import UserId

Refusal = type[StudyError]


class Ledger(Struct):
    """Budgets, requests and holds of `state`."""

    state: ShardState

    def is_too_fast(self, user: UserId, plan: Plan, now: float) -> bool:
        return self.state.requests.get((user, minute(now)), 0) >= plan.requests_per_minute

    def has_room(self, user: UserId, current: Sequence[Window], tokens: int) -> bool:
        return all(self._spoken_for(user, window) + tokens <= window.limit for window in current)

    def _spoken_for(self, user: UserId, window: Window) -> int:
        counts = self.state.budgets.get((user, window.key), Counts())
        return counts.used + counts.held

    def count_request(self, user: UserId, now: float) -> None:
        key = user, minute(now)
        self.state.requests[key] = self.state.requests.get(key, 0) + 1

    def take(self, user: UserId, keys: Sequence[str], tokens: int) -> None:
        for key in keys:
            self.state.budgets.setdefault((user, key), Counts()).held += tokens

    def settle(self, user: UserId, keys: Sequence[str], *, held: int, used: int) -> None:
        for key in keys:
            counts = self.state.budgets[user, key]
            counts.held -= held
            counts.used += used

    def hold(self, user: UserId, plan: Plan, hold_id: str, tokens: int, now: float) -> Refusal | None:
        if hold_id in self.state.holds:
            return None
        if self.is_too_fast(user, plan, now):
            return RateLimited
        current = windows(plan, now)
        if not self.has_room(user, current, tokens):
            return BudgetExceeded
        self.count_request(user, now)
        held = HoldFacts(user, tokens, tuple(window.key for window in current))
        self.take(user, held.windows, tokens)
        self.state.holds[hold_id] = held
        return None

    def release(self, hold_id: str, used: int) -> bool:
        held = self.state.holds.pop(hold_id, None)
        if held is None:
            return False
        self.settle(held.user, held.windows, held=held.tokens, used=used)
        return True


def minute(now: float) -> int:
    return int(now // 60)
