"""The health check reports by its exit code, as a container runs it."""

import asyncio
import sys
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.app_server import serving

from local.ports import free_ports

pytestmark = pytest.mark.process


async def ready(_: Request) -> Response:
    return Response()


async def away(_: Request) -> Response:
    return Response(status_code=503)


APP = Starlette(routes=[Route("/readyz", ready), Route("/away", away)])


async def probe(port: str, path: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.runtime.cli.healthcheck", port, path
    )
    return await process.wait()


@pytest.mark.parametrize(("path", "code"), [("/readyz", 0), ("/away", 1), ("/unknown", 1)])
async def test_only_status_200_is_healthy(path: str, code: int) -> None:
    app: Any = APP
    async with serving(app) as url:
        assert await probe(url.rpartition(":")[2], path) == code


async def test_a_refused_connection_is_unhealthy_without_a_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert await probe(str(free_ports(1)[0]), "/readyz") == 1
    assert capfd.readouterr().err == ""
