"""The response to a question: the complete answer as JSON, or its pieces as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
import structlog
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chat.answer_stream import AnswerStream
from chat.internal_auth import Caller
from chat.metrics import CLIENT, SERVER
from chat.services import Services
from shared.domain.chat import ChatAnswer, ChatMessage, ChatQuestion, ChatRole, ChatUsage
from shared.domain.errors import StudyError, Unexpected
from shared.runtime.http.ai_disclosure import disclosure_headers
from shared.runtime.http.disconnect import until_disconnect
from shared.runtime.http.problem_details import problem_response_parts
from shared.runtime.http.rate_limit_headers import limit_headers
from shared.runtime.http.sse import EventWriter, encode_event, heartbeats

log = structlog.get_logger()


class AnswerResponse(Response):
    """Asks the provider while it responds, and stops asking as soon as the client disconnects."""

    def __init__(self, services: Services, caller: Caller, question: ChatQuestion) -> None:
        super().__init__()
        self._services = services
        self._caller = caller
        self._question = question

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `StudyError` as long as nothing has been sent."""
        async with until_disconnect(receive) as connection:
            await self._respond(Request(scope, receive), send)
        if connection.expired():
            log.info("chat.client_disconnected")
            self._services.metrics.interrupted(CLIENT)

    async def _respond(self, request: Request, send: Send) -> None:
        clock = self._services.clock
        started = clock()
        async with self._services.answers.begin(self._caller, self._question) as answer:
            headers = {"x-chat-id": answer.id, **limit_headers(answer.balances, now=started)}
            if self._question.stream:
                with self._services.metrics.streaming():
                    await self._send_stream(answer, request, EventWriter(send, headers))
            else:
                await _send_complete(answer, request, headers, send)
        log.info(
            "chat.answered",
            model=answer.model,
            generated_by=answer.generated_by,
            retrieval=answer.retrieval,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            duration_ms=round((clock() - started) * 1_000),
        )

    async def _send_stream(self, answer: AnswerStream, request: Request, writer: EventWriter) -> None:
        try:
            async with (
                aclosing(_events(answer)) as events,
                heartbeats(writer, self._services.heartbeat_seconds),
            ):
                async for event in events:
                    await writer.write(event)
        except Exception as error:
            if not writer.is_started:
                raise
            if not isinstance(error, StudyError):
                log.exception("chat.stream_failed")
                error = Unexpected()
            self._services.metrics.interrupted(SERVER)
            await writer.write(_encode_error(error, request))
        await writer.end()


async def _events(answer: AnswerStream) -> AsyncGenerator[bytes]:
    async with aclosing(answer.deltas()) as deltas:
        async for text in deltas:
            yield encode_event("delta", msgspec.json.encode({"text": text}))
    yield encode_event("quotes", msgspec.json.encode({"quotes": answer.quotes}))
    source = {"model": answer.model, "generated_by": answer.generated_by}
    if answer.retrieval is not None:
        source["retrieval"] = answer.retrieval
    yield encode_event("usage", msgspec.json.encode({**msgspec.to_builtins(answer.usage), **source}))
    yield encode_event("done", msgspec.json.encode({"id": answer.id, "truncated": answer.is_truncated}))


def _encode_error(error: StudyError, request: Request) -> bytes:
    """The last two events of an interrupted answer."""
    _, _, body = problem_response_parts(
        error,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request.scope["request_id"],
        instance=request.url.path,
    )
    return encode_event("error", body) + encode_event("done", b"{}")


async def _send_complete(answer: AnswerStream, request: Request, headers: dict[str, str], send: Send) -> None:
    async with aclosing(answer.deltas()) as deltas:
        async for _ in deltas:
            pass
    usage = answer.usage
    body = ChatAnswer(
        id=answer.id,
        object="chat.answer",
        message=ChatMessage(answer.text, ChatRole.ASSISTANT),
        quotes=answer.quotes,
        model=answer.model,
        generated_by=answer.generated_by,
        usage=ChatUsage(
            usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens
        ),
        truncated=answer.is_truncated,
        retrieval=answer.retrieval or UNSET,
    )
    headers = {**headers, **disclosure_headers(answer.generated_by, answer.model)}
    response = Response(msgspec.json.encode(body), headers=headers, media_type="application/json")
    await response(request.scope, request.receive, send)
