"""Is work flowing, stuck or lost?"""

from dashboards.board import Board, Row
from dashboards.panels import COUNT, PER_SECOND, SECONDS, SHARE, lines, number
from dashboards.promql import WINDOW, highest, once, quantile, quantiles, rate, share, total

FINAL = 'outcome=~"succeeded|failed|dead_lettered"'

BOARD = Board(
    uid="etude-flow",
    title="Is work flowing, stuck or lost?",
    reading=(
        "Flowing, when the oldest job waits for seconds and every stream drains. Waiting grows and slots are busy → more "
        "workers. Waiting grows and slots are free → nobody reads. Pending grows old → an attempt hangs."
    ),
    rows=(
        Row(
            "Streams now",
            (
                number(
                    "How long has the oldest job waited?",
                    "For a worker, by stream. Above 60 s for five minutes somebody is paged.",
                    highest("etude_stream_oldest_undelivered_age_seconds", by="stream"),
                    unit=SECONDS,
                    warn=30,
                    bad=60,
                    legend="{{stream}}",
                ),
                number(
                    "How old is the oldest job under way?",
                    "Since it entered its stream. An attempt takes five minutes at most.",
                    highest("etude_stream_oldest_pending_age_seconds", by="stream"),
                    unit=SECONDS,
                    warn=300,
                    bad=600,
                    legend="{{stream}}",
                ),
                number(
                    "When will the queue be empty?",
                    "What is in the streams, at the pace of the last minutes.",
                    f"{once('etude_stream_entries')} / clamp_min({rate('etude_jobs_settled_total', window='5m')}, 0.01)",
                    unit=SECONDS,
                    warn=300,
                    bad=900,
                ),
                number(
                    "How many consumers read?",
                    "By stream and state. Stale ones have been silent for a minute: dead, or before Redis 7.2 without work.",
                    once("etude_stream_consumers", by="stream, state"),
                    legend="{{stream}} {{state}}",
                ),
            ),
        ),
        Row(
            "Streams",
            (
                lines(
                    "How much is in the streams?",
                    "Everything that waits or runs; what is settled is deleted.",
                    {"{{stream}}": once("etude_stream_entries", by="stream")},
                ),
                lines(
                    "How much waits for a worker, how much runs?",
                    "By stream.",
                    {
                        "{{stream}} waits": once("etude_stream_undelivered_entries", by="stream"),
                        "{{stream}} runs": once("etude_stream_pending_entries", by="stream"),
                    },
                ),
                lines(
                    "What waits outside the streams?",
                    "Retries until they are due, and jobs above their user's share.",
                    {"due later": once("etude_due_jobs"), "held back": once("etude_waiting_jobs")},
                ),
                lines(
                    "How long do jobs wait for a worker?",
                    "Half and nearly all of them, for their first attempt and for further ones.",
                    {
                        "p50 {{delivery}}": quantile(0.5, "etude_job_queue_wait_seconds", by="delivery"),
                        "p95 {{delivery}}": quantile(0.95, "etude_job_queue_wait_seconds", by="delivery"),
                    },
                    unit=SECONDS,
                    bad=60,
                ),
                lines(
                    "How long does an attempt take?",
                    "From its lease to its settlement.",
                    quantiles("etude_job_processing_seconds"),
                    unit=SECONDS,
                ),
                lines(
                    "Which kinds are worked off?",
                    "Jobs that ended, per second.",
                    {"{{kind}}": rate("etude_jobs_settled_total", by="kind", where=FINAL)},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
            ),
        ),
        Row(
            "Recovery",
            (
                lines(
                    "How do attempts end?",
                    "Per second. Retries above a third of all are a storm.",
                    {"{{result}}": rate("etude_job_attempts_total", by="result")},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                lines(
                    "Why do they fail?",
                    "Attempts that did not end well, by our code of the error.",
                    {
                        "{{error_type}}": rate(
                            "etude_job_attempts_total", by="error_type", where='result=~"retry|fail|lost"'
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "Whose work is taken over?",
                    "Claims of dead workers' jobs, leases that living workers lost, and late writes the fence refused.",
                    {
                        "claimed ({{stream}})": rate("etude_jobs_reclaimed_total", by="stream"),
                        "lease lost": rate("etude_job_lease_lost_total"),
                        "write refused": rate("etude_fenced_writes_total"),
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "How many attempts does a job need?",
                    "On average, of those that ended. 1 is best.",
                    {
                        "{{stream}}": share(
                            rate("etude_job_deliveries_sum", by="stream"),
                            rate("etude_job_deliveries_count", by="stream"),
                        )
                    },
                    unit=COUNT,
                    warn=1.5,
                ),
                lines(
                    "How many jobs fail for good?",
                    "Dead letters made in a quarter of an hour.",
                    {
                        "dead letters": highest(
                            'increase(etude_ledger_jobs_total{state="dead_lettered"}[15m])'
                        ),
                        "by workers": total(
                            "etude_jobs_settled_total", where='outcome="dead_lettered"', window="15m"
                        ),
                    },
                    warn=1,
                ),
                number(
                    "How long has the oldest dead letter waited?",
                    "They are kept for a week.",
                    highest("etude_dead_letters_oldest_age_seconds"),
                    unit=SECONDS,
                    warn=86_400,
                    bad=432_000,
                ),
                lines(
                    "How many jobs ended at their first attempt?",
                    "Share of those that ended, by stream.",
                    {
                        "{{stream}}": share(
                            f'sum by (stream) (rate(etude_job_deliveries_bucket{{le="1.0"}}[{WINDOW}]))',
                            rate("etude_job_deliveries_count", by="stream"),
                        )
                    },
                    unit=SHARE,
                ),
            ),
        ),
    ),
)
