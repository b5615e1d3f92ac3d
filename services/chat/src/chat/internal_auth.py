"""Who asks. The gateway has checked the token and says so in headers that only it can send."""

import hmac
from collections.abc import Mapping

from msgspec import Struct

from shared.domain.budgets import Plan
from shared.domain.errors import NotAuthenticated
from shared.domain.jobs.job import UserId
from shared.runtime.config.plans import DEFAULT_PLAN


class Asker(Struct, frozen=True):
    user: UserId
    plan: Plan


class Door:
    """Lets in what carries the internal secret."""

    def __init__(self, secret: str, plans: Mapping[str, Plan]) -> None:
        self._secret = secret.encode()
        self._plans = plans

    def admit(self, headers: Mapping[str, str]) -> Asker:
        """Raises `NotAuthenticated`, whatever is wrong. `headers` ignore case."""
        shown = headers.get("x-etude-internal", "").encode()
        user = headers.get("x-etude-user", "")
        if not hmac.compare_digest(shown, self._secret) or not user:
            raise NotAuthenticated
        plan = self._plans.get(headers.get("x-etude-plan", ""))
        return Asker(UserId(user), plan or self._plans[DEFAULT_PLAN])
