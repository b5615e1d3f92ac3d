"""Every key that a line of the log may have: one schema for all processes. What is not here does not get out.

None of them holds a word of a learner's or a provider's. `shared/docs/privacy.md` shows the same list; a test compares.
"""

from typing import TypeAlias

from msgspec import Struct

Text: TypeAlias = str | None
Number: TypeAlias = int | float | None


class LogLine(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    # -- on every line
    ts: str
    """When: RFC 3339, UTC."""
    level: str
    service: str
    event: str
    """What happened: `job.settled`. Of a library that may quote what it works on, only `library.logged`."""

    # -- on every line below a request or an attempt
    request_id: Text = None
    """Of the HTTP request; of the one that submitted the job."""
    trace_id: Text = None
    job_id: Text = None
    kind: Text = None
    """Of the job."""
    attempt: Number = None

    # -- what went wrong, and where
    code: Text = None
    """Of the catalogue of errors."""
    error_type: Text = None
    """Class of an exception; never its words."""
    error_at: Text = None
    """Functions and lines, innermost first."""
    reason: Text = None
    logger: Text = None
    """The library that speaks."""
    dropped_keys: Number = None
    """Keys of this line that are not on this list, or whose value is no plain one, and were left out."""

    # -- about jobs
    state: Text = None
    """The job is in now."""
    stream: Text = None
    shard: Number = None
    consumer: Text = None
    jobs: Number = None
    """How many are concerned."""

    # -- about requests
    method: Text = None
    route: Text = None
    """Its template: the path itself is the client's text."""
    status: Number = None
    duration_ms: Number = None

    # -- about providers
    model: Text = None
    generated_by: Text = None
    prompt_tokens: Number = None
    completion_tokens: Number = None
    retry_in_seconds: Number = None

    # -- about the process
    pid: Number = None
    port: Number = None
    count: Number = None
    name: Text = None
    """Of a setting of a server."""
    expected: Text = None
    """Its value."""
    durability: Text = None
    """As it was set."""
    path: Text = None
    """Of a folder of the process's own; never of a request."""


ALLOWED = frozenset(LogLine.__struct_fields__)
