"""Which requests fail at the gateway, and why?"""

from dashboards.board import Board, Row
from dashboards.panels import PER_SECOND, SECONDS, SHARE, heat, lines, number
from dashboards.promql import gauge, or_none, quantile, quantiles, rate, share

ANSWERS = "http_server_request_duration_seconds"
GATEWAY = 'job="gateway"'
BROKEN = f'{GATEWAY}, http_response_status_code=~"5.."'
SCRIPTS = "messaging_client_operation_duration_seconds"

BOARD = Board(
    uid="etude-gateway",
    title="Which requests fail at the gateway, and why?",
    reading=(
        "A 5xx is our failure: a store is unreachable or the backlog is full. A refusal is caused by the caller: a spent budget, too many "
        "requests, an invalid body. Slow responses with fast scripts mean a blocked event loop."
    ),
    rows=(
        Row(
            "Now",
            (
                number(
                    "How many requests a second?",
                    "All requests to the gateway.",
                    rate(f"{ANSWERS}_count", where=GATEWAY, window="5m"),
                    unit=PER_SECOND,
                ),
                number(
                    "Which share fails?",
                    "Responses with a 5xx status in the last five minutes.",
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
                    "Requests whose response is not complete, by service.",
                    gauge("etude_http_inflight_requests", by="job"),
                    legend="{{job}}",
                ),
                number(
                    "How many connections are open?",
                    "Open connections by service, idle ones and event streams included.",
                    gauge("etude_http_connections_active", by="job"),
                    legend="{{job}}",
                ),
                number(
                    "How many event streams are open?",
                    "Each is a client that listens to one job or to all of its user's.",
                    gauge("etude_event_streams_active"),
                ),
            ),
        ),
        Row(
            "Requests",
            (
                lines(
                    "Which routes are used?",
                    "Requests per second, by method and route.",
                    {
                        "{{http_request_method}} {{http_route}}": rate(
                            f"{ANSWERS}_count", by="http_request_method, http_route", where=GATEWAY
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "Which statuses do they get?",
                    "Responses per second, by status.",
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
                    "99th percentile. An event stream counts until its headers are sent.",
                    {
                        "{{http_request_method}} {{http_route}}": quantile(
                            0.99, ANSWERS, by="http_request_method, http_route", where=GATEWAY
                        )
                    },
                    unit=SECONDS,
                    bad=1,
                ),
                heat("How are response times distributed?", "All requests, by duration.", ANSWERS),
                lines(
                    "How long does the submit script take?",
                    "As the gateway measures it, the network included.",
                    quantiles(SCRIPTS, where='messaging_operation_name="submit"'),
                    unit=SECONDS,
                    bad=0.25,
                ),
                lines(
                    "How late do events reach their listeners?",
                    "Time from the event to its write to the client.",
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
                    "Why does authentication fail?",
                    "Failed authentications per second, by reason.",
                    {"{{reason}}": rate("etude_auth_failures_total", by="reason")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Who sends too many requests?",
                    "Refused requests per second: of users, and of addresses without a valid token.",
                    {"{{by}}": rate("etude_requests_limited_total", by="by")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Which connections are closed?",
                    "Connections per second that a limit of gateway or chat closed, by reason.",
                    {"{{reason}}": rate("etude_http_connections_refused_total", by="reason")},
                    unit=PER_SECOND,
                ),
                lines(
                    "How often is a request repeated?",
                    "Submissions per second whose idempotency key was used before.",
                    {"{{kind}}": rate("etude_jobs_deduplicated_total", by="kind")},
                    unit=PER_SECOND,
                ),
            ),
        ),
    ),
)
