"""What can be chosen about the local stack."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from shared.runtime.config.settings import variable

Port = Annotated[int, Meta(ge=1, le=65535)]
BasePort = Annotated[int, Meta(ge=0, le=65000)]
Count = Annotated[int, Meta(ge=0, le=64)]


class LocalSettings(Struct, frozen=True, kw_only=True, rename=variable):
    data_dir: str = ".etude"
    """Where Redis, Postgres and the keys live; what is in it survives a restart."""
    port: Port = 8000
    """Of the gateway, on loopback. Every other port is a free one, chosen at each start."""
    metrics_base_port: BasePort = 9100
    """The first of the ports on which the processes tell their metrics, on loopback; 0: they tell none."""
    ai_workers: Count = 1
    """Processes that make flashcards, quizzes, summaries and the like."""
    collection_workers: Count = 1
    """Processes that make study collections."""

    @property
    def folder(self) -> Path:
        return Path(self.data_dir).expanduser().absolute()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
