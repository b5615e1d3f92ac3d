"""How a client is connected: the address, the credentials, and what the environment may change about them."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx

from etude.errors import InvalidUrl

Token = str | Callable[[], str]
"""A JWT or an API key, or a function that gives the current one: it is called before each request."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that are not reached through a proxy, whatever the environment says."""


def new_key() -> str:
    return str(uuid.uuid4())


def connection_options(url: str, token: Token, language: str) -> dict[str, Any]:
    """The arguments that `httpx.Client` and `httpx.AsyncClient` have in common. Raises `InvalidUrl`."""
    base_url = parse_url(url)
    return {
        "base_url": base_url,
        "headers": {"Accept-Language": language},
        "auth": _authorization(token),
        "trust_env": base_url.host not in LOOPBACK,
    }


def _authorization(token: Token) -> Callable[[httpx.Request], httpx.Request]:
    def authorize(request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {token() if callable(token) else token}"
        return request

    return authorize


def parse_url(url: str) -> httpx.URL:
    """Raises `InvalidUrl`."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise InvalidUrl(url) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidUrl(url)
    return parsed
