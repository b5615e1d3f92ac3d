"""The settings of the gateway."""

from shared.domain.jobs.submission import Durability
from shared.runtime.config.settings import CommonSettings


class GatewaySettings(CommonSettings, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8000
    """Port to listen on."""
    chat_url: str = "http://127.0.0.1:8001"
    """URL of the chat service."""
    internal_secret: str = ""
    """Secret shared with the chat service, which rejects every request without it."""
    jwt_public_key: str = ""
    """PEM of the public key that verifies tokens: Ed25519, RSA or P-256."""
    jwks_url: str = ""
    """URL where such keys are published as a JWKS, in place of one public key."""
    jwt_issuer: str = ""
    """The `iss` that a token must have; any when empty."""
    jwt_audience: str = ""
    """The `aud` that a token must have; any when empty, which the gateway warns of."""
    api_keys: str = ""
    """JSON object from the SHA-256 of an API key, in hex, to `{"user": …, "plan": …}`."""
    plans_file: str = ""
    """Path of the plans, in JSON; the shipped plans when empty."""
    accept_durability: Durability = Durability.MEMORY
    """Where a job must be stored before its `202` is sent: in `memory`, on the disk (`aof`) or on a replica (`replica`).
    The page on durability has measured what each can lose."""
    trusted_proxies: str = "127.0.0.1, ::1"
    """Addresses and networks of the proxies whose `X-Forwarded-For` tells the client's address, separated by commas. Limits by
    address count clients, and not these."""
    max_connections: int = 12_000
    """Most open connections of the process, event streams included; fewer if it may not open as many files."""
    max_connections_per_address: int = 1_024
    """Most open connections of one client address that is no trusted proxy; any number when 0."""
    cors_origins: str = ""
    """Origins of the web pages that may call, separated by commas; none when empty."""
    heartbeat_seconds: float = 15.0
    """Seconds of silence after which an event stream sends a comment to keep its connection open. Proxies usually close
    after 30 s."""
    max_event_streams: int = 10_000
    """Number of event streams that the process keeps open; a further one is refused with `503`. The plan bounds those of a
    user."""
