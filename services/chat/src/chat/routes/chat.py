"""`POST /api/chat`: one question, one answer, whole or as it comes."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chat.answer_service import Answers
from chat.answer_stream import Answer
from chat.internal_auth import Asker, Door
from chat.metrics import CLIENT, SERVER, ChatMetrics
from chat.schemas import Question, check_conversation
from shared.domain.errors import StudyError, Unexpected
from shared.domain.study.material import Source
from shared.domain.usage import Usage
from shared.runtime.http.disconnect import until_disconnect
from shared.runtime.http.problem_details import problem_response_parts
from shared.runtime.http.rate_limit_headers import limit_headers
from shared.runtime.http.request_body import BodyDecoder, read_body, require_json
from shared.runtime.http.sse import HEARTBEAT, EventWriter, encode_event, with_heartbeats

PATH = "/api/chat"
HEARTBEAT_SECONDS = 15.0

log = structlog.get_logger()
_decoder = BodyDecoder(Question)


class Said(Struct, frozen=True):
    content: str
    role: str = "assistant"


class AnswerView(Struct, frozen=True, kw_only=True):
    """The whole answer."""

    id: str
    object: str = "chat.answer"
    message: Said
    quotes: list[Source]
    """What the answer took from the collection: `text[start:end] == quote`."""
    model: str
    generated_by: str
    usage: Usage


class ChatEndpoint:
    """An ASGI application of its own: while it sends, it watches for the client to go away."""

    def __init__(
        self,
        door: Door,
        answers: Answers,
        *,
        clock: Callable[[], float],
        watch: ChatMetrics,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._watch = watch
        self._door = door
        self._answers = answers
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["route_template"] = PATH
        asker = self._door.admit(request.headers)
        question = await _read_question(request)
        async with until_disconnect(receive) as connection:
            await self._answer(request, asker, question, send)
        if connection.expired():
            log.info("chat.client_disconnected")
            self._watch.broke_off(CLIENT)

    async def _answer(self, request: Request, asker: Asker, question: Question, send: Send) -> None:
        began = self._clock()
        async with self._answers.begin(asker, question) as answer:
            headers = {"x-chat-id": answer.id, **limit_headers(answer.balances, now=began)}
            if question.stream:
                with self._watch.streaming():
                    await self._send_stream(answer, request, headers, send)
            else:
                await _send_whole(answer, request, headers, send)
        log.info(
            "chat.answered",
            model=answer.model,
            generated_by=answer.generated_by,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            duration_ms=round((self._clock() - began) * 1_000),
        )

    async def _send_stream(
        self, answer: Answer, request: Request, headers: dict[str, str], send: Send
    ) -> None:
        """The response starts with the first thing to send, so that what fails before it keeps its status."""
        response = EventWriter(send, headers)
        try:
            async with (
                aclosing(_events(answer)) as events,
                aclosing(with_heartbeats(events, self._heartbeat_seconds)) as pieces,
            ):
                async for piece in pieces:
                    await response.write(piece or HEARTBEAT)
        except Exception as error:
            if not response.is_started:
                raise
            if not isinstance(error, StudyError):
                log.exception("chat.broke")
                error = Unexpected()
            self._watch.broke_off(SERVER)
            await response.write(_encode_error(error, request))
        await response.end()


async def _read_question(request: Request) -> Question:
    require_json(request.headers.get("content-type", ""))
    body = await read_body(request.stream(), declared=request.headers.get("content-length", ""))
    question = _decoder.decode(body)
    check_conversation(question)
    return question


async def _events(answer: Answer) -> AsyncGenerator[bytes]:
    async with aclosing(answer.deltas()) as deltas:
        async for text in deltas:
            yield encode_event("delta", msgspec.json.encode({"text": text}))
    yield encode_event("quotes", msgspec.json.encode({"quotes": answer.quotes}))
    made = {"model": answer.model, "generated_by": answer.generated_by}
    yield encode_event("usage", msgspec.json.encode({**msgspec.structs.asdict(answer.usage), **made}))
    yield encode_event("done", msgspec.json.encode({"id": answer.id}))


def _encode_error(error: StudyError, request: Request) -> bytes:
    """The last events of an answer that broke off."""
    _, _, body = problem_response_parts(
        error,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request.scope["request_id"],
        instance=request.url.path,
    )
    return encode_event("error", body) + encode_event("done", b"{}")


async def _send_whole(answer: Answer, request: Request, headers: dict[str, str], send: Send) -> None:
    async with aclosing(answer.deltas()) as deltas:
        async for _ in deltas:
            pass
    view = AnswerView(
        id=answer.id,
        message=Said(answer.text),
        quotes=answer.quotes,
        model=answer.model,
        generated_by=answer.generated_by,
        usage=answer.usage,
    )
    response = Response(msgspec.json.encode(view), headers=headers, media_type="application/json")
    await response(request.scope, request.receive, send)
