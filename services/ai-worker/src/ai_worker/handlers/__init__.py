"""The handlers of the `ai` stream, by job kind."""

from ai_worker.handlers.explanation import make_explanation
from ai_worker.handlers.flashcards import make_flashcards
from ai_worker.handlers.outline import make_outline
from ai_worker.handlers.quiz import make_quiz
from ai_worker.handlers.summary import make_summary
from ai_worker.handlers.text import make_text
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind

HANDLERS: dict[Kind, Handler] = {
    Kind.FLASHCARDS: make_flashcards,
    Kind.QUIZ: make_quiz,
    Kind.SUMMARY: make_summary,
    Kind.EXPLANATION: make_explanation,
    Kind.OUTLINE: make_outline,
    Kind.TEXT: make_text,
}
