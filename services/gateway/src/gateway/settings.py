"""What the gateway needs to know."""

from shared.domain.jobs.submission import Durability
from shared.runtime.config.settings import CommonSettings


class GatewaySettings(CommonSettings, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 8000
    chat_url: str = "http://127.0.0.1:8001"
    """Where the chat service listens."""
    internal_secret: str = ""
    """Shared with the chat service, which answers nobody without it."""
    jwt_public_key: str = ""
    """PEM of the key that signs tokens (Ed25519, RSA or P-256) …"""
    jwks_url: str = ""
    """… or where the keys are published."""
    jwt_issuer: str = ""
    """The `iss` a token must have; any when empty."""
    jwt_audience: str = ""
    """The `aud` a token must have; any when empty."""
    api_keys: str = ""
    """JSON: SHA-256 of an API key (hex) → `{"user": …, "plan": …}`."""
    plans_file: str = ""
    accept_durability: Durability = Durability.MEMORY
    """Where a job must be before its `202` is sent."""
    cors_origins: str = ""
    """Origins of web pages that may call, separated by commas; none when empty."""
    heartbeat_seconds: float = 15.0
    """How long an event stream is silent before a comment shows that it lives: below a proxy's usual 30 s."""
