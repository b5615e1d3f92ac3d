"""Metrics of a process's use of the stores: calls to scripts, statements, waits for a connection."""

from shared.adapters.postgres.result_rows import statement_names
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis import scripts
from shared.domain.errors import StoreUnavailable
from shared.runtime.observability.metrics.meter import Meter

REDIS, POSTGRES = "redis_streams", "postgresql"
UNAVAILABLE = "unavailable"
OTHER = "other"
"""Label of statements that have no file: the begin and end of a transaction, a ping."""


class ScriptMetrics:
    """Measures every call to a script: an `Observe`."""

    def __init__(self, meter: Meter) -> None:
        self._calls = meter.histogram("messaging_client_operation_duration_seconds")
        self._calls.expect([script.name for script in scripts.ALL], [REDIS], ["", UNAVAILABLE])

    def __call__(self, name: str, seconds: float, error: Exception | None) -> None:
        self._calls.of(name, REDIS, _type_of(error)).observe(seconds)


def _type_of(error: Exception | None) -> str:
    if error is None:
        return ""
    return UNAVAILABLE if isinstance(error, StoreUnavailable) else type(error).__name__


class PoolMetrics:
    """Measures every statement: a `PoolObserver`."""

    def __init__(self, meter: Meter) -> None:
        self._statements = meter.histogram("db_client_operation_duration_seconds")
        self._statements.expect([POSTGRES], [*statement_names().values(), OTHER])
        self._waits = meter.histogram("etude_db_pool_wait_seconds").of()
        self._connections = meter.gauge("etude_db_pool_connections")
        self._connections.expect(["idle", "used"])

    def observe_wait(self, seconds: float) -> None:
        self._waits.observe(seconds)

    def observe_query(self, query: str, seconds: float) -> None:
        self._statements.of(POSTGRES, statement_names().get(query, OTHER)).observe(seconds)

    def track_pool(self, results: ResultStore) -> None:
        """Expose the pool's connections at each scrape."""
        self._connections.of("idle").read_from(lambda: results.idle_connections)
        self._connections.of("used").read_from(lambda: results.used_connections)
