"""What the routes work with, built once per application."""

from collections.abc import Callable

from msgspec import Struct

from chat.answer_service import AnswerService
from chat.internal_auth import InternalAuth
from chat.metrics import ChatMetrics


class Services(Struct, frozen=True, kw_only=True):
    auth: InternalAuth
    answers: AnswerService
    metrics: ChatMetrics
    clock: Callable[[], float]
    """Unix seconds."""
    heartbeat_seconds: float
    """A stream that was silent for this long gets a comment, which keeps its connection open."""
