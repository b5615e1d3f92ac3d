"""The public keys that tokens are verified with: one from the settings, or those that an issuer publishes (JWKS)."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from msgspec import Struct

from shared.domain.errors import Unavailable
from shared.runtime.config.settings import InvalidSettings

log = structlog.get_logger()

ALGORITHMS = frozenset({"EdDSA", "RS256", "ES256"})
REFETCH_SECONDS = 5.0
"""Shortest time between the starts of two fetches, so that made-up key ids do not cause a request each."""
MAX_AGE_SECONDS = 600.0
"""How long fetched keys are used; a withdrawn key is refused after this."""


class LocalKey:
    """One key for every token, whatever key id the token names."""

    def __init__(self, pem: str) -> None:
        """Raises `InvalidSettings`."""
        self._key = _read_pem(pem)

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        return self._key


class PublishedKeys:
    """The keys of an issuer. While it is unreachable, the keys fetched last remain in use.

    Nothing is stored about unknown key ids: an id that is not among the keys causes a fetch, if the last one is old enough.
    """

    def __init__(self, url: str, http: httpx.AsyncClient, *, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._http = http
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetch: asyncio.Task[None] | None = None
        self._is_failing = False
        self._requested_at = self._fetched_at = -math.inf

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """Raises `Unavailable` when none could be fetched yet.

        A known key waits for a fetch only if it may have been withdrawn, and not while fetches fail.
        """
        key = self._pick(key_id)
        if key is None or self._monotonic() - self._fetched_at > MAX_AGE_SECONDS:
            fetch = self._refresh()
            if fetch and (key is None or not self._is_failing):
                await asyncio.wait([fetch])  # the fetch goes on for the others when this request is cancelled
            key = self._pick(key_id)
        if not self._keys:
            raise Unavailable(retry_after=REFETCH_SECONDS)
        return key

    def _pick(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id or "")

    def _refresh(self) -> asyncio.Task[None] | None:
        """The fetch under way, which all requests share; a new one if the last is old enough, else None."""
        if self._fetch is None and self._monotonic() - self._requested_at >= REFETCH_SECONDS:
            self._requested_at = self._monotonic()
            self._fetch = asyncio.create_task(self._fetch_keys())
        return self._fetch

    async def _fetch_keys(self) -> None:
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            self._keys = _read_jwks(response.content)
            self._fetched_at = self._monotonic()
            self._is_failing = False
        except (httpx.HTTPError, ValueError, TypeError, jwt.PyJWTError) as error:
            self._is_failing = True
            log.warning("jwks.fetch_failed", error_type=type(error).__name__)
        finally:
            self._fetch = None


class _Jwks(Struct):
    keys: list[dict[str, Any]]


def _read_jwks(content: bytes) -> dict[str, jwt.PyJWK]:
    found: dict[str, jwt.PyJWK] = {}
    for entry in msgspec.json.decode(content, type=_Jwks).keys:
        try:
            key = jwt.PyJWK.from_dict(entry)
        except jwt.PyJWTError:  # an unsupported type; other entries may be supported
            continue
        if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig"):
            found[key.key_id or ""] = key
    if not found:
        raise ValueError("no usable key")
    return found


def _read_pem(pem: str) -> jwt.PyJWK:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise InvalidSettings("ETUDE_JWT_PUBLIC_KEY: is no public key in PEM") from None
    match key:
        case ed25519.Ed25519PublicKey():
            return jwt.PyJWK.from_dict(OKPAlgorithm.to_jwk(key, as_dict=True), "EdDSA")
        case rsa.RSAPublicKey():
            return jwt.PyJWK.from_dict(RSAAlgorithm.to_jwk(key, as_dict=True), "RS256")
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return jwt.PyJWK.from_dict(ECAlgorithm.to_jwk(key, as_dict=True), "ES256")
        case _:
            raise InvalidSettings("ETUDE_JWT_PUBLIC_KEY: must be Ed25519, RSA or P-256")
