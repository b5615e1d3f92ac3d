"""Authentication: a signed token or an API key becomes a caller. All failures look the same from outside."""

import hashlib
import math
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import jwt
import msgspec
from msgspec import Struct

from shared.domain.budgets import Plan
from shared.domain.errors import NotAuthenticated
from shared.domain.jobs.job import UserId
from shared.runtime.config.plans import DEFAULT_PLAN
from shared.runtime.config.settings import InvalidSettings

API_KEY_PREFIX = "etk_"
CACHED_TOKENS = 10_000
"""How many verified tokens and keys are remembered."""
CACHE_SECONDS = 300.0
"""How long a verified token is not verified again: checking an Ed25519 signature costs as much as accepting a job."""
LEEWAY_SECONDS = 10.0
"""Tolerated difference between the issuer's clock and ours."""

MAX_TIME = 253_402_300_799
"""The largest time that a token may name, in Unix seconds: the end of the year 9999."""

_USER = re.compile(r"[A-Za-z0-9._@|+=/~-]{1,128}")
"""A user id is part of Redis keys and channels, so it has no braces (hash tags), colons (our separator) or spaces."""


class Caller(Struct, frozen=True):
    user: UserId
    plan_name: str
    plan: Plan
    expires_at: float = math.inf
    """When the token expires, in Unix seconds. An API key does not expire."""


class KeySource(Protocol):
    """Finds the public keys that tokens may be signed with."""

    async def find(self, key_id: str | None) -> jwt.PyJWK | None: ...


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    user: str
    plan: str = DEFAULT_PLAN


class Authenticator:
    """Checks the `Authorization` header, and remembers what it has verified."""

    def __init__(
        self,
        keys: KeySource | None,
        api_keys: Mapping[str, ApiKey],
        plans: Mapping[str, Plan],
        *,
        issuer: str = "",
        audience: str = "",
        clock: Callable[[], float],
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_failure` is called with the reason of a failure, which the caller is not told."""
        self._on_failure = on_failure
        self._keys = keys
        self._api_keys = api_keys
        self._plans = plans
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()

    async def authenticate(self, authorization: str) -> Caller:
        """Raises `NotAuthenticated`, and `Unavailable` when no signing key could be fetched yet."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self._refusal("malformed" if authorization else "missing")
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified and self._clock() < verified[1]:
            return verified[0]
        caller, until = await self._verify(token, digest)
        self._remember(digest, caller, until)
        return caller

    def _verify(self, token: str, digest: bytes) -> Awaitable[tuple[Caller, float]]:
        is_key = token.startswith(API_KEY_PREFIX)
        return self._verify_api_key(digest) if is_key else self._verify_token(token)

    async def _verify_api_key(self, digest: bytes) -> tuple[Caller, float]:
        key = self._api_keys.get(digest.hex())
        if key is None:
            raise self._refusal("unknown_key")
        return self._caller(key.user, key.plan), self._clock() + CACHE_SECONDS

    async def _verify_token(self, token: str) -> tuple[Caller, float]:
        if self._keys is None:
            raise self._refusal("unknown_key")
        try:
            key = await self._keys.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise self._refusal("unknown_key")
            claims = self._decode(token, key)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise self._refusal(_reason(error)) from None
        expires_at = claims["exp"]
        caller = self._caller(claims["sub"], claims.get("plan"), expires_at)
        return caller, min(expires_at, self._clock() + CACHE_SECONDS)

    def _decode(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        """The key determines the algorithm; the one that the token names is only compared with it."""
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._audience or None,
            issuer=self._issuer or None,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["exp", "sub"],
                "verify_aud": bool(self._audience),
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        times = [claims[name] for name in ("exp", "nbf", "iat") if name in claims]
        if not all(map(_is_time, times)):
            raise self._refusal("claims")
        now = self._clock()
        if now >= claims["exp"] + LEEWAY_SECONDS:
            raise self._refusal("expired")
        if now < claims.get("nbf", 0) - LEEWAY_SECONDS:
            raise self._refusal("claims")

    def _caller(self, user: object, plan: object, expires_at: float = math.inf) -> Caller:
        if not isinstance(user, str) or not _USER.fullmatch(user):
            raise self._refusal("claims")
        name = plan if isinstance(plan, str) and plan in self._plans else DEFAULT_PLAN
        return Caller(UserId(user), name, self._plans[name], expires_at)

    def _refusal(self, reason: str) -> NotAuthenticated:
        self._on_failure(reason)
        return NotAuthenticated()

    def _remember(self, digest: bytes, caller: Caller, until: float) -> None:
        self._verified[digest] = caller, until
        self._verified.move_to_end(digest)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)


def _is_time(value: object) -> bool:
    """Whether the value is a whole number of Unix seconds. Python's JSON also reads `NaN`, `Infinity` and 400 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_TIME and value == int(value)


def _reason(error: Exception) -> str:
    match error:
        case jwt.InvalidSignatureError() | jwt.InvalidAlgorithmError():
            return "signature"
        case jwt.InvalidAudienceError() | jwt.InvalidIssuerError() | jwt.MissingRequiredClaimError():
            return "claims"
        case _:
            return "malformed"


def read_api_keys(content: str) -> dict[str, ApiKey]:
    """Raises `InvalidSettings`."""
    try:
        keys = msgspec.json.decode(content or "{}", type=dict[str, ApiKey])
    except msgspec.DecodeError as error:
        raise InvalidSettings(f"ETUDE_API_KEYS: {error}") from None
    if any(not re.fullmatch(r"[0-9a-f]{64}", name) for name in keys):
        raise InvalidSettings("ETUDE_API_KEYS: each name must be the SHA-256 of a key, in lower-case hex")
    if any(not _USER.fullmatch(key.user) for key in keys.values()):
        raise InvalidSettings("ETUDE_API_KEYS: a user has characters that are not accepted")
    return keys
