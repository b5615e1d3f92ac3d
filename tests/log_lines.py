"""The log as a process writes it, kept instead of printed."""

import io
import logging
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
import structlog

from shared.runtime.observability.log_schema import LogLine
from shared.runtime.observability.logging_setup import configure_logs


@contextmanager
def kept_log(*, log_format: str = "json", level: str = "DEBUG") -> Generator[io.StringIO]:
    """While it is open everything in this process logs as a service does; afterwards all is as it was."""
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    log = io.StringIO()
    configure_logs("tests", log_format=log_format, level=level, stream=log)
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield log
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        root.handlers[:] = handlers
        root.setLevel(root_level)


def lines_of(log: str) -> list[LogLine]:
    """Raises `msgspec.ValidationError` for a line that is not of the schema."""
    return [msgspec.json.decode(line, type=LogLine) for line in log.splitlines()]
