"""Settings: environment variables, read once at a composition root into a frozen struct. A bad value names its variable."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

S = TypeVar("S", bound=Struct)


class InvalidSettings(Exception):
    """What is wrong with which variable, in one line; never the value, which may be a secret."""


def variable(field: str) -> str:
    """The environment variable that sets a field: `redis_url` is `ETUDE_REDIS_URL`."""
    return "ETUDE_" + field.upper()


class CommonSettings(Struct, frozen=True, kw_only=True, rename=variable):
    """What every process of Etude needs to know."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    postgres_url: str = "postgresql://127.0.0.1:5432/etude"
    shards: int = 1
    """How many hash slots the users are spread over; the same everywhere, and never changed under live jobs."""
    log_format: str = "json"
    """`json`, or `lines` for people."""
    log_level: str = "INFO"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    """Where Prometheus asks, apart from everything public; 0: nowhere."""
    otlp_endpoint: Annotated[str, Meta(pattern="^(https?://|$)")] = ""
    """Of an OpenTelemetry collector, for traces; none are written when empty."""
    trace_ratio: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """Of the traces that begin here, how many are kept; one that comes along keeps what was decided for it."""


def read_settings(kind: type[S], environ: Mapping[str, str]) -> S:
    """Convert the variables `kind` names, and their `*_FILE` twins (a path whose content is the value).

    Raises `InvalidSettings`.
    """
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    values = {name: environ[name] for name in names if environ.get(name, "") != ""}
    for name in names:
        if path := environ.get(name + "_FILE"):
            values[name] = _read_file(name + "_FILE", path)
    fields = msgspec.structs.fields(kind)
    for field in fields:
        _convert_one(kind, field, values)
    return msgspec.convert(values, kind, strict=False)


def _convert_one(kind: type[Struct], field: msgspec.structs.FieldInfo, values: Mapping[str, str]) -> None:
    name = field.encode_name
    if name not in values:
        if field.required:
            raise InvalidSettings(f"{name} is not set, and {kind.__name__} needs it")
        return
    try:
        msgspec.convert(values[name], field.type, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSettings(f"{name}: {_without_value(error)}") from None


def _without_value(error: msgspec.ValidationError) -> str:
    return str(error).split(" - at")[0]


def _read_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidSettings(f"{name}: cannot be read ({error.strerror})") from None
