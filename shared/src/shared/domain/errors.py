"""The error tree: names say what the caller can do; codes are stable; messages are in `messages.py`.

`Problem` is an error as a value: what a record, an event or a row keeps, and what is put into the reader's language
at the edge. No message here ever holds a provider's words, a path, a key or a learner's text.
"""

from collections.abc import Iterator

from msgspec import Struct, field

from shared.domain.usage import Usage

Param = str | int | float


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong, in any language: a code of the catalogue and what its message mentions."""

    code: str
    params: dict[str, Param] = field(default_factory=dict[str, Param])
    retry_after: float | None = None


class StudyError(Exception):
    """Root of all errors we raise on purpose."""

    code = "internal_error"
    is_retryable = False
    """Whether the same request may work later, unchanged."""

    def __init__(self, *, retry_after: float | None = None, **params: Param) -> None:
        super().__init__(self.code)
        self.params = params
        self.retry_after = retry_after

    @property
    def problem(self) -> Problem:
        return Problem(self.code, self.params, self.retry_after)


def tree(root: type[StudyError]) -> Iterator[type[StudyError]]:
    """An error and all its kinds."""
    yield root
    for kind in root.__subclasses__():
        yield from tree(kind)


# -- the request is at fault: change it ---------------------------------------------------------------------


class RequestError(StudyError):
    """The caller must change something."""

    code = "invalid_request"


class FieldProblem(Struct, frozen=True):
    """One fault in a body. `code` is of the catalogue's field messages."""

    pointer: str
    """RFC 6901 JSON Pointer to what is wrong."""
    code: str
    params: dict[str, Param] = field(default_factory=dict[str, Param])


class InvalidFields(RequestError):
    """The body has the wrong shape; `fields` says where."""

    code = "invalid_fields"

    def __init__(self, *fields: FieldProblem) -> None:
        super().__init__()
        self.fields = fields


class MalformedJson(RequestError):
    code = "malformed_json"


class InvalidEncoding(RequestError):
    code = "invalid_encoding"


class TooDeep(RequestError):
    code = "too_deep"


class TooLarge(RequestError):
    """params: limit (bytes)."""

    code = "too_large"


class UnsupportedMediaType(RequestError):
    code = "unsupported_media_type"


class UnsupportedDocument(RequestError):
    code = "unsupported_document"


class EmptyText(RequestError):
    code = "empty_text"


class InvalidIdempotencyKey(RequestError):
    code = "invalid_idempotency_key"


class IdempotencyConflict(RequestError):
    """The key was used with another body."""

    code = "idempotency_conflict"


class NotAuthenticated(RequestError):
    """One generic answer, whatever was wrong with the token."""

    code = "not_authenticated"


class NotFound(RequestError):
    """Unknown, or somebody else's: the same answer."""

    code = "not_found"


class MethodNotAllowed(RequestError):
    code = "method_not_allowed"


class NotReady(RequestError):
    """The collection is still being made."""

    code = "not_ready"
    is_retryable = True


# -- limits: wait, or take a larger plan -------------------------------------------------------------------


class LimitReached(StudyError):
    """A limit of the user's plan."""

    code = "limit_reached"
    is_retryable = True


class BudgetExceeded(LimitReached):
    """params: window (`day`, `month`), left (tokens), needed (tokens), resets_at (RFC 3339)."""

    code = "budget_exceeded"


class RateLimited(LimitReached):
    """params: limit (requests per minute)."""

    code = "rate_limited"


class TooManyJobs(LimitReached):
    """params: limit (unfinished jobs)."""

    code = "too_many_jobs"


# -- we are at fault: try again later ----------------------------------------------------------------------


class Unavailable(StudyError):
    """Something we need is away; nothing was accepted, but for what is not confirmed."""

    code = "unavailable"
    is_retryable = True


class Overloaded(Unavailable):
    """The backlog is longer than we can promise to work off."""

    code = "overloaded"


class StoreUnavailable(Unavailable):
    """Redis or Postgres is away."""

    code = "store_unavailable"


class ChatUnavailable(Unavailable):
    code = "chat_unavailable"


class NotConfirmed(Unavailable):
    """Accepted, but not known in time to be where it has to be: no success may be told, and no refusal either.
    params: job (its id)."""

    code = "not_confirmed"


# -- why a job ended -----------------------------------------------------------------------------------------


class JobError(StudyError):
    """The work itself went wrong."""

    code = "job_failed"


class NoUsableText(JobError):
    """The text holds no sentence that study material could be made of."""

    code = "no_usable_text"


class AttemptTimedOut(JobError):
    """params: limit (seconds)."""

    code = "attempt_timed_out"
    is_retryable = True


class WorkerCrashed(JobError):
    """The job's owner died; params: crashes."""

    code = "worker_crashed"
    is_retryable = True


class HoldSpent(JobError):
    """Failed calls have used up what was held for the job: no further one is bought."""

    code = "hold_spent"


class HandedBack(JobError):
    """The worker stopped; another one goes on."""

    code = "handed_back"
    is_retryable = True


class UnknownWire(JobError):
    """A newer release's kind or version: parked until one who knows it reads it. params: kind, version."""

    code = "unknown_wire"
    is_retryable = True


class LeaseLost(JobError):
    """Another attempt owns the job now: write nothing."""

    code = "lease_lost"


class Unexpected(JobError):
    """A bug of ours."""

    code = "internal_error"
    is_retryable = True


# -- the provider --------------------------------------------------------------------------------------------


class ProviderError(StudyError):
    """A call went wrong. `usage` is what it cost all the same."""

    code = "provider_error"
    may_fall_back = False
    """Temporary faults only: another model may answer what this one cannot now."""

    def __init__(
        self,
        *,
        usage: Usage | None = None,
        retry_after: float | None = None,
        is_counted: bool = True,
        is_connected: bool = True,
        **params: Param,
    ) -> None:
        super().__init__(retry_after=retry_after, **params)
        self.usage = usage or Usage()
        self.is_counted = is_counted
        """False when no call was made: the gate was closed. It spends no attempt."""
        self.is_connected = is_connected
        """False when the provider was not reached, or the connection broke."""


class ProviderBusy(ProviderError):
    """Too fast, or overloaded: wait for `retry_after`."""

    code = "provider_busy"
    is_retryable = True
    may_fall_back = True


class ProviderUnavailable(ProviderError):
    """5xx, or no connection."""

    code = "provider_unavailable"
    is_retryable = True
    may_fall_back = True


class ProviderTimedOut(ProviderError):
    code = "provider_timed_out"
    is_retryable = True
    may_fall_back = True


class ProviderGarbled(ProviderError):
    """The answer did not fit the schema, twice."""

    code = "provider_garbled"
    is_retryable = True


class ProviderOutOfCredit(ProviderError):
    """Our account is empty: an operator must act; nobody retries."""

    code = "provider_out_of_credit"
    may_fall_back = True


class ProviderRefused(ProviderError):
    """The content was refused: the same input would be again."""

    code = "provider_refused"


class ContextTooLong(ProviderError):
    code = "context_too_long"


class ProviderMisconfigured(ProviderError):
    """Bad key, unknown model, a schema it does not take: an operator must act."""

    code = "provider_misconfigured"
