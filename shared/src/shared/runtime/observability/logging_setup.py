"""Sets up logging: one line per event, with fields; JSON for machines, coloured lines for people.

Only the keys of `LogLine` are written: any other key is dropped and counted, so that a learner's text cannot appear under
a new name. Exceptions are logged by type and place, never with their message. The messages of libraries are dropped too,
except those of `TRUSTED_LOGGERS`.
"""

import logging
import sys
import threading
import traceback
from contextvars import ContextVar
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from shared.domain.jobs.job import LeasedJob
from shared.runtime.observability.log_schema import ALLOWED

current_job: ContextVar[LeasedJob | None] = ContextVar("current_job", default=None)
"""The job whose attempt runs in this context. The attempt runner sets it, and every line logged in the context names it."""
MAX_LINE_VALUE = 2_000
"""Longest text of one value, in characters. Longer ones are cut."""
PLAIN = (str, int, float, bool, type(None))
TRUSTED_LOGGERS = ("uvicorn",)
"""Libraries whose messages are logged, because they are about the process. asyncio would quote exceptions, pypdf documents."""


def configure_logs(service: str, *, log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Make structlog, the standard library and the hooks for uncaught exceptions write the same lines to stdout.

    A process calls it once, in its `__main__`.
    """
    stream = stream or sys.stdout
    renderer = (
        _readable() if log_format == "lines" else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _drop_library_message,
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
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_drop_meta, renderer])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    _log_uncaught_exceptions()


def _log_uncaught_exceptions() -> None:
    """Log uncaught exceptions. The interpreter would print them with their message."""
    log = structlog.get_logger()
    sys.excepthook = lambda _, error, __: log.error("process.failed", exc_info=error)
    threading.excepthook = lambda args: log.error("thread.failed", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("cleanup.failed", exc_info=args.exc_value)


def _drop_library_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the message of a library by its place, unless the library is trusted."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["logger"] = record.name
        if record.name.split(".")[0] not in TRUSTED_LOGGERS:
            event["event"] = "library.logged"
            event["error_at"] = f"{record.funcName}:{record.lineno}"
    return event


def _add_job(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the fields of the context's job, unless the line names another job: a batched write logs for several jobs."""
    job = current_job.get()
    if job is not None and event.get("job_id", job.id) != job.id:
        event.pop("trace_id", None)
    elif job is not None:
        for key in ("kind", "attempt", "request_id"):
            event.setdefault(key, getattr(job, key))
        event["job_id"] = job.id
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
    while isinstance(raised, BaseExceptionGroup):  # the first of a group stands for all
        raised = cast(BaseExceptionGroup[BaseException], raised).exceptions[0]
    if isinstance(raised, BaseException):
        event["error_type"] = type(raised).__name__
        frames = traceback.extract_tb(raised.__traceback__)[-3:]
        event["error_at"] = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return event


def _allow_known_keys(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    unknown = [
        key
        for key, value in event.items()
        if not key.startswith("_") and not (key in ALLOWED and isinstance(value, PLAIN))
    ]
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
