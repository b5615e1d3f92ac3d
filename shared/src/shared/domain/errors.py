"""The tree of errors that we raise on purpose. Codes are stable; their texts are in `error_messages.py`.

`Problem` is an error as a value: records, events and rows keep it, and the HTTP layer translates it into the reader's
language. No error contains a provider's words, a path, a key or a learner's text.
"""

from collections.abc import Iterator

from msgspec import Struct, field

Param = str | int | float


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong, without a language: a code of the catalogue and the parameters of its message."""

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
    """An error class and all of its subclasses."""
    yield root
    for kind in root.__subclasses__():
        yield from tree(kind)


# -- the request is at fault: change it ---------------------------------------------------------------------


class RequestError(StudyError):
    """The caller must change something."""

    code = "invalid_request"


class FieldProblem(Struct, frozen=True):
    """One error in a request body. `code` is a key of `FIELD_MESSAGES`."""

    pointer: str
    """RFC 6901 JSON Pointer to the wrong field."""
    code: str
    params: dict[str, Param] = field(default_factory=dict[str, Param])


class InvalidFields(RequestError):
    """Fields of the body are not valid; `fields` lists them."""

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


class UnsupportedEncoding(RequestError):
    """The body is compressed."""

    code = "unsupported_encoding"


class HeadTooLarge(RequestError):
    """params: limit (bytes)."""

    code = "head_too_large"


class RequestTimedOut(RequestError):
    """The request did not arrive in time."""

    code = "request_timed_out"
    is_retryable = True


class UnsupportedDocument(RequestError):
    code = "unsupported_document"


class BrokenDocument(RequestError):
    """The file is damaged, or not of the format that it begins as."""

    code = "broken_document"


class LockedDocument(RequestError):
    """The document needs a password."""

    code = "locked_document"


class ScannedDocument(RequestError):
    """The pages are pictures, or their font has no table of letters."""

    code = "scanned_document"


class TextTooLong(RequestError):
    """The text of the document is longer than the user's plan allows. params: limit (bytes of text)."""

    code = "text_too_long"


class TooManyPages(RequestError):
    """The document has more pages than the user's plan allows. params: limit (pages)."""

    code = "too_many_pages"


class DocumentTooComplex(RequestError):
    """Reading the document takes more time or memory than one document gets."""

    code = "document_too_complex"


class EmptyText(RequestError):
    code = "empty_text"


class InvalidIdempotencyKey(RequestError):
    code = "invalid_idempotency_key"


class IdempotencyConflict(RequestError):
    """The idempotency key was used with another body before."""

    code = "idempotency_conflict"


class NotAuthenticated(RequestError):
    """The token is not valid. The response is the same whatever is wrong with it."""

    code = "not_authenticated"


class NotFound(RequestError):
    """The resource does not exist or belongs to somebody else; the response is the same."""

    code = "not_found"


class ModelNotAllowed(RequestError):
    """The request names a model that the user's plan does not allow. params: allowed (names, joined by commas, or `none`)."""

    code = "model_not_allowed"


class MethodNotAllowed(RequestError):
    code = "method_not_allowed"


class TooLargeForPlan(RequestError):
    """params: window (`day`, `month`), limit (tokens of the plan in it), needed (tokens), characters (of the longest text that
    fits)."""

    code = "too_large_for_plan"


class TooManyItems(RequestError):
    """More items are requested than the user's plan allows in one job. params: limit (cards, or questions)."""

    code = "too_many_items"


class PreconditionRequired(RequestError):
    """The request changes something, and does not say which state of it the caller has seen."""

    code = "precondition_required"


class PreconditionFailed(RequestError):
    """Somebody else has changed the resource since the caller saw it."""

    code = "precondition_failed"


class CollectionFull(RequestError):
    """params: limit (cards, or questions, of one collection)."""

    code = "collection_full"


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


class TooManyRequests(LimitReached):
    """params: limit (requests per minute of any kind)."""

    code = "too_many_requests"


class TooManyFailures(LimitReached):
    """Too many requests without a valid token from one address."""

    code = "too_many_failures"


class TooManyUploads(LimitReached):
    """params: limit (open uploads)."""

    code = "too_many_uploads"


class TooManyStreams(LimitReached):
    """params: limit (open event streams)."""

    code = "too_many_streams"


class TooMuchReading(LimitReached):
    """The user's documents took more processor time than one minute allows. params: limit (seconds)."""

    code = "too_much_reading"


class TooManyJobs(LimitReached):
    """params: limit (unfinished jobs)."""

    code = "too_many_jobs"


# -- we are at fault: try again later ----------------------------------------------------------------------


class Unavailable(StudyError):
    """A dependency is unreachable. Nothing was accepted, except where `NotConfirmed` says otherwise."""

    code = "unavailable"
    is_retryable = True


class Overloaded(Unavailable):
    """The backlog has reached its limit."""

    code = "overloaded"


class TooManyConnections(Unavailable):
    """The process, or the client's address, has as many open connections as it may."""

    code = "too_many_connections"


class StreamsExhausted(Unavailable):
    """The process has as many event streams open as it may have."""

    code = "streams_exhausted"


class StoreUnavailable(Unavailable):
    """Redis or Postgres is unreachable."""

    code = "store_unavailable"


class ChatUnavailable(Unavailable):
    code = "chat_unavailable"


class NotConfirmed(Unavailable):
    """The job was accepted, but its durability was not confirmed in time, so neither success nor refusal may be reported.
    params: job (its id)."""

    code = "not_confirmed"


# -- why a job ended -----------------------------------------------------------------------------------------


class JobError(StudyError):
    """The work itself went wrong."""

    code = "job_failed"


class NoUsableText(JobError):
    """The text contains no sentence from which study material can be made."""

    code = "no_usable_text"


class NothingNew(JobError):
    """Every item that was made asks what the collection, or a known one, asks already."""

    code = "nothing_new"


class AttemptTimedOut(JobError):
    """params: limit (seconds)."""

    code = "attempt_timed_out"
    is_retryable = True


class WorkerCrashed(JobError):
    """The worker that ran the job died. params: crashes."""

    code = "worker_crashed"
    is_retryable = True


class HoldSpent(JobError):
    """Failed calls have used up the tokens that were held for the job, so no further call is made."""

    code = "hold_spent"


class HandedBack(JobError):
    """The worker stopped, and another one continues the job."""

    code = "handed_back"
    is_retryable = True


class UnknownWire(JobError):
    """The kind or version comes from a newer release. The job is parked until a worker of that release reads it.
    params: kind, version."""

    code = "unknown_wire"
    is_retryable = True


class UnreadableRecord(JobError):
    """The stored record of the job is damaged: nothing can be made of it."""

    code = "unreadable_record"


class LeaseLost(JobError):
    """Another attempt owns the job now, so nothing may be written."""

    code = "lease_lost"


class Unexpected(JobError):
    """An exception that is a bug."""

    code = "internal_error"
    is_retryable = True
