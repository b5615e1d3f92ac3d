"""Logs: facts with fields, one line an event; JSON for machines, coloured lines for people.

Only the keys of `LogLine` ever leave: any other is dropped and counted, so that a learner's text cannot slip in under
a new name. Exceptions are logged by type and place, never with their words; what libraries say is not passed on at all,
but for those that are known to speak of the process alone.
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
"""The job whose attempt runs in this context: set once by the consumer, on every line that is logged below it."""
MAX_LINE_VALUE = 2_000
"""Characters of one value: a line stays a line."""
PLAIN = (str, int, float, bool, type(None))
SPEAKERS = ("uvicorn",)
"""Libraries whose words are about the process. asyncio quotes the exceptions it meets, pypdf the documents."""


def configure_logs(service: str, *, log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Set structlog, the standard library and whatever dies up to write the same lines to stdout. Called once, by
    `__main__`."""
    stream = stream or sys.stdout
    renderer = (
        _readable() if log_format == "lines" else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _keep_to_ourselves,
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
    _log_what_dies()


def _log_what_dies() -> None:
    """What nobody catches is a line too: the interpreter would print the exception with its words."""
    log = structlog.get_logger()
    sys.excepthook = lambda _, error, __: log.error("process.broke", exc_info=error)
    threading.excepthook = lambda args: log.error("thread.broke", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("cleanup.broke", exc_info=args.exc_value)


def _keep_to_ourselves(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Of a library's line: who speaks, and where; the words only of those that are known."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["logger"] = record.name
        if record.name.split(".")[0] not in SPEAKERS:
            event["event"] = "library.logged"
            event["error_at"] = f"{record.funcName}:{record.lineno}"
    return event


def _add_job(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Unless the line is about another job: what is written for many is written in the context of one."""
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
    while isinstance(raised, BaseExceptionGroup):  # of several the first
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
