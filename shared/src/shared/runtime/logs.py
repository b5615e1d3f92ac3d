"""Logs: facts with fields, one line an event; JSON for machines, coloured lines for people.

Only the keys below ever leave: a key that is not on the list is dropped and counted, so that a learner's text
cannot slip in under a new name. Exceptions are logged by type and place, never with their arguments.
"""

import logging
import sys
import traceback
from contextvars import ContextVar
from typing import Any, cast

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from shared.domain.job import Job

ALLOWED = frozenset(
    """event level ts service logger request_id job_id kind attempt entry stream shard consumer owner state reason code
    retry_in_seconds duration_ms count jobs status method route error_type error_at pid port url version model provider
    generated_by prompt_tokens completion_tokens step crashes failures dropped_keys signal seconds limit name plan
    expected redis postgres path lost kept released""".split()  # noqa: SIM905 - a list of words reads better as words
)
current_job: ContextVar[Job | None] = ContextVar("current_job", default=None)
"""The job whose attempt runs in this context: set once by the consumer, on every line that is logged below it."""
MAX_LINE_VALUE = 2_000
"""Characters of one value: a line stays a line."""


def configure_logs(service: str, *, log_format: str, level: str) -> None:
    """Set structlog and the standard library up to write the same lines to stdout. Called once, by `__main__`."""
    renderer = (
        _readable() if log_format == "lines" else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_job,
        structlog.processors.add_log_level,
        _add_exception_place,
        _allow_known_keys,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        _Service(service),
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_drop_meta, renderer])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _add_job(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if job := current_job.get():
        event.update(job_id=job.id, kind=job.kind, attempt=job.attempt, request_id=job.request_id)
    return event


class _Service:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = self._name
        return event


def _add_exception_place(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    raised: object = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    elif isinstance(raised, tuple):
        raised = cast(tuple[object, ...], raised)[1]
    if isinstance(raised, BaseException):
        event["error_type"] = type(raised).__name__
        frames = traceback.extract_tb(raised.__traceback__)[-3:]
        event["error_at"] = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return event


def _allow_known_keys(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    unknown = [key for key in event if key not in ALLOWED and not key.startswith("_")]
    for key in unknown:
        del event[key]
    if unknown:
        event["dropped_keys"] = len(unknown)
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_LINE_VALUE:
            event[key] = value[:MAX_LINE_VALUE] + "…"
    return event


def _drop_meta(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: value for key, value in event.items() if not key.startswith("_")}


def _to_json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event).decode()


def _readable() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(pad_event_to=24, colors=sys.stdout.isatty(), sort_keys=False)
