"""The keys that a log line may have: one schema for all processes. Any other key is dropped.

No key holds text of a learner or a provider. `shared/docs/privacy.md` lists the same keys, and a test compares the two.
"""

from typing import TypeAlias

from msgspec import Struct

Text: TypeAlias = str | None
Number: TypeAlias = int | float | None


class LogLine(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    # -- on every line
    ts: str
    """Time of the event: RFC 3339, UTC."""
    level: str
    service: str
    event: str
    """Name of the event, such as `job.settled`. Messages of untrusted libraries are replaced by `library.logged`."""

    # -- on every line of a request or an attempt
    request_id: Text = None
    """Id of the HTTP request; in a worker, of the request that submitted the job."""
    trace_id: Text = None
    job_id: Text = None
    kind: Text = None
    """Kind of the job."""
    attempt: Number = None

    # -- what went wrong, and where
    code: Text = None
    """Error code, from the catalogue of errors."""
    error_type: Text = None
    """Class of the exception; its message is never logged."""
    error_at: Text = None
    """Functions and line numbers of the traceback, innermost first."""
    reason: Text = None
    logger: Text = None
    """The library that logged the line."""
    dropped_keys: Number = None
    """Number of keys that were dropped: they are not in this schema, or their value is not a plain one."""

    # -- about jobs
    state: Text = None
    """State of the job after the event."""
    stream: Text = None
    shard: Number = None
    consumer: Text = None
    jobs: Number = None
    """Number of jobs concerned."""

    # -- about requests
    method: Text = None
    route: Text = None
    """Template of the route. The path itself is text of the client."""
    status: Number = None
    duration_ms: Number = None

    # -- about providers
    model: Text = None
    generated_by: Text = None
    retrieval: Text = None
    prompt_tokens: Number = None
    completion_tokens: Number = None
    retry_in_seconds: Number = None
    structured_output: Text = None
    """How the shape of a completion is asked for from now on."""
    limit_field: Text = None
    """Field that limits the tokens of a completion from now on."""
    without: Text = None
    """Optional fields that the server refused."""
    window: Number = None
    """Tokens of prompt and completion together that the model reads; 0 when it is not known."""
    max_output: Number = None
    """Tokens of a completion that the model allows; 0 when it is not known."""
    thinking: Text = None
    """How the server writes thinking into its completions."""
    bytes: Number = None
    """Size of a document that cannot be read."""
    characters: Number = None
    """Length of a response that cannot be used."""
    begins_with: Text = None
    """A bracket, `text` or `nothing`: how such a response begins."""
    was_cut: Number = None
    """1: it stopped at the length limit."""
    is_asked_again: Number = None
    """1: the model is asked once more."""

    # -- about the process
    pid: Number = None
    port: Number = None
    count: Number = None
    name: Text = None
    """Name of a setting of a server, or of a dependency."""
    expected: Text = None
    """Value that the setting should have."""
    durability: Text = None
    """The configured durability of a `202`."""
    path: Text = None
    """Path of a folder of this process; never of a request."""


ALLOWED = frozenset(LogLine.__struct_fields__)
