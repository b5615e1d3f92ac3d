"""`POST /api/chat`: one question, one answer, complete or as a stream."""

from fastapi import APIRouter, Response

from chat.answer_response import AnswerResponse
from chat.dependencies import CurrentCaller, CurrentServices, QuestionBody

router = APIRouter(tags=["chat"])


@router.post("/api/chat")
async def answer_question(
    caller: CurrentCaller, question: QuestionBody, services: CurrentServices
) -> Response:
    return AnswerResponse(services, caller, question)
