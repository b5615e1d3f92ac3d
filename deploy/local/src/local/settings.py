"""The settings of the local stack."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from shared.runtime.config.settings import variable

Port = Annotated[int, Meta(ge=1, le=65535)]
BasePort = Annotated[int, Meta(ge=0, le=65000)]
Count = Annotated[int, Meta(ge=0, le=64)]


class LocalSettings(Struct, frozen=True, kw_only=True, rename=variable):
    data_dir: str = ".etude"
    """Folder of the data, keys and tokens. Its content survives a restart."""
    port: Port = 8000
    """Port of the gateway, on loopback. Free ports are chosen for everything else at each start."""
    metrics_base_port: BasePort = 9100
    """First of the metrics ports, on loopback: the gateway's. Chat has the next one, the ai-workers those from 9110, the
    collection-workers those from 9130 and the cron 9150, all moved along with the first. With 0 no metrics are served."""
    ai_workers: Count = 1
    """Number of ai-worker processes."""
    collection_workers: Count = 1
    """Number of collection-worker processes."""

    @property
    def folder(self) -> Path:
        return Path(self.data_dir).expanduser().absolute()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
