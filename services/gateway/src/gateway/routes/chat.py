"""Chat: the gateway authenticates and forwards; the chat service checks the question and meters the answer."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Request, Response
from msgspec import Meta, Struct

from gateway.http import openapi
from gateway.http.dependencies import CurrentCaller, CurrentServices
from gateway.http.request_bodies import read_json
from gateway.http.responses import AsgiResponse, request_id_of
from shared.domain.study.material import Source
from shared.domain.text.language import Language
from shared.runtime.http.request_body import check_depth

EXAMPLE = {"messages": [{"role": "user", "content": "When does water boil?"}]}

router = APIRouter(prefix="/api/chat", tags=["chat"])


# The request and the answer of the chat service, for the OpenAPI document only. -------------------------------------


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


ANSWERED = openapi.returns(
    "The answer; with `stream`, its events: `delta`, `quotes`, `usage`, `done`, or `error` in between.",
    ChatAnswer,
    headers=("RateLimit", "RateLimit-Policy", "X-Chat-Id"),
)
ANSWERED["content"]["text/event-stream"] = {"schema": {"type": "string"}}


@router.post(
    "",
    operation_id="ask",
    summary="Ask a question, on a collection when you name one.",
    responses={
        200: ANSWERED,
        **openapi.problems(
            *(code for code in openapi.BODY_PROBLEMS if code != "empty_text"),
            *("not_found", "not_ready", "budget_exceeded", "rate_limited", "chat_unavailable"),
            *("provider_refused", "context_too_long", "provider_busy", "provider_timed_out"),
            "provider_garbled",
        ),
    },
    openapi_extra=openapi.takes(body=openapi.json_body(ChatRequest, EXAMPLE)),
)
async def ask(request: Request, caller: CurrentCaller, services: CurrentServices) -> Response:
    body = await read_json(request)
    check_depth(body)
    forwarded = services.chat.forward(
        body,
        caller,
        request_id=request_id_of(request),
        accept_language=request.headers.get("accept-language", ""),
    )
    return AsgiResponse(forwarded)
