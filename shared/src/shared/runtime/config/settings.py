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
    """URL of Redis, password included. A cluster is `redis+cluster://:password@host:port,host:port` with some of its nodes;
    a Sentinel is `redis+sentinel://:password@host:port,host:port/name?sentinel_password=…` with the sentinels and their
    name for the primary."""
    postgres_url: str = "postgresql://127.0.0.1:5432/etude"
    """URL of Postgres, password included."""
    shards: int = 1
    """Number of hash slots that users are spread over: the same in every process, 8 or more on a cluster, and never changed
    while jobs are live."""
    log_format: str = "json"
    """`json`, or `lines`, which people read more easily."""
    log_level: str = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    metrics_host: str = "127.0.0.1"
    """Address that the metrics port listens on."""
    metrics_port: int = 0
    """Port that serves `/metrics`; it must never be public. With 0 no metrics are served."""
    otlp_endpoint: Annotated[str, Meta(pattern="^(https?://|$)")] = ""
    """URL of an OpenTelemetry collector that takes OTLP over HTTP, such as `http://collector:4318`. When it is empty, no
    traces are recorded and OpenTelemetry is not loaded."""
    trace_ratio: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """Fraction of the traces begun by this process that are kept. A trace that arrives with a request keeps its sender's
    decision."""


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
