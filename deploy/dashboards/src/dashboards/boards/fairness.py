"""Do some users wait longer than others?"""

from dashboards.board import Board, Row
from dashboards.panels import PER_SECOND, SECONDS, SHARE, TIMES, lines, number
from dashboards.promql import once, or_none, quantile, rate, share

WAIT = "etude_job_fairness_wait_seconds"
BY_SHARD = quantile(0.95, WAIT, by="tenant_shard", window="10m")

BOARD = Board(
    uid="etude-fairness",
    title="Do some users wait longer than others?",
    reading=(
        "No, when all lines of the first panel lie close together. A tenant shard is a sixteenth of the users, drawn by "
        "chance: one that stands out holds a user whose jobs wait. No metric names a user; Postgres knows who used what."
    ),
    rows=(
        Row(
            "Waiting",
            (
                number(
                    "How unequal is the wait?",
                    "The longest 95th percentile of a tenant shard divided by the shortest, each at least one second. Five is unfair.",
                    f"clamp_min(max({BY_SHARD}), 1) / clamp_min(min({BY_SHARD}), 1)",
                    unit=TIMES,
                    warn=3,
                    bad=5,
                ),
                number(
                    "How many jobs are held back?",
                    "Jobs above their user's share of the workers. No other user waits for them.",
                    once("etude_waiting_jobs"),
                ),
                number(
                    "Which share of submissions does a limit refuse?",
                    "Refused for a spent budget, too many requests or too many unfinished jobs, in the last hour.",
                    share(
                        rate(
                            "etude_jobs_rejected_total", where='reason=~"budget|rate|unfinished"', window="1h"
                        ),
                        f"({rate('etude_jobs_accepted_total', window='1h')}"
                        f" + {rate('etude_jobs_rejected_total', window='1h')})",
                    ),
                    unit=SHARE,
                    warn=0.1,
                    bad=0.2,
                ),
            ),
        ),
        Row(
            "By shard",
            (
                lines(
                    "How long does each tenant shard wait?",
                    "95th percentile of the wait for a first attempt.",
                    {"{{tenant_shard}}": BY_SHARD},
                    unit=SECONDS,
                ),
                lines(
                    "Which tenant shards submit most?",
                    "First attempts per second, by tenant shard.",
                    {"{{tenant_shard}}": rate(f"{WAIT}_count", by="tenant_shard")},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
            ),
        ),
        Row(
            "By plan",
            (
                lines(
                    "Which plans submit?",
                    "Accepted jobs per second.",
                    {"{{tier}}": rate("etude_jobs_accepted_total", by="tier")},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                lines(
                    "How long do the jobs of each plan take?",
                    "95th percentile of the time from acceptance to the end.",
                    {"{{tier}}": quantile(0.95, "etude_job_end_to_end_seconds", by="tier")},
                    unit=SECONDS,
                    bad=60,
                ),
                lines(
                    "Which limits are hit?",
                    "Refusals per second, by limit.",
                    {
                        "{{reason}}": or_none(
                            rate(
                                "etude_jobs_rejected_total",
                                by="reason",
                                where='reason=~"budget|rate|unfinished"',
                            )
                        )
                    },
                    unit=PER_SECOND,
                ),
            ),
        ),
    ),
)
