"""What the gateway is made of: the parts that the composition root opens, and the services that the routes work with."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import aiohttp
from msgspec import Struct

from gateway.auth.authenticator import Authenticator
from gateway.documents.document_reader import DocumentReader
from gateway.events.event_streams import EventStreams
from gateway.exports.exporter import Exporter
from gateway.http.chat_proxy import ChatProxy
from gateway.jobs.allowances import Allowances
from gateway.jobs.collection_editor import CollectionEditor
from gateway.jobs.job_queries import JobQueries
from gateway.jobs.job_submission import JobSubmitter
from gateway.limits.request_limits import DELAY_SECONDS, RequestLimits
from gateway.metrics import GatewayMetrics
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.jobs.job import JobId
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.erasure.job_remover import JobRemover
from shared.runtime.erasure.user_eraser import UserEraser
from shared.runtime.http.client_address import TrustedProxies
from shared.runtime.http.health import Check
from shared.runtime.observability.metrics.meter import Meter


class Parts(Struct, frozen=True, kw_only=True):
    """Stores, clocks and settings. The composition root builds them, and so do tests."""

    authenticator: Authenticator
    store: JobStore
    budgets: BudgetStore
    events: EventLog
    results: ResultStore
    removals: RemovalStore
    chat: aiohttp.ClientSession
    checks: Mapping[str, Check]
    warning: str = ""
    """What an operator should know of the settings; the readiness page shows it."""
    clock: Callable[[], float]
    """Unix seconds."""
    monotonic: Callable[[], float]
    new_id: Callable[[float], JobId]
    new_request_id: Callable[[], str]
    closing: asyncio.Event
    """Set when the process stops: event streams end, and their clients resume elsewhere."""
    internal_secret: str
    meter: Meter
    metrics: GatewayMetrics
    tracer: Tracer = NO_TRACER
    heartbeat_seconds: float = 15.0
    max_event_streams: int = 10_000
    refusal_delay_seconds: float = DELAY_SECONDS
    cors_origins: Sequence[str] = ()
    trusted_proxies: TrustedProxies = TrustedProxies()


class Services:
    """What the routes work with, wired once per application."""

    def __init__(self, parts: Parts) -> None:
        self.authenticator = parts.authenticator
        self.checks = parts.checks
        self.warning = parts.warning
        self.metrics = parts.metrics
        self.limits = RequestLimits(
            parts.trusted_proxies,
            monotonic=parts.monotonic,
            metrics=parts.metrics,
            delay_seconds=parts.refusal_delay_seconds,
        )
        self.documents = DocumentReader()
        self.exporter = Exporter()
        self.jobs = JobQueries(parts.store, parts.results, JobRemover(parts.removals, parts.results))
        self.editor = CollectionEditor(parts.results.edits, parts.events)
        self.eraser = UserEraser(parts.removals, parts.results)
        self.clock = parts.clock
        self.allowances = Allowances(parts.budgets, clock=parts.clock)
        self.chat = ChatProxy(parts.chat, secret=parts.internal_secret, tracer=parts.tracer)
        self.event_streams = EventStreams(
            parts.events,
            heartbeat_seconds=parts.heartbeat_seconds,
            max_streams=parts.max_event_streams,
            closing=parts.closing,
            clock=parts.clock,
            metrics=parts.metrics,
        )
        self.submitter = JobSubmitter(
            parts.store,
            parts.events,
            self.jobs,
            clock=parts.clock,
            new_id=parts.new_id,
            closing=parts.closing,
            metrics=parts.metrics,
            tracer=parts.tracer,
        )
