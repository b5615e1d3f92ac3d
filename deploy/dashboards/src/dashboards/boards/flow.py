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
        "workers. Waiting grows and slots are free → no worker reads. The oldest pending job ages → an attempt hangs."
    ),
    rows=(
        Row(
            "Streams now",
            (
                number(
                    "How long has the oldest job waited?",
                    "By stream. Above 60 s for five minutes the alert pages.",
                    highest("etude_stream_oldest_undelivered_age_seconds", by="stream"),
                    unit=SECONDS,
                    warn=30,
                    bad=60,
                    legend="{{stream}}",
                ),
                number(
                    "How old is the oldest running job?",
                    "Time since it entered its stream. An attempt takes at most five minutes.",
                    highest("etude_stream_oldest_pending_age_seconds", by="stream"),
                    unit=SECONDS,
                    warn=300,
                    bad=600,
                    legend="{{stream}}",
                ),
                number(
                    "When will the queue be empty?",
                    "Entries in the streams divided by the settlements per second of the last five minutes.",
                    f"{once('etude_stream_entries')} / clamp_min({rate('etude_jobs_settled_total', window='5m')}, 0.01)",
                    unit=SECONDS,
                    warn=300,
                    bad=900,
                ),
                number(
                    "How many consumers read?",
                    "By stream and state. A stale consumer has not read for a minute: it is dead or, before Redis 7.2, has no work.",
                    once("etude_stream_consumers", by="stream, state"),
                    legend="{{stream}} {{state}}",
                ),
            ),
        ),
        Row(
            "Streams",
            (
                lines(
                    "How many entries are in the streams?",
                    "Jobs that wait or run. Settled entries are deleted.",
                    {"{{stream}}": once("etude_stream_entries", by="stream")},
                ),
                lines(
                    "How many jobs wait, and how many run?",
                    "By stream.",
                    {
                        "{{stream}} waits": once("etude_stream_undelivered_entries", by="stream"),
                        "{{stream}} runs": once("etude_stream_pending_entries", by="stream"),
                    },
                ),
                lines(
                    "What waits outside the streams?",
                    "Retries that are not due yet, and jobs above their user's share.",
                    {"due later": once("etude_due_jobs"), "held back": once("etude_waiting_jobs")},
                ),
                lines(
                    "How long do jobs wait for a worker?",
                    "Median and 95th percentile, for first and later attempts.",
                    {
                        "p50 {{delivery}}": quantile(0.5, "etude_job_queue_wait_seconds", by="delivery"),
                        "p95 {{delivery}}": quantile(0.95, "etude_job_queue_wait_seconds", by="delivery"),
                    },
                    unit=SECONDS,
                    bad=60,
                ),
                lines(
                    "How long does an attempt take?",
                    "Time from the lease to the settlement.",
                    quantiles("etude_job_processing_seconds"),
                    unit=SECONDS,
                ),
                lines(
                    "How many jobs of each kind end?",
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
                    "Attempts per second, by result. Retries above a third are a retry storm.",
                    {"{{result}}": rate("etude_job_attempts_total", by="result")},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                lines(
                    "Why do attempts fail?",
                    "Failed, retried and lost attempts per second, by error code.",
                    {
                        "{{error_type}}": rate(
                            "etude_job_attempts_total", by="error_type", where='result=~"retry|fail|lost"'
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "How often do jobs change their owner?",
                    "Claimed jobs of dead workers, leases that running workers lost, and late writes that the fence refused.",
                    {
                        "claimed ({{stream}})": rate("etude_jobs_reclaimed_total", by="stream"),
                        "lease lost": rate("etude_job_lease_lost_total"),
                        "write refused": rate("etude_fenced_writes_total"),
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "How many attempts does a job need?",
                    "Mean over the jobs that ended. 1 is best.",
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
                    "Dead letters in the last 15 minutes.",
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
                    "How old is the oldest dead letter?",
                    "Dead letters are kept for a week.",
                    highest("etude_dead_letters_oldest_age_seconds"),
                    unit=SECONDS,
                    warn=86_400,
                    bad=432_000,
                ),
                lines(
                    "How many jobs ended at their first attempt?",
                    "Share of the jobs that ended, by stream.",
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
