"""Every metric there is: its name, its type, its labels, who tells it, what it says. Pages, dashboards and alerts go by it.

No label holds the name of a user: `tier` is a plan, `kind` a job kind or `other`, `tenant_shard` the user's CRC-32
modulo 16.
"""

from collections.abc import Sequence
from enum import Enum, StrEnum

from msgspec import Struct

SHORT = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds of a request or a call to a store."""
WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
JOBS = (
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0),
    600.0,
)
CALLS = tuple(0.01 * 2**power for power in range(16))
"""Seconds of a call to a model, 0.01 to 327.68."""
DELIVERIES = (1.0, 2.0, 3.0, 4.0, 5.0, 8.0)


class Type(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Teller(Enum):
    """Which processes tell a metric."""

    GATEWAY = "gateway"
    CHAT = "chat"
    WORKER = "worker"
    CRON = "cron"


G, C, W, X = Teller.GATEWAY, Teller.CHAT, Teller.WORKER, Teller.CRON


class Metric(Struct, frozen=True):
    name: str
    type: Type
    labels: tuple[str, ...]
    tellers: frozenset[Teller]
    help: str
    bounds: Sequence[float] = ()
    """Of a histogram."""


def _counter(name: str, labels: str, tellers: Sequence[Teller], text: str) -> Metric:
    return Metric(name, Type.COUNTER, tuple(labels.split()), frozenset(tellers), text)


def _gauge(name: str, labels: str, tellers: Sequence[Teller], text: str) -> Metric:
    return Metric(name, Type.GAUGE, tuple(labels.split()), frozenset(tellers), text)


def _histogram(
    name: str, labels: str, tellers: Sequence[Teller], text: str, bounds: Sequence[float]
) -> Metric:
    return Metric(name, Type.HISTOGRAM, tuple(labels.split()), frozenset(tellers), text, bounds)


METRICS: Sequence[Metric] = (
    # -- every process --------------------------------------------------------------------------------------------
    _gauge("etude_build_info", "service version python", (G, C, W, X), "Always 1: what runs here."),
    _histogram(
        "etude_event_loop_lag_seconds",
        "",
        (G, C, W, X),
        "How much later than asked a timer of the event loop fires.",
        SHORT,
    ),
    _histogram(
        "messaging_client_operation_duration_seconds",
        "messaging_operation_name messaging_system error_type",
        (G, C, W),
        "Calls of the Lua scripts, by script.",
        SHORT,
    ),
    _histogram(
        "db_client_operation_duration_seconds",
        "db_system_name db_operation_name",
        (G, C, W),
        "Statements sent to Postgres, by statement.",
        SHORT,
    ),
    _gauge("etude_db_pool_connections", "state", (G, C, W), "Connections to Postgres, idle and used."),
    _histogram(
        "etude_db_pool_wait_seconds", "", (G, C, W), "Waits for a connection, its opening included.", SHORT
    ),
    # -- requests -------------------------------------------------------------------------------------------------
    _histogram(
        "http_server_request_duration_seconds",
        "http_request_method http_route http_response_status_code",
        (G, C),
        "Requests by route template; an event stream until its headers are sent.",
        SHORT,
    ),
    _gauge("etude_http_inflight_requests", "", (G, C), "Requests under way, event streams included."),
    _gauge("etude_event_streams_active", "", (G,), "Listeners connected."),
    _histogram(
        "etude_event_delay_seconds",
        "",
        (G,),
        "From an event's id to its write to a listener, live ones only.",
        SHORT,
    ),
    _counter("etude_jobs_accepted_total", "kind tier", (G,), "Jobs accepted and stored."),
    _counter(
        "etude_jobs_rejected_total",
        "kind reason",
        (G,),
        "Submissions refused: budget, rate, unfinished, overload, invalid, size, conflict, unavailable.",
    ),
    _counter("etude_jobs_deduplicated_total", "kind", (G,), "Submissions answered by an idempotency key."),
    _counter(
        "etude_auth_failures_total",
        "reason",
        (G,),
        "Callers turned away: missing, malformed, expired, signature, unknown_key, claims.",
    ),
    # -- jobs -----------------------------------------------------------------------------------------------------
    _counter(
        "etude_jobs_settled_total",
        "kind tier outcome",
        (W,),
        "Attempts settled by this process: succeeded, failed, dead_lettered, retried. The ledger is the durable count.",
    ),
    _counter(
        "etude_job_attempts_total",
        "kind result error_type",
        (W,),
        "Attempts ended: done, retry, fail, lost, handed_back; with the code of the error.",
    ),
    _histogram(
        "etude_job_queue_wait_seconds",
        "kind delivery",
        (W,),
        "Until a job was leased: first since it was accepted, redelivery since it was back in its stream.",
        WAITS,
    ),
    _histogram(
        "etude_job_fairness_wait_seconds",
        "tenant_shard",
        (W,),
        "First waits by a sixteenth of the users: that one is slow while the others are not is unfair.",
        WAITS,
    ),
    _histogram(
        "etude_job_processing_seconds", "kind outcome", (W,), "From the lease to the settlement.", JOBS
    ),
    _histogram("etude_job_end_to_end_seconds", "kind tier", (W,), "From acceptance to a final state.", JOBS),
    _histogram(
        "etude_job_deliveries", "stream", (W,), "Attempts a job had taken when it became final.", DELIVERIES
    ),
    _counter("etude_jobs_reclaimed_total", "stream", (W,), "Jobs of dead workers taken over."),
    _counter("etude_job_lease_lost_total", "kind", (W,), "Attempts that lost their lease."),
    _counter("etude_fenced_writes_total", "kind", (W,), "Writes refused by the fence."),
    _gauge("etude_worker_slots", "stream", (W,), "Jobs this process runs at a time."),
    _gauge("etude_worker_slots_busy", "stream", (W,), "Jobs it runs now."),
    _gauge(
        "etude_worker_last_poll_timestamp_seconds", "stream", (W,), "When it last read its stream; 0: never."
    ),
    _counter("etude_items_rejected_total", "kind reason", (W,), "Cards and questions dropped by the checks."),
    # -- models ---------------------------------------------------------------------------------------------------
    _histogram(
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_operation_name gen_ai_provider_name gen_ai_request_model error_type",
        (C, W),
        "Calls to a model, a second try after an unfit answer included, without the wait at the gate.",
        CALLS,
    ),
    _histogram(
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        "gen_ai_operation_name gen_ai_provider_name gen_ai_request_model",
        (C,),
        "Until a streamed answer begins.",
        CALLS,
    ),
    _counter(
        "gen_ai_client_inference_usage_input_tokens_total",
        "gen_ai_provider_name gen_ai_request_model",
        (C, W),
        "Prompt tokens paid for.",
    ),
    _counter(
        "gen_ai_client_inference_usage_output_tokens_total",
        "gen_ai_provider_name gen_ai_request_model",
        (C, W),
        "Completion tokens paid for.",
    ),
    _counter("etude_llm_cost_usd_total", "model kind", (C, W), "What they cost by ETUDE_MODEL_PRICES."),
    _counter(
        "etude_llm_wasted_tokens_total",
        "model reason",
        (C, W),
        "Tokens paid for and not used: rejected_output, lost, failed.",
    ),
    _counter(
        "etude_llm_retries_total",
        "model reason",
        (C, W),
        "Calls to be made again: rate_limited, server_error, timeout, connection, garbled.",
    ),
    _gauge("etude_llm_inflight", "model", (C, W), "Calls under way."),
    _gauge(
        "etude_llm_circuit_state",
        "model",
        (C, W),
        "As the fleet's gate answered last: 0 closed, 1 half open, 2 open.",
    ),
    _counter("etude_llm_fallbacks_total", "model to", (C, W), "Calls passed on to the next of the chain."),
    # -- chat -----------------------------------------------------------------------------------------------------
    _gauge("etude_chat_streams_active", "", (C,), "Streamed answers under way."),
    _histogram(
        "etude_chat_stream_seconds", "", (C,), "How long a streamed answer took, however it ended.", JOBS
    ),
    _counter("etude_chat_disconnects_total", "by", (C,), "Answers broken off, by the client or the server."),
    # -- what Redis and Postgres hold: told by the cron alone ------------------------------------------------------
    _gauge("etude_stream_entries", "stream shard", (X,), "Entries: jobs that wait for a worker or run."),
    _gauge("etude_stream_pending_entries", "stream shard", (X,), "Entries in the hands of a worker."),
    _gauge("etude_stream_undelivered_entries", "stream shard", (X,), "Entries nobody has read."),
    _gauge(
        "etude_stream_oldest_undelivered_age_seconds",
        "stream shard",
        (X,),
        "Of the oldest unread entry; 0: none.",
    ),
    _gauge(
        "etude_stream_oldest_pending_age_seconds",
        "stream shard",
        (X,),
        "Of the oldest entry in work; 0: none.",
    ),
    _gauge(
        "etude_stream_consumers",
        "stream shard state",
        (X,),
        "Consumers: active, or stale when silent for a minute.",
    ),
    _gauge("etude_due_jobs", "shard", (X,), "Retries that wait for their time."),
    _gauge("etude_waiting_jobs", "shard", (X,), "Accepted jobs held back by their user's cap."),
    _gauge("etude_dead_letters", "shard", (X,), "Dead letters kept."),
    _gauge("etude_dead_letters_oldest_age_seconds", "shard", (X,), "Of the oldest dead letter; 0: none."),
    _counter(
        "etude_ledger_jobs_total",
        "state",
        (X,),
        "Jobs ever: accepted, succeeded, failed, cancelled, replayed, dead_lettered. Kept in Redis by the scripts.",
    ),
    _gauge(
        "etude_ledger_unaccounted_jobs",
        "",
        (X,),
        "Accepted and replayed, less those that ended and those that are somewhere: anything but 0 is a lost job.",
    ),
    _gauge("etude_redis_up", "node", (X,), "1: it answers."),
    _gauge("etude_redis_memory_used_bytes", "node", (X,), "Memory in use."),
    _gauge("etude_redis_memory_max_bytes", "node", (X,), "Memory allowed; 0: no limit."),
    _counter("etude_redis_evicted_keys_total", "node", (X,), "Keys thrown away for lack of memory."),
    _gauge("etude_redis_connected_clients", "node", (X,), "Clients connected."),
    _gauge("etude_redis_blocked_clients", "node", (X,), "Clients in a blocking read."),
    _gauge(
        "etude_redis_aof_ok",
        "node",
        (X,),
        "1: it appends to its file, and the last write and rewrite went well.",
    ),
    _counter("etude_redis_commands_total", "node", (X,), "Commands processed."),
    _counter("etude_redis_rejected_connections_total", "node", (X,), "Connections refused for their number."),
    _gauge("etude_postgres_up", "", (X,), "1: it answers."),
    _gauge("etude_postgres_connections", "", (X,), "Connections to the server, everybody's."),
    _gauge("etude_postgres_max_connections", "", (X,), "Connections it allows."),
    _gauge("etude_postgres_database_bytes", "", (X,), "Size of the database."),
    _gauge(
        "etude_exporter_last_success_timestamp_seconds",
        "target",
        (X,),
        "When redis or postgres last told all of this.",
    ),
    _gauge(
        "etude_cron_duty_last_success_timestamp_seconds",
        "duty",
        (X,),
        "When a duty was last done here; 0: never.",
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}
