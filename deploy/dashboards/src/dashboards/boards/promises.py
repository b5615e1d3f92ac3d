"""Are users getting what we promised?"""

from dashboards.board import Board, Row
from dashboards.panels import COUNT, PER_SECOND, SECONDS, SHARE, TIMES, lines, number, rows
from dashboards.promql import highest, or_none, quantiles, rate, share

BURN = "A burn of 1 uses up exactly what the promise allows; above 14.4 the alert pages."
FINAL = 'outcome=~"succeeded|failed|dead_lettered"'

BOARD = Board(
    uid="etude-promises",
    title="Are users getting what we promised?",
    reading=(
        "Yes, when no burn is above 1 and nothing is unaccounted. A burn above 1 says which promise: *accept* and *read* → "
        "the gateway's dashboard; *done* → the one on jobs; *chat* → the one on chat."
    ),
    rows=(
        Row(
            "Promises",
            (
                number(
                    "How fast does each error budget burn in this hour?",
                    f"By promise. {BURN}",
                    "max by (slo) (etude:slo_burn:1h)",
                    unit=TIMES,
                    warn=1,
                    bad=14.4,
                    legend="{{slo}}",
                ),
                number(
                    "And in the last three days?",
                    "By promise. Below 1 the promise is kept.",
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
                    "How many dead letters are kept?",
                    "Jobs that failed for good and were neither replayed nor deleted.",
                    "sum(max by (shard) (etude_dead_letters))",
                    warn=1,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                lines(
                    "When did an error budget burn?",
                    f"Burn over six hours, by promise. {BURN}",
                    {"{{slo}}": "max by (slo) (etude:slo_burn:6h)"},
                    unit=TIMES,
                    warn=1,
                    bad=6,
                ),
                lines(
                    "How long does a job take, from acceptance to the end?",
                    "All kinds. 99.5 % are promised within 60 s.",
                    quantiles("etude_job_end_to_end_seconds"),
                    unit=SECONDS,
                    bad=60,
                ),
                lines(
                    "Do as many jobs end as are accepted?",
                    "While more jobs are accepted than end, a queue grows.",
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
                    "Jobs that workers settled, per second, by outcome.",
                    {"{{outcome}}": rate("etude_jobs_settled_total", by="outcome", where=FINAL)},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
                number(
                    "Which share of them succeeds?",
                    "Share of the jobs that ended in the last hour.",
                    share(
                        rate("etude_jobs_settled_total", where='outcome="succeeded"', window="1h"),
                        rate("etude_jobs_settled_total", where=FINAL, window="1h"),
                    ),
                    unit=SHARE,
                ),
                lines(
                    "What does the ledger say?",
                    "Increase per second of the counters that Redis keeps together with the jobs.",
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
                    "How many alerts page now?",
                    "Firing alerts with the severity `page`.",
                    or_none('count(ALERTS{alertstate="firing", severity="page"})'),
                    unit=COUNT,
                    bad=1,
                ),
            ),
        ),
    ),
)
