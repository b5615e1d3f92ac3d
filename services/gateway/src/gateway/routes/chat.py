"""Chat: the gateway authenticates and forwards; the chat service checks the question and meters the answer."""

from fastapi import APIRouter, Depends, Request, Response

from gateway.http import openapi
from gateway.http.dependencies import CurrentCaller, CurrentServices, read_json, require_known_query
from gateway.http.responses import AsgiResponse, request_id_of
from shared.domain.chat import ChatAnswer, ChatQuestion
from shared.runtime.http.request_body import check_depth

EXAMPLE = {"messages": [{"role": "user", "content": "When does water boil?"}]}

router = APIRouter(prefix="/api/chat", tags=["chat"], dependencies=[Depends(require_known_query)])
ANSWERED = openapi.returns(
    "The answer; with `stream`, its events: `delta`, `quotes`, `usage`, `done`, or `error` in between.",
    ChatAnswer,
    headers=("RateLimit", "RateLimit-Policy", "X-Chat-Id", "AI-Disclosure"),
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
            *(
                "model_not_allowed",
                "not_found",
                "not_ready",
                "budget_exceeded",
                "rate_limited",
                "chat_unavailable",
            ),
            *("provider_refused", "context_too_long", "provider_busy", "provider_timed_out"),
            "provider_garbled",
        ),
    },
    openapi_extra=openapi.takes(body=openapi.json_body(ChatQuestion, EXAMPLE)),
)
async def ask(request: Request, caller: CurrentCaller, services: CurrentServices) -> Response:
    body = await read_json(request, caller)
    check_depth(body)
    forwarded = services.chat.forward(
        body,
        caller,
        request_id=request_id_of(request),
        accept_language=request.headers.get("accept-language", ""),
    )
    return AsgiResponse(forwarded)
