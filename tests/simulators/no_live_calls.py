"""Makes it impossible for a test to reach a real provider, whatever the environment holds. Imported by `conftest`."""

from collections.abc import Iterator

import httpx2
import pytest

from shared.adapters.llm.openai.transport import AiohttpTransport

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class LiveCall(AssertionError):
    """A test tried to leave the machine."""


@pytest.fixture(autouse=True)
def no_live_calls() -> Iterator[None]:
    """Every call of the openai SDK goes through this transport; here it takes loopback addresses only."""
    with pytest.MonkeyPatch.context() as patch:
        forbid_live_calls(patch)
        yield


def forbid_live_calls(patch: pytest.MonkeyPatch) -> None:
    send, send_async = httpx2.HTTPTransport.handle_request, AiohttpTransport.handle_async_request

    def handle_request(self: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        _refuse_live(request)
        return send(self, request)

    async def handle_async_request(self: AiohttpTransport, request: httpx2.Request) -> httpx2.Response:
        _refuse_live(request)
        return await send_async(self, request)

    patch.setattr(httpx2.HTTPTransport, "handle_request", handle_request)
    patch.setattr(AiohttpTransport, "handle_async_request", handle_async_request)


def _refuse_live(request: httpx2.Request) -> None:
    if request.url.host not in LOOPBACK:
        raise LiveCall(f"a test called {request.url.host}")
