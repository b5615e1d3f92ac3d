"""The settings of the chat service."""

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
    grace_seconds: int = 5
    """Seconds that open responses get to finish after SIGTERM. Responses still open after that are cut."""
