"""How many workers do we need?"""

from dashboards.board import Board, Row
from dashboards.panels import BYTES, COUNT, PER_SECOND, SECONDS, SHARE, lines, number
from dashboards.promql import gauge, mean, quantile, rate, share

PROCESSING = "etude_job_processing_seconds"

BOARD = Board(
    uid="etude-capacity",
    title="How many workers do we need?",
    reading=(
        "As many as keep busy slots below 70 %: by Little's law, attempts a second times seconds an attempt. A worker "
        "with a lagging event loop needs fewer slots, not more of them."
    ),
    rows=(
        Row(
            "Now",
            (
                number(
                    "Which share of the slots is busy?",
                    "By stream. Above 95 % for ten minutes the alert opens a ticket.",
                    share(
                        gauge("etude_worker_slots_busy", by="stream"),
                        gauge("etude_worker_slots", by="stream"),
                    ),
                    unit=SHARE,
                    warn=0.7,
                    bad=0.95,
                    legend="{{stream}}",
                ),
                number(
                    "How many slots does the work need?",
                    "Little's law over the last ten minutes: attempts per second times seconds per attempt.",
                    rate(f"{PROCESSING}_sum", window="10m"),
                ),
                number(
                    "How many processes answer?",
                    "By service.",
                    "sum by (job) (up)",
                    legend="{{job}}",
                ),
                number(
                    "When did each stream last have a reader?",
                    "Seconds since a worker last read the stream.",
                    "time() - max by (stream) (etude_worker_last_poll_timestamp_seconds)",
                    unit=SECONDS,
                    warn=30,
                    bad=120,
                    legend="{{stream}}",
                ),
            ),
        ),
        Row(
            "Workers",
            (
                lines(
                    "How many slots are there, and how many are busy?",
                    "By stream.",
                    {
                        "{{stream}} busy": gauge("etude_worker_slots_busy", by="stream"),
                        "{{stream}} all": gauge("etude_worker_slots", by="stream"),
                    },
                ),
                lines(
                    "How many attempts does each worker finish?",
                    "Attempts per second, by process.",
                    {"{{instance}}": rate("etude_job_attempts_total", by="instance")},
                    unit=PER_SECOND,
                ),
                lines(
                    "How long is an attempt, on average?",
                    "By kind of job.",
                    {"{{kind}}": mean(PROCESSING, by="kind")},
                    unit=SECONDS,
                ),
            ),
        ),
        Row(
            "Processes",
            (
                lines(
                    "How busy is each process?",
                    "Processor seconds per second. A process uses one core, so 1 is its limit.",
                    {"{{job}} {{instance}}": rate("process_cpu_seconds_total", by="job, instance")},
                    unit=COUNT,
                    warn=0.7,
                    bad=0.95,
                ),
                lines(
                    "How much memory does each process use?",
                    "Resident memory. If it only grows, the process leaks.",
                    {"{{job}} {{instance}}": gauge("process_resident_memory_bytes", by="job, instance")},
                    unit=BYTES,
                ),
                lines(
                    "How many files and sockets are open?",
                    "Open file descriptors. If they only grow, the process leaks.",
                    {"{{job}} {{instance}}": gauge("process_open_fds", by="job, instance")},
                ),
                lines(
                    "Is any event loop blocked?",
                    "99th percentile of how late a timer fires.",
                    {"{{job}}": quantile(0.99, "etude_event_loop_lag_seconds", by="job")},
                    unit=SECONDS,
                    bad=0.5,
                ),
                lines(
                    "What does a job cost in processor time?",
                    "Processor seconds of the workers per attempt.",
                    {
                        "{{job}}": share(
                            rate("process_cpu_seconds_total", by="job", where='job=~".+-worker"'),
                            rate("etude_job_attempts_total", by="job"),
                        )
                    },
                    unit=SECONDS,
                ),
                lines(
                    "Which processes are there?",
                    "1 answers, 0 does not.",
                    {"{{job}} {{instance}}": gauge("up", by="job, instance")},
                ),
            ),
        ),
    ),
)
