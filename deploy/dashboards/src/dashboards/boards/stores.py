"""How close are Redis and Postgres to their limits?"""

from dashboards.board import Board, Row
from dashboards.panels import BYTES, PER_SECOND, SECONDS, SHARE, lines, number
from dashboards.promql import gauge, highest, or_none, quantile, quantiles, rate

SCRIPTS = "messaging_client_operation_duration_seconds"
STATEMENTS = "db_client_operation_duration_seconds"


def per_node(metric: str) -> str:
    return f"max by (node) ({metric})"


def node_rate(counter: str) -> str:
    return per_node(f"rate({counter}[$__rate_interval])")


BOARD = Board(
    uid="etude-stores",
    title="How close are Redis and Postgres to their limits?",
    reading=(
        "Far enough, when memory and connections are below 80 %, the AOF is written and nothing is evicted. Redis must "
        "never evict: an evicted key may be an accepted job."
    ),
    rows=(
        Row(
            "Redis now",
            (
                number(
                    "Does it answer?",
                    "1 yes, 0 no, by node.",
                    "min by (node) (etude_redis_up)",
                    legend="{{node}}",
                ),
                number(
                    "How much of Redis' memory is used?",
                    "Share of `maxmemory`, by node. Without a limit there is no value.",
                    "max by (node) (etude_redis_memory_used_bytes)"
                    " / clamp_min(max by (node) (etude_redis_memory_max_bytes), 1)"
                    " * (max by (node) (etude_redis_memory_max_bytes) > bool 0)",
                    unit=SHARE,
                    warn=0.7,
                    bad=0.85,
                    legend="{{node}}",
                ),
                number(
                    "Is the AOF written?",
                    "1 yes, 0 no: a restart would lose accepted jobs.",
                    "min by (node) (etude_redis_aof_ok)",
                    legend="{{node}}",
                ),
                number(
                    "Were keys evicted?",
                    "Evictions in the last day. Every one is a lost key.",
                    per_node("increase(etude_redis_evicted_keys_total[1d])"),
                    bad=1,
                    legend="{{node}}",
                ),
            ),
        ),
        Row(
            "Redis",
            (
                lines(
                    "How much memory does Redis use?",
                    "By node, with `maxmemory`; 0 means no limit.",
                    {
                        "{{node}} used": per_node("etude_redis_memory_used_bytes"),
                        "{{node}} limit": per_node("etude_redis_memory_max_bytes"),
                    },
                    unit=BYTES,
                ),
                lines(
                    "How many commands does Redis run?",
                    "Per second, by node.",
                    {"{{node}}": node_rate("etude_redis_commands_total")},
                    unit=PER_SECOND,
                ),
                lines(
                    "How many connections does Redis have?",
                    "By node. Blocked ones are workers that wait for entries. Refused connections are per second.",
                    {
                        "{{node}} connected": per_node("etude_redis_connected_clients"),
                        "{{node}} blocked": per_node("etude_redis_blocked_clients"),
                        "{{node}} refused /s": node_rate("etude_redis_rejected_connections_total"),
                    },
                ),
                lines(
                    "How long does each script take?",
                    "99th percentile, as our processes measure it.",
                    {"{{messaging_operation_name}}": quantile(0.99, SCRIPTS, by="messaging_operation_name")},
                    unit=SECONDS,
                    bad=0.25,
                ),
                lines(
                    "Which scripts run?",
                    "Per second.",
                    {"{{messaging_operation_name}}": rate(f"{SCRIPTS}_count", by="messaging_operation_name")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Which scripts fail?",
                    "Per second, by error.",
                    {
                        "{{messaging_operation_name}} {{error_type}}": or_none(
                            rate(
                                f"{SCRIPTS}_count",
                                by="messaging_operation_name, error_type",
                                where='error_type!=""',
                            )
                        )
                    },
                    unit=PER_SECOND,
                ),
            ),
        ),
        Row(
            "Postgres now",
            (
                number("Does it answer?", "1 yes, 0 no.", "min(etude_postgres_up)"),
                number(
                    "How many of Postgres' connections are used?",
                    "Share of `max_connections`, by all clients.",
                    f"{highest('etude_postgres_connections')} / {highest('etude_postgres_max_connections')}",
                    unit=SHARE,
                    warn=0.6,
                    bad=0.8,
                ),
                number(
                    "How large is the database?",
                    "Size on disk, with indexes.",
                    highest("etude_postgres_database_bytes"),
                    unit=BYTES,
                ),
            ),
        ),
        Row(
            "Postgres",
            (
                lines(
                    "How long does each statement take?",
                    "99th percentile.",
                    {"{{db_operation_name}}": quantile(0.99, STATEMENTS, by="db_operation_name")},
                    unit=SECONDS,
                ),
                lines(
                    "Which statements run?",
                    "Per second.",
                    {"{{db_operation_name}}": rate(f"{STATEMENTS}_count", by="db_operation_name")},
                    unit=PER_SECOND,
                ),
                lines(
                    "How long do processes wait for a connection?",
                    "In our pools.",
                    quantiles("etude_db_pool_wait_seconds"),
                    unit=SECONDS,
                    bad=0.1,
                ),
                lines(
                    "How many connections do the pools hold?",
                    "By state.",
                    {"{{job}} {{state}}": gauge("etude_db_pool_connections", by="job, state")},
                ),
            ),
        ),
        Row(
            "Would we know?",
            (
                lines(
                    "How old are the values on this dashboard?",
                    "Time since cron last read each store.",
                    {
                        "{{target}}": "time() - max by (target) (etude_exporter_last_success_timestamp_seconds)"
                    },
                    unit=SECONDS,
                    bad=60,
                ),
                lines(
                    "When did each cron job last run?",
                    "Up to a day is normal. A cron job that has not run since the start is not shown.",
                    {
                        "{{duty}}": or_none(
                            "time() - (max by (duty) (etude_cron_duty_last_success_timestamp_seconds) > 0)"
                        )
                    },
                    unit=SECONDS,
                    bad=93_600,
                ),
                lines(
                    "What did cron jobs change?",
                    "Results that nobody used for the retention, consumers that are gone, append-only files, in a day.",
                    {"{{duty}}": "sum by (duty) (increase(etude_cron_changes_total[1d]))"},
                ),
            ),
        ),
    ),
)
