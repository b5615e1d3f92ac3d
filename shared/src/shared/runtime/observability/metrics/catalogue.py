"""Every metric: its name, type, labels, exposing processes and meaning. Pages, dashboards and alerts rely on this table.

No label contains a user: `tier` is a plan, `kind` a job kind or `other`, and `tenant_shard` the CRC-32 of the user's id
modulo 16.
"""

from collections.abc import Sequence
from enum import Enum, StrEnum

from msgspec import Struct

SHORT = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bucket bounds for requests and calls to a store, in seconds."""
WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
JOBS = (
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0),
    600.0,
)
CALLS = tuple(0.01 * 2**power for power in range(16))
"""Bucket bounds for calls to a model, in seconds: 0.01 to 327.68."""
TOKEN_LABELS = "gen_ai_operation_name gen_ai_provider_name gen_ai_request_model gen_ai_token_modality"
DELIVERIES = (1.0, 2.0, 3.0, 4.0, 5.0, 8.0)


class Type(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Process(Enum):
    """A kind of process that exposes metrics."""

    GATEWAY = "gateway"
    CHAT = "chat"
    WORKER = "worker"
    CRON = "cron"


G, C, W, X = Process.GATEWAY, Process.CHAT, Process.WORKER, Process.CRON


class Metric(Struct, frozen=True):
    name: str
    type: Type
    labels: tuple[str, ...]
    processes: frozenset[Process]
    """The processes that expose it."""
    help: str
    bounds: Sequence[float] = ()
    """Bucket bounds of a histogram; empty for the other types."""


def _counter(name: str, labels: str, processes: Sequence[Process], text: str) -> Metric:
    return Metric(name, Type.COUNTER, tuple(labels.split()), frozenset(processes), text)


def _gauge(name: str, labels: str, processes: Sequence[Process], text: str) -> Metric:
    return Metric(name, Type.GAUGE, tuple(labels.split()), frozenset(processes), text)


def _histogram(
    name: str, labels: str, processes: Sequence[Process], text: str, bounds: Sequence[float]
) -> Metric:
    return Metric(name, Type.HISTOGRAM, tuple(labels.split()), frozenset(processes), text, bounds)


METRICS: Sequence[Metric] = (
    # -- every process --------------------------------------------------------------------------------------------
    _gauge(
        "etude_build_info", "service version python", (G, C, W, X), "Always 1; the labels say what runs here."
    ),
    _histogram(
        "etude_event_loop_lag_seconds",
        "",
        (G, C, W, X),
        "Delay of a timer of the event loop.",
        SHORT,
    ),
    _histogram(
        "messaging_client_operation_duration_seconds",
        "messaging_operation_name messaging_system error_type",
        (G, C, W),
        "Duration of a call to a Lua script, by script.",
        SHORT,
    ),
    _histogram(
        "db_client_operation_duration_seconds",
        "db_system_name db_operation_name",
        (G, C, W),
        "Duration of a statement sent to Postgres, by statement.",
        SHORT,
    ),
    _gauge("etude_db_pool_connections", "state", (G, C, W), "Connections to Postgres, idle or used."),
    _histogram(
        "etude_db_pool_wait_seconds",
        "",
        (G, C, W),
        "Wait for a connection of the pool, including the time to open one.",
        SHORT,
    ),
    # -- requests -------------------------------------------------------------------------------------------------
    _histogram(
        "http_server_request_duration_seconds",
        "http_request_method http_route http_response_status_code",
        (G, C),
        "Duration of a request by route template; of an event stream only until its headers are sent.",
        SHORT,
    ),
    _gauge("etude_http_inflight_requests", "", (G, C), "Requests under way, including event streams."),
    _gauge(
        "etude_http_connections_active", "", (G, C), "Open connections, idle ones and event streams included."
    ),
    _counter(
        "etude_http_connections_refused_total",
        "reason",
        (G, C),
        "Connections closed by a limit: head_too_large, request_timed_out, invalid_request, too_many_connections, silent, not_reading.",
    ),
    _gauge("etude_event_streams_active", "", (G,), "Connected listeners of event streams."),
    _histogram(
        "etude_event_delay_seconds",
        "",
        (G,),
        "Time from the id of a live event to its write to a listener.",
        SHORT,
    ),
    _counter("etude_jobs_accepted_total", "kind tier", (G,), "Jobs accepted and stored."),
    _counter(
        "etude_jobs_rejected_total",
        "kind reason",
        (G,),
        "Refused submissions, by reason: budget, too_large, rate, unfinished, overload, invalid, size, conflict, unavailable.",
    ),
    _counter(
        "etude_jobs_deduplicated_total",
        "kind",
        (G,),
        "Submissions whose idempotency key had been accepted before.",
    ),
    _counter(
        "etude_auth_failures_total",
        "reason",
        (G,),
        "Rejected tokens, by reason: missing, malformed, expired, signature, unknown_key, claims.",
    ),
    _counter(
        "etude_requests_limited_total",
        "by",
        (G,),
        "Requests refused because there were too many, by whose they were: user, or address without a valid token.",
    ),
    # -- jobs -----------------------------------------------------------------------------------------------------
    _counter(
        "etude_jobs_settled_total",
        "kind tier outcome",
        (W,),
        "Attempts settled by this process: succeeded, failed, dead_lettered, retried. The ledger has the durable count.",
    ),
    _counter(
        "etude_job_attempts_total",
        "kind result error_type",
        (W,),
        "Ended attempts: done, retry, fail, lost, handed_back; with the code of the error.",
    ),
    _histogram(
        "etude_job_queue_wait_seconds",
        "kind delivery",
        (W,),
        "Wait until a job is leased: `first` counts from its acceptance, `redelivery` from its return to the stream.",
        WAITS,
    ),
    _histogram(
        "etude_job_fairness_wait_seconds",
        "tenant_shard",
        (W,),
        "First waits, by sixteenths of the users. One slow sixteenth beside fast ones is unfair.",
        WAITS,
    ),
    _histogram(
        "etude_job_processing_seconds", "kind outcome", (W,), "Time from the lease to the settlement.", JOBS
    ),
    _histogram(
        "etude_job_end_to_end_seconds", "kind tier", (W,), "Time from acceptance to a final state.", JOBS
    ),
    _histogram(
        "etude_job_deliveries", "stream", (W,), "Attempts that a job took until its final state.", DELIVERIES
    ),
    _counter("etude_jobs_reclaimed_total", "stream", (W,), "Jobs taken over from dead workers."),
    _counter("etude_job_lease_lost_total", "kind", (W,), "Attempts that lost their lease."),
    _counter("etude_fenced_writes_total", "kind", (W,), "Writes that the fence refused."),
    _gauge("etude_worker_slots", "stream", (W,), "Jobs that this process can run at a time."),
    _gauge("etude_worker_slots_busy", "stream", (W,), "Jobs that this process runs now."),
    _gauge(
        "etude_worker_last_poll_timestamp_seconds",
        "stream",
        (W,),
        "Time of the last read of the stream; 0: never.",
    ),
    _counter(
        "etude_items_rejected_total",
        "kind reason",
        (W,),
        "Cards and questions that validation dropped, by reason.",
    ),
    _counter(
        "etude_tokens_uncharged_total",
        "kind",
        (W,),
        "Tokens that jobs used beyond their hold. Nobody is charged for them.",
    ),
    # -- models ---------------------------------------------------------------------------------------------------
    _histogram(
        "gen_ai_client_inference_duration_seconds",
        "gen_ai_operation_name gen_ai_provider_name gen_ai_request_model error_type",
        (C, W),
        "Duration of a call to a model. It includes a re-ask after a response that does not fit, but not the wait for a permit.",
        CALLS,
    ),
    _histogram(
        "gen_ai_client_inference_time_to_first_chunk_seconds",
        "gen_ai_operation_name gen_ai_provider_name gen_ai_request_model",
        (C,),
        "Time until a streamed response begins.",
        CALLS,
    ),
    _counter(
        "gen_ai_client_inference_usage_input_tokens_total",
        TOKEN_LABELS,
        (C, W),
        "Prompt tokens that were paid for.",
    ),
    _counter(
        "gen_ai_client_inference_usage_cache_read_input_tokens_total",
        TOKEN_LABELS,
        (C, W),
        "How many of these prompt tokens the server read from its prompt cache.",
    ),
    _counter(
        "gen_ai_client_inference_usage_output_tokens_total",
        TOKEN_LABELS,
        (C, W),
        "Completion tokens that were paid for.",
    ),
    _counter(
        "gen_ai_client_inference_usage_reasoning_output_tokens_total",
        TOKEN_LABELS,
        (C, W),
        "How many of these completion tokens the model spent on thinking.",
    ),
    _counter(
        "etude_llm_cost_usd_total",
        "model kind",
        (C, W),
        "Cost of these tokens by the price list and ETUDE_MODEL_PRICES, in US dollars. Unpriced models have none.",
    ),
    _counter(
        "etude_llm_unpriced_tokens_total",
        "model",
        (C, W),
        "Tokens of models whose price is not known, so that their cost is missing.",
    ),
    _counter(
        "etude_llm_wasted_tokens_total",
        "model reason",
        (C, W),
        "Tokens paid for but not used, by reason: rejected_output, lost, failed.",
    ),
    _counter(
        "etude_llm_retries_total",
        "model reason",
        (C, W),
        "Calls that have to be repeated, by reason: rate_limited, server_error, timeout, connection, garbled.",
    ),
    _counter(
        "etude_llm_usage_corrected_total", "model", (C, W), "Impossible token counts that were counted here."
    ),
    _counter(
        "etude_llm_background_responses_total",
        "model use",
        (C, W),
        "Background responses, by what became of them: created, resumed by a later attempt, lost and paid for anew.",
    ),
    _gauge("etude_llm_feature_used", "model feature", (C, W), "1: requests to the model use this feature."),
    _gauge("etude_llm_inflight", "model", (C, W), "Calls to the model under way."),
    _gauge(
        "etude_llm_circuit_state",
        "model",
        (C, W),
        "State of the model's circuit breaker, as the limiter last reported it: 0 closed, 1 half open, 2 open.",
    ),
    _counter(
        "etude_llm_fallbacks_total",
        "model to",
        (C, W),
        "Calls that were passed on to the next model of the chain.",
    ),
    # -- chat -----------------------------------------------------------------------------------------------------
    _gauge("etude_chat_streams_active", "", (C,), "Streamed replies under way."),
    _histogram(
        "etude_chat_stream_seconds", "", (C,), "Duration of a streamed reply, however it ended.", JOBS
    ),
    _counter("etude_chat_disconnects_total", "by", (C,), "Replies that the client or the server broke off."),
    # -- the contents of Redis and Postgres, exposed by the cron alone ------------------------------------------------------
    _gauge(
        "etude_stream_entries",
        "stream shard",
        (X,),
        "Entries of the stream: jobs that run or wait for a worker.",
    ),
    _gauge(
        "etude_stream_pending_entries",
        "stream shard",
        (X,),
        "Entries that a worker has read and not settled.",
    ),
    _gauge("etude_stream_undelivered_entries", "stream shard", (X,), "Entries that no worker has read."),
    _gauge(
        "etude_stream_oldest_undelivered_age_seconds",
        "stream shard",
        (X,),
        "Age of the oldest unread entry; 0: none.",
    ),
    _gauge(
        "etude_stream_oldest_pending_age_seconds",
        "stream shard",
        (X,),
        "Age of the oldest pending entry; 0: none.",
    ),
    _gauge(
        "etude_stream_consumers",
        "stream shard state",
        (X,),
        "Consumers, active or stale. A stale one has read nothing for a minute.",
    ),
    _gauge("etude_due_jobs", "shard", (X,), "Retries that are not due yet."),
    _gauge(
        "etude_waiting_jobs",
        "shard",
        (X,),
        "Accepted jobs that wait because of their user's concurrency limit.",
    ),
    _gauge("etude_dead_letters", "shard", (X,), "Dead letters that are kept."),
    _gauge("etude_dead_letters_oldest_age_seconds", "shard", (X,), "Age of the oldest dead letter; 0: none."),
    _counter(
        "etude_ledger_jobs_total",
        "state",
        (X,),
        "Jobs since the beginning: accepted, succeeded, failed, cancelled, replayed, dead_lettered. The scripts keep it in Redis.",
    ),
    _gauge(
        "etude_ledger_unaccounted_jobs",
        "",
        (X,),
        "Accepted and replayed jobs minus ended, queued, running and waiting ones. Any value but 0 is a lost or doubled job.",
    ),
    _gauge("etude_redis_up", "node", (X,), "1: the node responds."),
    _gauge("etude_redis_memory_used_bytes", "node", (X,), "Memory in use."),
    _gauge("etude_redis_memory_max_bytes", "node", (X,), "Memory limit; 0: none."),
    _counter("etude_redis_evicted_keys_total", "node", (X,), "Keys evicted for lack of memory."),
    _gauge("etude_redis_connected_clients", "node", (X,), "Connected clients."),
    _gauge("etude_redis_blocked_clients", "node", (X,), "Clients in a blocking read."),
    _gauge(
        "etude_redis_aof_ok",
        "node",
        (X,),
        "1: the append-only file is on, and its last write and rewrite succeeded.",
    ),
    _counter("etude_redis_commands_total", "node", (X,), "Processed commands."),
    _counter(
        "etude_redis_rejected_connections_total",
        "node",
        (X,),
        "Connections refused because of the limit on clients.",
    ),
    _gauge("etude_postgres_up", "", (X,), "1: the server responds."),
    _gauge("etude_postgres_connections", "", (X,), "Connections to the server, from all clients."),
    _gauge("etude_postgres_max_connections", "", (X,), "Connections that the server allows."),
    _gauge("etude_postgres_database_bytes", "", (X,), "Size of the database."),
    _gauge(
        "etude_exporter_last_success_timestamp_seconds",
        "target",
        (X,),
        "Time of the last complete collection from redis or postgres.",
    ),
    _gauge(
        "etude_cron_duty_last_success_timestamp_seconds",
        "duty",
        (X,),
        "Time when this process last completed a duty; 0: never.",
    ),
    _counter(
        "etude_cron_changes_total",
        "duty",
        (X,),
        "Results pruned, consumers removed or append-only files rewritten by this process.",
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}
