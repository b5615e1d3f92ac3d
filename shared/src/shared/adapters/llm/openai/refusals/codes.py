"""The errors that servers name by a code or by an HTTP status, and what each is for us."""

from collections.abc import Mapping, Sequence

from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderRejected,
    ProviderTimedOut,
    ProviderUnavailable,
)

BY_CODE: Mapping[str, type[ProviderError]] = {
    # A 429 about the account's credit, which no waiting mends. Its `type` may be that of a 429 about the pace.
    "insufficient_quota": ProviderOutOfCredit,
    "credit_balance_exhausted": ProviderOutOfCredit,
    "organization_spend_limit_exceeded": ProviderOutOfCredit,
    "project_spend_limit_exceeded": ProviderOutOfCredit,
    "organization_usage_limit_exceeded": ProviderOutOfCredit,
    "billing_hard_limit_reached": ProviderOutOfCredit,
    "billing_not_active": ProviderOutOfCredit,
    "exceeded_current_quota_error": ProviderOutOfCredit,  # Moonshot
    "budget_exceeded": ProviderOutOfCredit,  # LiteLLM
    "rate_limit_exceeded": ProviderBusy,
    "slow_down": ProviderBusy,
    "server_is_overloaded": ProviderBusy,
    "overloaded_error": ProviderBusy,
    "RESOURCE_EXHAUSTED": ProviderBusy,  # Gemini, like the other names in capitals
    "UNAVAILABLE": ProviderBusy,
    "context_length_exceeded": ContextTooLong,
    "exceed_context_size_error": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "content_filter": ProviderRefused,
    "content_policy_violation": ProviderRefused,
    "invalid_prompt": ProviderRefused,
    "json_validate_failed": ProviderGarbled,  # Groq checks what the model wrote, and answers 400
    "invalid_api_key": ProviderMisconfigured,
    "API_KEY_INVALID": ProviderMisconfigured,  # with status 400
    "UNAUTHENTICATED": ProviderMisconfigured,
}
UNKNOWN_MODEL_CODES = frozenset(
    {"model_not_found", "model_not_exist", "NotFoundError", "DeploymentNotFound"}
)  # OpenAI, DeepSeek, vLLM, Azure
"""Codes of a model that the server does not know. One alone may be a slip of a gateway, and is this request's fault."""
BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: ProviderMisconfigured,
    402: ProviderOutOfCredit,
    408: ProviderTimedOut,
    409: ProviderUnavailable,
    413: ContextTooLong,
    421: ProviderUnavailable,
    423: ProviderUnavailable,
    424: ProviderUnavailable,  # Text Generation Inference failed during the generation
    425: ProviderUnavailable,
    429: ProviderBusy,
    444: ProviderUnavailable,  # nginx, like 499: the connection closed
    498: ProviderBusy,  # Groq has no capacity
    499: ProviderUnavailable,
    503: ProviderBusy,
    504: ProviderTimedOut,
    522: ProviderTimedOut,  # Cloudflare, like 524: the server behind it is too slow
    524: ProviderTimedOut,
    529: ProviderBusy,  # Anthropic
    598: ProviderTimedOut,
    599: ProviderTimedOut,
}
SPEND_LIMIT = "_spend_limit_exceeded"
"""End of a code that tells of a spent account."""
FEATURE_STATUSES = frozenset({0, 400, 404, 415, 422, 500, 501})
"""Statuses with which servers refuse a field they do not know; 0 is an error in a response of status 200."""


def kind_of(codes: Sequence[str], status: int) -> type[ProviderError] | None:
    """Our error for the first known one of `codes`, or for the status; None if neither is known."""
    for code in codes:
        if code in BY_CODE:
            return BY_CODE[code]
        if code in UNKNOWN_MODEL_CODES:
            return ProviderRejected
        if code.endswith(SPEND_LIMIT):
            return ProviderOutOfCredit
    return BY_STATUS.get(status)
