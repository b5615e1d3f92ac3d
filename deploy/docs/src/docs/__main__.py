"""Write the generated tables into the pages: `python -m docs`. With `--check`, only say which pages are stale."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

from chat.settings import ChatSettings
from collection_worker.cron import CronSettings
from docs.errors_table import errors_table
from docs.markdown import insert_table
from docs.metrics_table import metrics_table
from docs.settings_table import settings_table
from gateway.settings import GatewaySettings
from local.settings import LocalSettings
from shared.runtime.config.settings import CommonSettings
from shared.runtime.generation.provider_factory import ProviderSettings
from shared.runtime.worker.main import WorkerSettings

PAGES = Path(__file__).parents[4] / "shared" / "docs"
SETTINGS = {
    "settings of every process": CommonSettings,
    "provider settings": ProviderSettings,
    "worker settings": WorkerSettings,
    "gateway settings": GatewaySettings,
    "chat settings": ChatSettings,
    "cron settings": CronSettings,
    "local settings": LocalSettings,
}


def tables() -> Mapping[str, Mapping[str, str]]:
    """The tables of each page, by the name in their markers."""
    return {
        "operations.md": {name: settings_table(settings) for name, settings in SETTINGS.items()},
        "metrics.md": {"metrics": metrics_table()},
        "api.md": {"errors": errors_table()},
    }


def pages() -> dict[Path, str]:
    """Every page that has generated tables, as it should read."""
    return {PAGES / name: _fill((PAGES / name).read_text("utf-8"), made) for name, made in tables().items()}


def _fill(page: str, made: Mapping[str, str]) -> str:
    for name, table in made.items():
        page = insert_table(page, name, table)
    return page


def stale_pages() -> list[str]:
    return [path.name for path, content in pages().items() if path.read_text("utf-8") != content]


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if a page is stale")
    if parser.parse_args(None if arguments is None else list(arguments)).check:
        if stale := stale_pages():
            raise SystemExit(f"docs: {', '.join(stale)} differ from the code: run `make docs`")
        return
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
