"""The roles that the services of the local stack connect to Postgres as. Their passwords are new at each start."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.adapters.postgres.connection import connect
from shared.adapters.postgres.roles import SERVICES, create_roles, role_of


async def create_service_roles(url: str) -> Mapping[str, str]:
    """Service to the URL of its role. `url` is the superuser's."""
    passwords = {service: secrets.token_urlsafe(24) for service in SERVICES}
    connection = await connect(url)
    try:
        await create_roles(connection, passwords)
    finally:
        await connection.close()
    return {service: url_of_role(url, service, password) for service, password in passwords.items()}


def url_of_role(url: str, service: str, password: str) -> str:
    """The URL of the same database for a service."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role_of(service)}:{password}@{parts.hostname}:{parts.port}").geturl()
