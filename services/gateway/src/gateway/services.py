"""What the routes work with, built once per application from its parts."""

from collections.abc import Mapping

from msgspec import Struct

from gateway.auth.authenticator import Authenticator
from gateway.documents.text_extraction import DocumentReader
from gateway.http.chat_proxy import ChatProxy
from gateway.http.event_streams import EventStreams
from gateway.jobs.allowances import Allowances
from gateway.jobs.job_queries import JobQueries
from gateway.jobs.job_submission import JobSubmitter
from gateway.metrics import GatewayMetrics
from shared.runtime.http.health import Check


class Services(Struct, frozen=True, kw_only=True):
    authenticator: Authenticator
    jobs: JobQueries
    submitter: JobSubmitter
    event_streams: EventStreams
    documents: DocumentReader
    allowances: Allowances
    chat: ChatProxy
    checks: Mapping[str, Check]
    metrics: GatewayMetrics
