"""What a route may ask for in its signature: the caller, the decoded question, the services."""

from typing import Annotated

from fastapi import Depends, Request

from chat.internal_auth import Caller
from chat.services import Services
from shared.domain.chat import ChatQuestion, check_conversation
from shared.runtime.http.request_body import BodyDecoder, read_body, require_json

_decoder = BodyDecoder(ChatQuestion)


async def provide_services(request: Request) -> Services:
    return request.app.state.services


CurrentServices = Annotated[Services, Depends(provide_services)]


async def authenticate(request: Request, services: CurrentServices) -> Caller:
    """Raises `NotAuthenticated`."""
    return services.auth.authenticate(request.headers)


CurrentCaller = Annotated[Caller, Depends(authenticate)]


async def read_question(request: Request, _: CurrentCaller) -> ChatQuestion:
    """Reads the body only for an authenticated caller. Raises what the body functions raise."""
    headers = request.headers
    require_json(headers.get("content-type", ""), headers.get("content-encoding", ""))
    body = await read_body(request.stream(), declared=headers.get("content-length", ""))
    question = _decoder.decode(body)
    check_conversation(question)
    return question


QuestionBody = Annotated[ChatQuestion, Depends(read_question)]
