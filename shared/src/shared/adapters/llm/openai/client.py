"""The client of one OpenAI-compatible server."""

import ssl
from functools import lru_cache

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from shared.adapters.llm.openai.transport import AiohttpTransport


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """One for the process: it reads the system's certificates, which takes 20 ms and a megabyte."""
    return httpx2.create_ssl_context()


def connect(api_key: str, *, base_url: str | None = None) -> AsyncOpenAI:
    """Make the client of one server. Several models may share it; no connection opens before the first call. It never retries:
    the job counts its attempts."""
    http_client = DefaultAsyncHttpxClient(
        transport=AiohttpTransport(_tls_context()), timeout=None, headers={"accept-encoding": "identity"}
    )
    return AsyncOpenAI(
        api_key=api_key, base_url=base_url, timeout=None, max_retries=0, http_client=http_client
    )
