"""Who is using, starving or abusing us?"""

from dashboards.board import Board, Row
from dashboards.panels import PER_SECOND, SECONDS, SHARE, TIMES, lines, number
from dashboards.promql import once, or_none, quantile, rate, share

WAIT = "etude_job_fairness_wait_seconds"
BY_SHARD = quantile(0.95, WAIT, by="tenant_shard", window="10m")

BOARD = Board(
    uid="etude-fairness",
    title="Does anybody wait so that others need not?",
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
                    "The longest 95th percentile of a shard over the shortest, both at least a second. Five is unfair.",
                    f"clamp_min(max({BY_SHARD}), 1) / clamp_min(min({BY_SHARD}), 1)",
                    unit=TIMES,
                    warn=3,
                    bad=5,
                ),
                number(
                    "How many jobs are held back?",
                    "Above their user's share of the workers: nobody else waits for them.",
                    once("etude_waiting_jobs"),
                ),
                number(
                    "Which share of submissions does a limit refuse?",
                    "For a spent budget, too many requests or too many unfinished jobs, in the last hour.",
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
                    "How long does each sixteenth of the users wait?",
                    "The 95th percentile of the wait for a first attempt.",
                    {"{{tenant_shard}}": BY_SHARD},
                    unit=SECONDS,
                ),
                lines(
                    "Who sends the most?",
                    "First attempts per second, by sixteenth of the users.",
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
                    "How long does each plan wait for the end?",
                    "The 95th percentile, from acceptance to the end.",
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
