"""What the chat service needs to know."""

from shared.runtime.generation.provider_factory import ProviderSettings


class ChatSettings(ProviderSettings, frozen=True, kw_only=True):
    internal_secret: str
    """Shared with the gateway: only requests that carry it are answered."""
    host: str = "127.0.0.1"
    port: int = 8001
    plans_file: str = ""
    """JSON; the shipped plans when empty."""
    grace_seconds: int = 5
    """For open answers to end by themselves when the service is told to stop; what is still open then is cut."""
