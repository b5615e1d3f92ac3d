"""One attempt at a job: the handler runs within its time limit, and whatever happens becomes one outcome."""

import asyncio
from collections.abc import Mapping

import structlog

from shared.domain.decisive_error import leaves, most_severe
from shared.domain.errors import (
    AttemptTimedOut,
    LeaseLost,
    StoreUnavailable,
    StudyError,
    Unexpected,
    UnknownWire,
)
from shared.domain.generation.handler import AttemptContext, Handler
from shared.domain.jobs.job import Kind, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.outcome import Fail, Outcome, Retry
from shared.domain.jobs.payload import decode_input
from shared.domain.provider_errors import ProviderError

log = structlog.get_logger()


async def run_handler(
    context: AttemptContext, handlers: Mapping[Kind, Handler], policy: JobPolicy
) -> Outcome:
    """Run the job's handler. Raises only `LeaseLost` and cancellation; every other error becomes an outcome."""
    job = context.job
    limit = asyncio.timeout(policy.attempt_seconds)
    try:
        async with limit:
            job_input = decode_input(job.kind, job.version, job.payload)
            return await handlers[Kind(job.kind)](job_input, context)
    except Exception as error:  # noqa: BLE001 - the one place where what escapes a handler becomes an outcome
        return _to_outcome(most_severe(leaves(error)), job, policy, has_expired=limit.expired())


def _to_outcome(error: Exception, job: LeasedJob, policy: JobPolicy, *, has_expired: bool) -> Outcome:
    match error:
        case LeaseLost():
            raise error
        case UnknownWire():
            return Retry(error.problem, after=policy.park_seconds, counted=False)
        case StoreUnavailable():
            return Retry(error.problem, after=error.retry_after, counted=False)
        case ProviderError(is_retryable=True):
            return Retry(error.problem, after=error.retry_after, counted=error.is_counted)
        case StudyError(is_retryable=True):
            return Retry(error.problem, after=error.retry_after)
        case StudyError():
            return Fail(error.problem)
        case TimeoutError() if has_expired:
            return Retry(AttemptTimedOut(limit=int(policy.attempt_seconds)).problem)
        case _:
            log.error("job.handler_failed", exc_info=error)
            return Retry(Unexpected().problem)
