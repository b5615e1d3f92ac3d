"""What is left of a caller's plan, as a value and as response headers."""

from collections.abc import Callable, Mapping

from gateway.auth.authenticator import Caller
from shared.adapters.redis.budget_store import BudgetStore
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.submission import Allowance
from shared.runtime.http.rate_limit_headers import Requests, limit_headers


class Allowances:
    def __init__(self, budgets: BudgetStore, *, clock: Callable[[], float]) -> None:
        self._budgets = budgets
        self._clock = clock

    async def read(self, caller: Caller) -> tuple[Allowance, dict[str, str]]:
        """The allowance, and the headers that describe it. Raises `StoreUnavailable`."""
        now = self._clock()
        allowance = await self._budgets.allowance(caller.user, caller.plan, now=now)
        requests = Requests(allowance.requests_limit, allowance.requests_left)
        headers = limit_headers(allowance.balances, now=now, requests=requests)
        return allowance, headers

    async def headers_for_refusal(self, caller: Caller) -> Mapping[str, str]:
        """The headers for a caller who has reached a limit; none when the store has become unreachable."""
        try:
            _, headers = await self.read(caller)
        except StoreUnavailable:
            return {}
        return headers
