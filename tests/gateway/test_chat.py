"""The way to the chat service: who asks is said, answers come as they are made, and hang-ups go through."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message
from structlog.testing import capture_logs
from tests.app_server import serving
from tests.deadline import DEADLINE_SECONDS
from tests.gateway.conftest import open_desk
from tests.gateway.desk import INTERNAL_SECRET, PLANS, Desk

from gateway.auth.authenticator import Caller
from gateway.http.chat_proxy import ChatProxy, connect_chat
from gateway.services import Parts
from local.ports import free_ports
from shared.domain.errors import ChatUnavailable
from shared.domain.jobs.job import UserId
from shared.domain.tracing import NO_TRACER
from shared.runtime.http.request_body import JSON_BYTES

MADE = {"AI-Disclosure": "mode=machine-generated"}
QUESTION = {"messages": [{"role": "user", "content": "When does water boil?"}]}


class Chat:
    """Stands where the chat service does, and answers as a test says."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[Request], Awaitable[Response]] = _say_hello
        self.app = Starlette(routes=[Route("/api/chat", self._ask, methods=["POST"])])

    async def _ask(self, request: Request) -> Response:
        self.asked.append(request)
        self.bodies.append(await request.body())
        return await self.answer(request)


async def _say_hello(_: Request) -> Response:
    return Response(
        b'{"id": "chat_1"}',
        media_type="application/json",
        headers={"RateLimit": "left", "X-Internal": "1", **MADE},
    )


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
async def desk(parts: Parts, chat: Chat) -> AsyncIterator[Desk]:
    async with (
        serving(chat.app) as url,
        open_desk(msgspec.structs.replace(parts, chat=connect_chat(url))) as opened,
    ):
        yield opened


async def test_the_question_is_forwarded_with_its_caller(desk: Desk, chat: Chat):
    headers = {"X-Request-Id": "r-1", "Accept-Language": "fr", "X-Etude-User": "bob", "X-Etude-Plan": "pro"}
    answer = await desk.client(plan="small").post("/api/chat", json=QUESTION, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"id": "chat_1"})
    (asked,) = chat.asked
    assert msgspec.json.decode(chat.bodies[0]) == QUESTION
    assert asked.headers["x-etude-user"] == "ada"
    assert asked.headers["x-etude-plan"] == "small"
    assert asked.headers["x-etude-internal"] == INTERNAL_SECRET
    assert asked.headers["x-request-id"] == "r-1"
    assert asked.headers["accept-language"] == "fr"
    assert "authorization" not in asked.headers


async def test_internal_headers_are_not_passed_on(desk: Desk):
    answer = await desk.client().post("/api/chat", json=QUESTION)
    assert answer.headers["RateLimit"] == "left"
    assert answer.headers["AI-Disclosure"] == MADE["AI-Disclosure"]
    assert "X-Internal" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_chunks_are_passed_on_as_they_arrive(desk: Desk, chat: Chat):
    said = asyncio.Queue[bytes | None]()

    async def stream(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while piece := await said.get():
                yield piece

        return StreamingResponse(pieces(), media_type="text/event-stream")

    chat.answer = stream
    client = desk.client()
    async with client.stream("POST", "/api/chat", json=QUESTION) as response:
        pieces = response.aiter_raw()
        said.put_nowait(b"event: delta\n\n")
        assert await anext(pieces) == b"event: delta\n\n"
        said.put_nowait(b"event: done\n\n")
        assert await anext(pieces) == b"event: done\n\n"
        said.put_nowait(None)


@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_client_disconnect_closes_the_forwarded_request(desk: Desk, chat: Chat, has_begun: bool):
    asked, ended = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        ended.set()

    async def answer(request: Request) -> Response:
        async def until_hang_up() -> AsyncIterator[bytes]:
            yield b":\n\n"
            asked.set()
            while not await request.is_disconnected():
                await asyncio.sleep(0.01)
                yield b":\n\n"

        if has_begun:
            return StreamingResponse(
                until_hang_up(), media_type="text/event-stream", background=BackgroundTask(end)
            )
        asked.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        ended.set()
        return Response()

    chat.answer = answer
    asking = asyncio.create_task(desk.client().post("/api/chat", json=QUESTION))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asked.wait()
        asking.cancel()
        await ended.wait()


async def test_problems_of_the_chat_are_passed_on(desk: Desk, chat: Chat):
    async def refuse(_: Request) -> Response:
        headers = {"Content-Type": "application/problem+json", "Retry-After": "7", "Content-Language": "fr"}
        return Response(b'{"code": "budget_exceeded"}', 429, headers)

    chat.answer = refuse
    answer = await desk.client().post("/api/chat", json=QUESTION)

    assert (answer.status_code, answer.json()["code"]) == (429, "budget_exceeded")
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["Content-Language"] == "fr"


async def test_a_wrong_internal_secret_is_503_and_not_401(desk: Desk, chat: Chat):
    async def refuse(_: Request) -> Response:
        return Response(status_code=401)

    chat.answer = refuse
    answer = await desk.client().post("/api/chat", json=QUESTION)

    assert (answer.status_code, answer.json()["code"]) == (503, "chat_unavailable")


async def test_an_interrupted_response_closes_the_connection(desk: Desk, chat: Chat):
    async def break_off(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"event: delta\n\n"
            raise OSError

        return StreamingResponse(pieces(), media_type="text/event-stream")

    chat.answer = break_off
    with pytest.raises(httpx.RemoteProtocolError):
        await desk.client().post("/api/chat", json=QUESTION)


async def test_a_question_that_is_too_large_is_not_forwarded(desk: Desk, chat: Chat):
    body = b'"' + b"x" * JSON_BYTES
    answer = await desk.client().post("/api/chat", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, chat.asked) == (413, [])


async def test_a_question_without_a_token_is_not_forwarded(desk: Desk, chat: Chat):
    answer = await desk.anonymous(**{"X-Etude-Internal": INTERNAL_SECRET}).post("/api/chat", json=QUESTION)
    assert (answer.status_code, chat.asked) == (401, [])


async def test_an_outage_of_the_chat_service_is_logged_once(chat: Chat):
    """A hundred questions during a restart get a hundred responses with 503, and the log gets one line."""
    caller = Caller(UserId("ada"), "free", PLANS["free"])

    async def stay_connected() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def ignore(_: Message) -> None:
        pass

    port = free_ports(1)[0]
    async with connect_chat(f"http://127.0.0.1:{port}") as http:
        proxy = ChatProxy(http, secret=INTERNAL_SECRET, tracer=NO_TRACER)

        async def ask() -> None:
            respond = proxy.forward(b"{}", caller, request_id="request", accept_language="en")
            await respond({}, stay_connected, ignore)

        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(ChatUnavailable):
                    await ask()
            async with serving(chat.app, port=port):
                await ask()
                await ask()
            with pytest.raises(ChatUnavailable):
                await ask()
    assert [line["event"] for line in logs] == ["chat.unreachable", "chat.reachable", "chat.unreachable"]
