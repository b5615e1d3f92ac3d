"""How many jobs a second one gateway process accepts, everything on: signed tokens, plans, budgets, idempotency keys,
the access log, a real Redis. The load is made by `wrk` where there is one, else by a plain client of our own."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.ports import LOOPBACK, free_ports
from local.servers.redis_server import RedisServer

SECONDS = 8
CONNECTIONS = 64
USERS = 50
PLAN = {
    "tokens_per_day": 10**12,
    "tokens_per_month": 10**12,
    "requests_per_minute": 10**9,
    "concurrent_jobs": 10**9,
    "unfinished_jobs": 10**9,
}
SENTENCE = "Photosynthesis is the process by which plants turn light into sugar in their leaves. "
BODY = json.dumps({"kind": "summary", "input": {"text": SENTENCE * 10}})
"""About 130 words: a paragraph."""

WRK_SCRIPT = """
local tokens = {%s}
local thread = 0
function setup(t) t:set("id", thread); thread = thread + 1 end
local count = 0
function request()
  count = count + 1
  return wrk.format("POST", "/api/ai", {
    ["Authorization"] = "Bearer " .. tokens[count %% #tokens + 1],
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = "%s-" .. id .. "-" .. count,
  }, [[%s]])
end
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="etude-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        redis = stack.enter_context(RedisServer(folder / "redis"))
        url, tokens = stack.enter_context(running_gateway(folder, redis.url))
        print(measure(folder, url, tokens))


def measure(folder: Path, url: str, tokens: list[str]) -> str:
    load = _load_with_wrk if shutil.which("wrk") else _load_with_python
    load(folder, url, tokens, seconds=2)  # warms it up
    return load(folder, url, tokens, seconds=SECONDS)


@contextmanager
def running_gateway(
    folder: Path, redis_url: str, *, users: int = USERS, environ: Mapping[str, str] | None = None
) -> Generator[tuple[str, list[str]]]:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    plans = folder / "plans.json"
    plans.write_text(json.dumps({"free": PLAN}))
    (port,) = free_ports(1)
    settings = {
        "ETUDE_REDIS_URL": redis_url,
        "ETUDE_PORT": str(port),
        "ETUDE_JWT_PUBLIC_KEY": public.decode(),
        "ETUDE_PLANS_FILE": str(plans),
        **(environ or {}),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "gateway"], env=settings, stdout=log)
        try:
            _wait_ready(f"http://{LOOPBACK}:{port}/healthz")
            expires = int(time.time()) + 3600
            tokens = [
                jwt.encode({"sub": f"user-{n}", "exp": expires}, key, algorithm="EdDSA") for n in range(users)
            ]
            yield f"http://{LOOPBACK}:{port}", tokens
        finally:
            process.terminate()
            process.wait()


def _wait_ready(url: str) -> None:
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(transport=transport) as client:
        client.get(url).raise_for_status()


def _load_with_wrk(folder: Path, url: str, tokens: list[str], *, seconds: int) -> str:
    script = folder / "load.lua"
    script.write_text(WRK_SCRIPT % (", ".join(f'"{token}"' for token in tokens), uuid.uuid4(), BODY))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    refused = re.search(r"Non-2xx.*: (\d+)", said)
    found = dict(re.findall(r"(50%|99%|Requests/sec:)\s+([\d.]+\w*)", said))
    return (
        f"POST /api/ai, {CONNECTIONS} connections: {float(found['Requests/sec:']):,.0f} accepted/s,"
        f" p50 {found['50%']}, p99 {found['99%']}, refused {refused[1] if refused else 0}"
    )


def _load_with_python(folder: Path, url: str, tokens: list[str], *, seconds: int) -> str:
    return asyncio.run(_send(url, tokens, seconds))


async def _send(url: str, tokens: list[str], seconds: int) -> str:
    """The client shares the machine with what it measures: the rate is a lower bound."""
    latencies: list[float] = []
    ends = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(_send_one_after_another(url, tokens[number % USERS], ends, latencies))
    latencies.sort()
    p50, p99 = (1000 * latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    return (
        f"POST /api/ai, {CONNECTIONS} connections, own client: {len(latencies) / seconds:,.0f} accepted/s,"
        f" p50 {p50:.1f}ms, p99 {p99:.1f}ms"
    )


async def _send_one_after_another(url: str, token: str, ends: float, latencies: list[float]) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    while (started := time.perf_counter()) < ends:
        head = (
            f"POST /api/ai HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        writer.write(head.encode() + BODY.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 202 " in answer.split(b"\r\n", 1)[0], answer
        length = re.search(rb"(?i)content-length: (\d+)", answer)
        assert length is not None
        await reader.readexactly(int(length[1]))
        latencies.append(time.perf_counter() - started)
    writer.close()


if __name__ == "__main__":
    main()
