"""Service level objectives as queries, and the recording rules of their burn rates.

A burn rate of 1 uses up exactly the error budget; 14.4 uses up a thirty-day budget in two days.
"""

from collections.abc import Iterator

from msgspec import Struct

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
GUARDED = ("1h", "6h")
"""Windows whose alerts also require a minimum of events."""

ANSWERS = "http_server_request_duration_seconds_count"
SUBMISSIONS = 'http_request_method="POST", http_route=~"/api/(ai|collections)"'
READS = 'http_request_method="GET", http_route=~"/api/.+"'
CHATS = 'http_request_method="POST", http_route="/api/chat", job="gateway"'
BROKEN = 'http_response_status_code=~"5.."'


class Slo(Struct, frozen=True, kw_only=True):
    name: str
    promise: str
    objective: float
    """Share of events that must be good, from 0 to 1."""
    all: str
    bad: str
    """Queries of all and of the bad events per second, with `{window}` as a placeholder."""

    @property
    def allowed(self) -> float:
        """Share of events that may be bad."""
        return round(1 - self.objective, 6)


SLOS = (
    Slo(
        name="accept",
        promise="a submission gets a response below 500",
        objective=0.999,
        all=f"sum(rate({ANSWERS}{{{SUBMISSIONS}}}[{{window}}]))",
        bad=f"(sum(rate({ANSWERS}{{{SUBMISSIONS}, {BROKEN}}}[{{window}}])) or vector(0))",
    ),
    Slo(
        name="done",
        promise="an accepted job is done within 60 s; a dead letter counts as late",
        objective=0.995,
        all="sum(rate(etude_job_end_to_end_seconds_count[{window}]))",
        bad="(sum(rate(etude_job_end_to_end_seconds_count[{window}]))"
        ' - sum(rate(etude_job_end_to_end_seconds_bucket{le="60.0"}[{window}]))'
        ' + (sum(rate(etude_jobs_settled_total{outcome="dead_lettered"}[{window}])) or vector(0)))',
    ),
    Slo(
        name="chat",
        promise="the first words of an answer come within 2.56 s",
        objective=0.95,
        all="(sum(rate(gen_ai_client_inference_time_to_first_chunk_seconds_count[{window}]))"
        f" + (sum(rate({ANSWERS}{{{CHATS}, {BROKEN}}}[{{window}}])) or vector(0)))",
        bad="(sum(rate(gen_ai_client_inference_time_to_first_chunk_seconds_count[{window}]))"
        ' - sum(rate(gen_ai_client_inference_time_to_first_chunk_seconds_bucket{le="2.56"}[{window}]))'
        f" + (sum(rate({ANSWERS}{{{CHATS}, {BROKEN}}}[{{window}}])) or vector(0)))",
    ),
    Slo(
        name="read",
        promise="a read gets a response below 500",
        objective=0.999,
        all=f"sum(rate({ANSWERS}{{{READS}}}[{{window}}]))",
        bad=f"(sum(rate({ANSWERS}{{{READS}, {BROKEN}}}[{{window}}])) or vector(0))",
    ),
)

HEAD = """\
# How fast each promise's error budget burns. Made by `make dashboards` from deploy/dashboards/src/dashboards/slo.py:
# change it there. A burn of 1 uses up exactly what the promise allows.
groups:
"""


def render_rules() -> str:
    return HEAD + "\n".join(line for slo in SLOS for line in _group(slo)) + "\n"


def _group(slo: Slo) -> Iterator[str]:
    yield f"  # {slo.objective:.1%}: {slo.promise}"
    yield f"  - name: slo-{slo.name}"
    yield "    rules:"
    for window in WINDOWS:
        burn = f"{slo.bad} / clamp_min({slo.all}, 1e-9) / {slo.allowed:g}"
        yield from _record(f"etude:slo_burn:{window}", slo, burn.replace("{window}", window))
    for window in GUARDED:
        events = slo.all.replace("rate(", "increase(").replace("{window}", window)
        yield from _record(f"etude:slo_events:{window}", slo, events)


def _record(name: str, slo: Slo, query: str) -> Iterator[str]:
    yield f"      - record: {name}"
    yield f"        labels: {{slo: {slo.name}}}"
    yield "        expr: >-"
    yield f"          {query}"
