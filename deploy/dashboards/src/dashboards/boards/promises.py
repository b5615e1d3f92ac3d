"""Are users getting what we promised?"""

from dashboards.board import Board, Row
from dashboards.panels import COUNT, PER_SECOND, SECONDS, SHARE, TIMES, lines, number, rows
from dashboards.promql import highest, or_none, quantiles, rate, share

BURN = "A burn of 1 uses up exactly what the promise allows; above 14.4 somebody is paged."
FINAL = 'outcome=~"succeeded|failed|dead_lettered"'

BOARD = Board(
    uid="etude-promises",
    title="Are users getting what we promised?",
    reading=(
        "Yes, when no burn is above 1 and nothing is unaccounted. A burn above 1 says which promise: *accept* and *read* → "
        "what fails at the door; *done* → is work flowing; *chat* → chat."
    ),
    rows=(
        Row(
            "Promises",
            (
                number(
                    "How fast does each budget burn in this hour?",
                    f"Per promise. {BURN}",
                    "max by (slo) (etude:slo_burn:1h)",
                    unit=TIMES,
                    warn=1,
                    bad=14.4,
                    legend="{{slo}}",
                ),
                number(
                    "And in the last three days?",
                    "Per promise, over three days: below 1, the promise is being kept.",
                    "max by (slo) (etude:slo_burn:3d)",
                    unit=TIMES,
                    warn=0.8,
                    bad=1,
                    legend="{{slo}}",
                ),
                number(
                    "Is any accepted job lost?",
                    "Accepted and replayed, minus final, minus what is in Redis. Anything but 0 is a lost or doubled job.",
                    highest("etude_ledger_unaccounted_jobs"),
                    bad=1,
                ),
                number(
                    "How many dead letters wait for somebody?",
                    "Jobs that failed for good and were neither replayed nor forgotten.",
                    "sum(max by (shard) (etude_dead_letters))",
                    warn=1,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                lines(
                    "When did a budget burn?",
                    f"The six-hour burn of each promise. {BURN}",
                    {"{{slo}}": "max by (slo) (etude:slo_burn:6h)"},
                    unit=TIMES,
                    warn=1,
                    bad=6,
                ),
                lines(
                    "How long does a job take, from acceptance to the end?",
                    "Over all kinds. Promised: 99.5 % within 60 s.",
                    quantiles("etude_job_end_to_end_seconds"),
                    unit=SECONDS,
                    bad=60,
                ),
                lines(
                    "Does as much end as is accepted?",
                    "Where accepted stays above ended, a queue grows.",
                    {
                        "accepted": rate("etude_jobs_accepted_total"),
                        "ended": rate("etude_jobs_settled_total", where=FINAL),
                        "refused": rate("etude_jobs_rejected_total"),
                    },
                    unit=PER_SECOND,
                ),
            ),
        ),
        Row(
            "Outcomes",
            (
                lines(
                    "How do jobs end?",
                    "Per second, by outcome, as workers settle them.",
                    {"{{outcome}}": rate("etude_jobs_settled_total", by="outcome", where=FINAL)},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                number(
                    "Which share of them succeeds?",
                    "Of all that ended in the last hour.",
                    share(
                        rate("etude_jobs_settled_total", where='outcome="succeeded"', window="1h"),
                        rate("etude_jobs_settled_total", where=FINAL, window="1h"),
                    ),
                    unit=SHARE,
                ),
                lines(
                    "What does the ledger say?",
                    "The durable counters in Redis, per second: they outlive every process.",
                    {"{{state}}": "max by (state) (rate(etude_ledger_jobs_total[$__rate_interval]))"},
                    unit=PER_SECOND,
                ),
            ),
        ),
        Row(
            "Now",
            (
                rows(
                    "What fires?",
                    "Alerts and their severity. The Watchdog always fires; the runbook of each says what to do.",
                    'count by (alertname, severity, slo, stream, job) (ALERTS{alertstate="firing"})',
                ),
                rows(
                    "Which release runs?",
                    "Processes by service, release and Python. More than one release is a roll-out under way.",
                    "count by (service, version, python) (etude_build_info)",
                ),
                number(
                    "How many pages are open?",
                    "Alerts that should wake somebody.",
                    or_none('count(ALERTS{alertstate="firing", severity="page"})'),
                    unit=COUNT,
                    bad=1,
                ),
            ),
        ),
    ),
)
