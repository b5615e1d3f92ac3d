"""The names of our spans and attributes outside: OpenTelemetry's semantic conventions, and `etude.` for what they lack.

Nothing that is missing from these tables is ever sent.
"""

from collections.abc import Mapping

from msgspec import Struct
from opentelemetry.trace import SpanKind

from shared.domain.tracing import Attribute, SpanName


class SpanForm(Struct, frozen=True):
    """How a span is sent."""

    kind: SpanKind
    name: str
    """The template of the name, with attributes in braces."""
    fixed: Mapping[str, str] = {}
    """Attributes that are the same for every span of this form."""
    is_current: bool = True
    """Whether spans that begin inside this one become its children."""


_STREAMS = {"messaging.system": "redis_streams"}
FORMS: Mapping[SpanName, SpanForm] = {
    SpanName.REQUEST: SpanForm(SpanKind.SERVER, "{method} {route}"),
    SpanName.FORWARD: SpanForm(SpanKind.CLIENT, "{method} {route}"),
    SpanName.SUBMIT: SpanForm(
        SpanKind.PRODUCER,
        "submit {kind}",
        {**_STREAMS, "messaging.operation.type": "send", "messaging.operation.name": "submit"},
    ),
    SpanName.ATTEMPT: SpanForm(
        SpanKind.CONSUMER,
        "process {kind}",
        {**_STREAMS, "messaging.operation.type": "process", "messaging.operation.name": "process"},
    ),
    # A generator may yield inside this span, and the span must not be current in the code that reads from it.
    SpanName.CALL: SpanForm(
        SpanKind.CLIENT, "chat {model}", {"gen_ai.operation.name": "chat"}, is_current=False
    ),
    SpanName.SAVE: SpanForm(
        SpanKind.CLIENT,
        "INSERT async_jobs",
        {
            "db.system.name": "postgresql",
            "db.operation.name": "INSERT",
            "db.collection.name": "async_jobs",
        },
    ),
    SpanName.SETTLE: SpanForm(
        SpanKind.CLIENT,
        "settle {stream}",
        {**_STREAMS, "messaging.operation.type": "settle", "messaging.operation.name": "settle"},
    ),
}
ATTRIBUTES: Mapping[str, str] = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "kind": "etude.job.kind",
    "job_id": "messaging.message.id",
    "stream": "messaging.destination.name",
    "attempt": "etude.job.attempt",
    "state": "etude.job.state",
    "model": "gen_ai.request.model",
    "answered_by": "gen_ai.response.model",
    "generated_by": "gen_ai.provider.name",
    "max_tokens": "gen_ai.request.max_tokens",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
"""The OpenTelemetry name of each attribute."""


def format_name(form: SpanForm, attributes: Mapping[str, Attribute]) -> str:
    return form.name.format_map(_Blank(attributes)).strip()


class _Blank(dict[str, Attribute]):
    """Leaves attributes out of a name while they are unknown."""

    def __missing__(self, name: str) -> str:
        return ""
