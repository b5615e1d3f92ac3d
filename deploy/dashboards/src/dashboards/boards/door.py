"""What fails at the door, and why?"""

from dashboards.board import Board, Row
from dashboards.panels import PER_SECOND, SECONDS, SHARE, heat, lines, number
from dashboards.promql import gauge, or_none, quantile, quantiles, rate, share

ANSWERS = "http_server_request_duration_seconds"
GATEWAY = 'job="gateway"'
BROKEN = f'{GATEWAY}, http_response_status_code=~"5.."'
SCRIPTS = "messaging_client_operation_duration_seconds"

BOARD = Board(
    uid="etude-door",
    title="What fails at the door, and why?",
    reading=(
        "5xx are ours: a store is away or the backlog is full. Refusals are the caller's: a spent budget, too many "
        "requests, a bad body. Slow answers with fast scripts are a blocked event loop."
    ),
    rows=(
        Row(
            "Now",
            (
                number(
                    "How many requests a second?",
                    "At the gateway.",
                    rate(f"{ANSWERS}_count", where=GATEWAY, window="5m"),
                    unit=PER_SECOND,
                ),
                number(
                    "Which share fails?",
                    "5xx, in the last five minutes.",
                    share(
                        or_none(rate(f"{ANSWERS}_count", where=BROKEN, window="5m")),
                        rate(f"{ANSWERS}_count", where=GATEWAY, window="5m"),
                    ),
                    unit=SHARE,
                    warn=0.001,
                    bad=0.01,
                ),
                number(
                    "How many requests are open?",
                    "Being answered right now.",
                    gauge("etude_http_inflight_requests", by="job"),
                    legend="{{job}}",
                ),
                number(
                    "How many listen?",
                    "Open event streams.",
                    gauge("etude_event_streams_active"),
                ),
            ),
        ),
        Row(
            "Requests",
            (
                lines(
                    "Which routes are used?",
                    "Per second, by method and route.",
                    {
                        "{{http_request_method}} {{http_route}}": rate(
                            f"{ANSWERS}_count", by="http_request_method, http_route", where=GATEWAY
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "How are they answered?",
                    "Per second, by status.",
                    {
                        "{{http_response_status_code}}": rate(
                            f"{ANSWERS}_count", by="http_response_status_code", where=GATEWAY
                        )
                    },
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                lines(
                    "How long does each route take?",
                    "All but the slowest hundredth; of an event stream, until its headers are sent.",
                    {
                        "{{http_request_method}} {{http_route}}": quantile(
                            0.99, ANSWERS, by="http_request_method, http_route", where=GATEWAY
                        )
                    },
                    unit=SECONDS,
                    bad=1,
                ),
                heat("How are answers spread?", "Every request, by how long it took.", ANSWERS),
                lines(
                    "How long does accepting take in Redis?",
                    "The submit script, as the gateway sees it.",
                    quantiles(SCRIPTS, where='messaging_operation_name="submit"'),
                    unit=SECONDS,
                    bad=0.25,
                ),
                lines(
                    "How late do listeners hear?",
                    "From an event to its write to the client.",
                    quantiles("etude_event_delay_seconds"),
                    unit=SECONDS,
                    bad=1,
                ),
            ),
        ),
        Row(
            "Refusals",
            (
                lines(
                    "Why are submissions refused?",
                    "Per second, by reason.",
                    {"{{reason}}": rate("etude_jobs_rejected_total", by="reason")},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                lines(
                    "Who is turned away?",
                    "Callers without a good token, per second, by what was wrong with it.",
                    {"{{reason}}": rate("etude_auth_failures_total", by="reason")},
                    unit=PER_SECOND,
                ),
                lines(
                    "How often is a request repeated?",
                    "Submissions answered from their idempotency key, per second.",
                    {"{{kind}}": rate("etude_jobs_deduplicated_total", by="kind")},
                    unit=PER_SECOND,
                ),
            ),
        ),
    ),
)
