"""How our legs and facts are called outside: OpenTelemetry's semantic conventions, and `etude.` for what they lack.

Only what is in these tables ever leaves.
"""

from collections.abc import Mapping

from msgspec import Struct
from opentelemetry.trace import SpanKind

from shared.domain.tracing import Fact, Leg


class Form(Struct, frozen=True):
    """How a leg is written."""

    kind: SpanKind
    name: str
    """With the facts it is made of in braces."""
    fixed: Mapping[str, str] = {}
    is_current: bool = True
    """What begins inside it is its child."""


_STREAMS = {"messaging.system": "redis_streams"}
FORMS: Mapping[Leg, Form] = {
    Leg.REQUEST: Form(SpanKind.SERVER, "{method} {route}"),
    Leg.FORWARD: Form(SpanKind.CLIENT, "{method} {route}"),
    Leg.SUBMIT: Form(
        SpanKind.PRODUCER,
        "submit {kind}",
        {**_STREAMS, "messaging.operation.type": "send", "messaging.operation.name": "submit"},
    ),
    Leg.ATTEMPT: Form(
        SpanKind.CONSUMER,
        "process {kind}",
        {**_STREAMS, "messaging.operation.type": "process", "messaging.operation.name": "process"},
    ),
    # a generator may yield inside it: it must not be current where that is read
    Leg.CALL: Form(SpanKind.CLIENT, "chat {model}", {"gen_ai.operation.name": "chat"}, is_current=False),
    Leg.SAVE: Form(
        SpanKind.CLIENT,
        "INSERT async_jobs",
        {
            "db.system.name": "postgresql",
            "db.operation.name": "INSERT",
            "db.collection.name": "async_jobs",
        },
    ),
    Leg.SETTLE: Form(
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
}
"""What a fact is called outside."""


def name_of(form: Form, facts: Mapping[str, Fact]) -> str:
    return form.name.format_map(_Blank(facts)).strip()


class _Blank(dict[str, Fact]):
    """A fact that is not known yet is left out of a name."""

    def __missing__(self, name: str) -> str:
        return ""
