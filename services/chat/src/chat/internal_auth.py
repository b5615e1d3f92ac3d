"""Authentication of requests from the gateway, which has checked the token and names the caller in internal headers."""

import hmac
from collections.abc import Mapping

from msgspec import Struct

from shared.domain.budgets import Plan
from shared.domain.errors import NotAuthenticated
from shared.domain.jobs.job import UserId
from shared.runtime.config.plans import DEFAULT_PLAN


class Caller(Struct, frozen=True):
    user: UserId
    plan: Plan


class InternalAuth:
    """Accepts requests that carry the internal secret."""

    def __init__(self, secret: str, plans: Mapping[str, Plan]) -> None:
        self._secret = secret.encode()
        self._plans = plans

    def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Raises `NotAuthenticated`, whatever is wrong. The names in `headers` must be case-insensitive."""
        given = headers.get("x-etude-internal", "").encode()
        user = headers.get("x-etude-user", "")
        if not hmac.compare_digest(given, self._secret) or not user:
            raise NotAuthenticated
        plan = self._plans.get(headers.get("x-etude-plan", ""))
        return Caller(UserId(user), plan or self._plans[DEFAULT_PLAN])
