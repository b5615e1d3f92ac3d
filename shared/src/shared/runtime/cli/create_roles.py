"""`python -m shared.runtime.cli.create_roles FOLDER` creates a role of Postgres for each service that has a file
`SERVICE-password` in the folder, and sets its password. It connects to `ETUDE_POSTGRES_URL` as a role that may create roles."""

import asyncio
import os
import sys
from pathlib import Path

import structlog

from shared.adapters.postgres.connection import connect
from shared.adapters.postgres.roles import SERVICES, create_roles
from shared.runtime.config.settings import CommonSettings, InvalidSettings, read_settings
from shared.runtime.observability.logging_setup import configure_logs

log = structlog.get_logger()


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m shared.runtime.cli.create_roles FOLDER")
    try:
        settings = read_settings(CommonSettings, os.environ)  # noqa: TID251 - a composition root
        passwords = read_passwords(Path(sys.argv[1]))
    except (InvalidSettings, OSError) as error:
        sys.exit(f"roles: {error}")
    configure_logs("roles", log_format=settings.log_format, level=settings.log_level)
    try:
        asyncio.run(_create(settings.postgres_url, passwords))
    except Exception as error:
        log.error("database.roles_failed", exc_info=error)
        sys.exit(1)
    log.info("database.roles_created", count=len(passwords))


def read_passwords(folder: Path) -> dict[str, str]:
    """Service to password, of the services that have a file."""
    files = {service: folder / f"{service}-password" for service in SERVICES}
    return {
        service: file.read_text(encoding="ascii").strip() for service, file in files.items() if file.exists()
    }


async def _create(url: str, passwords: dict[str, str]) -> None:
    connection = await connect(url)
    try:
        await create_roles(connection, passwords)
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
