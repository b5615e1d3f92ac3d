"""`python -m shared.runtime.cli.migrate` migrates the database of `ETUDE_POSTGRES_URL` to the newest schema."""

import os
import sys

import structlog

from shared.adapters.postgres.migrations import UnknownRevision, migrate
from shared.runtime.config.settings import CommonSettings, InvalidSettings, read_settings
from shared.runtime.observability.logging_setup import configure_logs

log = structlog.get_logger()


def main() -> None:
    try:
        settings = read_settings(CommonSettings, os.environ)  # noqa: TID251 - a composition root
    except InvalidSettings as error:
        sys.exit(f"migration: {error}")
    configure_logs("migration", log_format=settings.log_format, level=settings.log_level)
    try:
        migrate(settings.postgres_url)
    except UnknownRevision:
        sys.exit("migration: the database belongs to a newer release; start that one")
    except Exception as error:
        log.error("database.migration_failed", exc_info=error)
        sys.exit(1)
    log.info("database.migrated")


if __name__ == "__main__":
    main()
