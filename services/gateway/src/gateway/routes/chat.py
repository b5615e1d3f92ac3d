"""The way to the chat service, which checks the question and meters the answer."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import httpx
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.types import ASGIApp

from gateway.auth.authenticator import Caller
from gateway.http import openapi
from gateway.http.chat_proxy import ChatService, ForwardedCall, describe_caller
from gateway.http.endpoint import Endpoint
from gateway.http.request_bodies import read_json
from gateway.http.responses import request_id_of
from shared.domain.study.material import Source
from shared.domain.text.language import Language
from shared.domain.tracing import Tracer
from shared.runtime.http.request_body import check_depth


class ChatRoutes:
    def __init__(self, http: httpx.AsyncClient, *, secret: str, tracer: Tracer) -> None:
        """`http` has the chat service as its base URL."""
        self._chat = ChatService(http)
        self._secret = secret
        self._tracer = tracer

    async def ask(self, request: Request, caller: Caller) -> ASGIApp:
        body = await read_json(request)
        check_depth(body)
        headers = describe_caller(
            user=caller.user,
            plan=caller.plan_name,
            secret=self._secret,
            request_id=request_id_of(request),
            accept_language=request.headers.get("accept-language", ""),
        )
        return ForwardedCall(self._chat, self._chat.ask(body, headers), self._tracer)

    def endpoints(self) -> Sequence[Endpoint]:
        return [Endpoint("POST", "/api/chat", self.ask, ASK)]


# What the chat service takes and answers, as far as the description of the API goes. --------------------------------


class ChatRole(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class ChatTurn(Struct, frozen=True, forbid_unknown_fields=True):
    role: ChatRole
    content: Annotated[str, Meta(min_length=1)]


class ChatRequest(Struct, frozen=True, forbid_unknown_fields=True):
    messages: Annotated[list[ChatTurn], Meta(min_length=1, max_length=50)]
    """The conversation so far; the last turn is yours."""
    collection_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})] | None = None
    """Answer from this collection's text, with quotes."""
    stream: bool = False
    language: Language | None = None


class ChatUsage(Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int


class ChatAnswer(Struct, frozen=True, kw_only=True):
    id: str
    object: str
    message: ChatTurn
    quotes: list[Source]
    model: str
    generated_by: str
    usage: ChatUsage


EXAMPLE = {"messages": [{"role": "user", "content": "When does water boil?"}]}
_ANSWERED = openapi.answer(
    "The answer; with `stream`, its pieces: `delta`, `quotes`, `usage`, `done`, or `error` in between.",
    openapi.reference(ChatAnswer),
    headers=("RateLimit", "RateLimit-Policy", "X-Chat-Id"),
)
_ANSWERED["content"]["text/event-stream"] = {"schema": {"type": "string"}}
ASK = openapi.operation(
    "ask",
    "Ask a question, on a collection when you name one.",
    tag="chat",
    body=openapi.json_body(ChatRequest, EXAMPLE),
    answers={200: _ANSWERED},
    problems=(
        *(code for code in openapi.BODY_PROBLEMS if code != "empty_text"),
        *("not_found", "not_ready", "budget_exceeded", "rate_limited", "chat_unavailable"),
        *("provider_refused", "context_too_long", "provider_busy", "provider_timed_out", "provider_garbled"),
    ),
)
