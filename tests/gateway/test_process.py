"""The gateway as a process: what it says when it cannot start, and how it stops."""

import asyncio
import signal
import subprocess
import sys

import httpx
import pytest
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.gateway.desk import PUBLIC_PEM, SUMMARY, make_token
from tests.gateway.gateway_process import running
from tests.servers import VALKEY, WHEEL, Servers

from local.ports import LOOPBACK, free_ports


def test_it_stops_at_once_with_an_open_event_stream(redis_url: str, postgres_url: str):
    (port,) = free_ports(1)
    environ = {
        "ETUDE_PORT": str(port),
        "ETUDE_REDIS_URL": redis_url,
        "ETUDE_POSTGRES_URL": postgres_url,
        "ETUDE_JWT_PUBLIC_KEY": PUBLIC_PEM,
    }
    with running(**environ) as process:
        assert process.stdout is not None
        assert "gateway.ready" in process.stdout.readline()
        assert "auth.audience_not_set" in process.stdout.readline()
        headers = {"Authorization": f"Bearer {make_token()}"}
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(
            base_url=f"http://{LOOPBACK}:{port}",
            headers=headers,
            transport=transport,
            timeout=DEADLINE_SECONDS,
        ) as client:
            assert "ETUDE_JWT_AUDIENCE is not set" in client.get("/readyz").json()["warning"]
            job = client.post("/api/ai", json=SUMMARY).json()
            with client.stream("GET", f"/api/ai/{job['id']}/events") as stream:
                lines = stream.iter_lines()
                assert "event: status" in lines
                process.send_signal(signal.SIGTERM)
                assert "event: done" not in list(lines)  # it ends, though the job does not
        out, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
    assert "gateway.stopped" in out
    assert err == ""


@pytest.mark.parametrize(
    ("kind", "said"),
    [(WHEEL, "needs WAITAOF"), (VALKEY, "needs appendfsync always here")],
)
async def test_it_does_not_start_when_redis_cannot_confirm_the_durability(
    servers: Servers, postgres_url: str, kind: str, said: str
):
    with skipped_without_server():
        place = await asyncio.to_thread(servers.redis, kind)
    environ = {
        "ETUDE_REDIS_URL": place.url,
        "ETUDE_POSTGRES_URL": postgres_url,
        "ETUDE_JWT_PUBLIC_KEY": PUBLIC_PEM,
        "ETUDE_ACCEPT_DURABILITY": "aof",
    }
    with running(**environ) as process:
        _, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1
    assert err.startswith(f"gateway: ETUDE_ACCEPT_DURABILITY: aof {said}")
    assert err.count("\n") == 1


@pytest.mark.process
@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "one of ETUDE_JWT_PUBLIC_KEY, ETUDE_JWKS_URL and ETUDE_API_KEYS must be set"),
        ({"ETUDE_JWT_PUBLIC_KEY": "secret"}, "ETUDE_JWT_PUBLIC_KEY: is no public key in PEM"),
        ({"ETUDE_API_KEYS": "secret"}, "ETUDE_API_KEYS: "),
        ({"ETUDE_PORT": "http"}, "ETUDE_PORT: Expected `int`"),
        (
            {"ETUDE_JWT_PUBLIC_KEY": PUBLIC_PEM, "ETUDE_PLANS_FILE": "absent"},
            "ETUDE_PLANS_FILE: cannot be read",
        ),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it_and_not_its_value(environ: dict[str, str], said: str):
    with running(**environ) as process:
        out, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1
    assert err.startswith(f"gateway: {said}")
    assert err.count("\n") == 1
    assert "secret" not in out + err


@pytest.mark.process
def test_it_loads_no_model_of_languages():
    """Only workers and chat detect languages: the model takes 100 MB, and the gateway's image does not have it."""
    listed = "import sys, gateway.__main__; print({'py3langid', 'numpy'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
