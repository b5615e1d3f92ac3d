"""The settings of the chat service."""

from chat.retrieval.question_rewriter import REWRITE_SECONDS
from shared.runtime.generation.provider_factory import ProviderSettings


class ChatSettings(ProviderSettings, frozen=True, kw_only=True):
    internal_secret: str
    """Secret shared with the gateway. Requests without it are rejected."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8001
    """Port to listen on."""
    plans_file: str = ""
    """Path of the plans, in JSON; the shipped plans when empty."""
    chat_rewrite_seconds: float = REWRITE_SECONDS
    """Seconds that a model may take to put a question into words of the collection, before it is answered with the passages that
    its own words find. It is asked if the question leans on an earlier turn, is in another language, or has few words of the text. With 0 it is
    never asked."""
    grace_seconds: int = 5
    """Seconds that open responses get to finish after SIGTERM. Responses still open after that are cut."""
