"""What goes wrong with a call to a provider, and whose fault it is (decision 29)."""

from enum import StrEnum

from shared.domain.errors import Param, StudyError
from shared.domain.usage import Usage


class Blame(StrEnum):
    """Whose fault a failed call is. What is only this request's fault never delays other learners."""

    REQUEST = "request"
    SERVER = "server"
    ACCOUNT = "account"


class ProviderError(StudyError):
    """A call to a model failed. `usage` is what it cost nevertheless."""

    code = "provider_error"
    blames = Blame.SERVER
    may_fall_back = False
    """Whether another model may succeed where this one failed; true of temporary errors only."""

    def __init__(
        self,
        *,
        usage: Usage | None = None,
        retry_after: float | None = None,
        is_counted: bool = True,
        is_connected: bool = True,
        status: int = 0,
        **params: Param,
    ) -> None:
        super().__init__(retry_after=retry_after, **params)
        self.status = status
        """The HTTP status of the response; 0 when there was none."""
        self.usage = usage or Usage()
        self.is_counted = is_counted
        """False if the rate limiter gave no permit, so that no call was made. Such an error uses up no attempt."""
        self.is_connected = is_connected
        """False if the provider was not reached, or the connection broke."""


class ProviderBusy(ProviderError):
    """The provider limits the rate or is overloaded; wait for `retry_after`."""

    code = "provider_busy"
    is_retryable = True
    may_fall_back = True


class ProviderUnavailable(ProviderError):
    """The provider responded with 5xx, or there was no connection."""

    code = "provider_unavailable"
    is_retryable = True
    may_fall_back = True


class ProviderTimedOut(ProviderError):
    code = "provider_timed_out"
    is_retryable = True
    may_fall_back = True


class ProviderGarbled(ProviderError):
    """The completion did not fit the schema, twice."""

    code = "provider_garbled"
    is_retryable = True
    blames = Blame.REQUEST


class ProviderOutOfCredit(ProviderError):
    """The provider account has no credit. Only an operator can mend that, so nothing is retried."""

    code = "provider_out_of_credit"
    blames = Blame.ACCOUNT
    may_fall_back = True


class ProviderRefused(ProviderError):
    """The model refused the content, and would refuse the same input again."""

    code = "provider_refused"
    blames = Blame.REQUEST


class LanguageNeedsModel(ProviderError):
    """The text is in a language that the offline generator does not write. A model may."""

    code = "language_needs_model"
    blames = Blame.REQUEST
    may_fall_back = True


class ContextTooLong(ProviderError):
    code = "context_too_long"
    blames = Blame.REQUEST


class ProviderRejected(ProviderError):
    """The server does not take this request, and does not say why. It is this request's fault until several different ones
    are rejected in a row."""

    code = "provider_rejected"
    blames = Blame.REQUEST


class ProviderMisconfigured(ProviderError):
    """The key, the model name or the schema is not accepted. Only an operator can mend that."""

    code = "provider_misconfigured"
    blames = Blame.ACCOUNT
