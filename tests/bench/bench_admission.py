"""How many of 1,000 submissions sent at once are accepted where there is room for 50, through two gateway processes.

Room is a budget of tokens for 50 jobs and half of one more, or a plan's limit of 50 unfinished jobs. No worker runs, so
nothing is given back meanwhile. Every round has a fresh user; half of the requests go to each gateway, in turn,
over connections that are all open before the first request is sent.
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import uvloop
from msgspec import Struct
from msgspec.structs import replace
from tests.bench.stack import find_servers, headers_of, running_stack
from tests.e2e.running import RunningStack

from local.data_dir import DataDir
from local.ports import LOOPBACK, free_ports
from shared.adapters.llm.token_counter import count_tokens
from shared.domain.budgets import Plan
from shared.domain.generation.hold import hold_for
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import AiInput

REQUESTS, ROOM, ROUNDS = 1_000, 50, 5
TEXT = "Photosynthesis is the process by which plants turn light into sugar in their leaves. " * 3
BODY = msgspec.json.encode({"kind": "summary", "input": {"text": TEXT}})
HOLD = hold_for(Kind.SUMMARY, AiInput(text=TEXT), count_tokens)
ROOMY = Plan(
    tokens_per_day=10**12,
    tokens_per_month=10**12,
    requests_per_minute=10**9,
    concurrent_jobs=1,
    unfinished_jobs=10**9,
)
PLANS = {
    "free": ROOMY,
    "tokens": replace(ROOMY, tokens_per_day=ROOM * HOLD + HOLD // 2),
    "jobs": replace(ROOMY, unfinished_jobs=ROOM),
}
"""By what there is room for 50 of."""
START_RETRIES = 8
JSON = {"Content-Type": "application/json"}


class Refusal(Struct):
    """Of an answer, what is counted."""

    code: str = ""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="etude-bench-") as name:
        plans = Path(name) / "plans.json"
        plans.write_bytes(msgspec.json.encode(PLANS))
        environ = {"ETUDE_PLANS_FILE": str(plans), "ETUDE_AI_WORKERS": "0"}
        with running_stack(environ) as stack, _second_gateway(stack, plans) as second:
            for room in ("tokens", "jobs"):
                uvloop.run(_measure(stack, (stack.url, second), room))


@contextmanager
def _second_gateway(stack: RunningStack, plans: Path) -> Generator[str]:
    """Another door to the same house."""
    servers, data = find_servers(stack), DataDir(stack.folder)
    (port,) = free_ports(1)
    environ = {
        "ETUDE_PORT": str(port),
        "ETUDE_REDIS_URL": servers.redis_url,
        "ETUDE_POSTGRES_URL": servers.postgres_url,
        "ETUDE_JWT_PUBLIC_KEY_FILE": str(data.public_key),
        "ETUDE_PLANS_FILE": str(plans),
    }
    with (stack.folder / "second.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "gateway"], env=environ, stdout=log, stderr=log)
    try:
        url = f"http://{LOOPBACK}:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=START_RETRIES), trust_env=False) as client:
            client.get(f"{url}/readyz").raise_for_status()
        yield url
    finally:
        process.terminate()
        process.wait()


async def _measure(stack: RunningStack, urls: Sequence[str], room: str) -> None:
    for number in range(ROUNDS):
        headers = headers_of(stack, f"{room}-{number}", room)
        started = time.perf_counter()
        answers = await _send_all(urls, headers)
        seconds = time.perf_counter() - started
        accepted = [answers[url, "202"] for url in urls]
        refused = Counter(
            answer for (_, answer), count in answers.items() for _ in range(count) if answer != "202"
        )
        print(
            f"room by {room:<6}  accepted {'+'.join(map(str, accepted))} = {sum(accepted)} of {REQUESTS} (goal {ROOM})"
            f"  refused {dict(refused)}  held for {await _held(urls[0], headers) / HOLD:g} jobs  {seconds:.1f} s"
        )


async def _send_all(urls: Sequence[str], headers: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """By gateway the answers: status, and code if refused. The gateways take turns."""
    calls = [urls[number % len(urls)] for number in range(REQUESTS)]
    pairs = await asyncio.gather(*(_connect(url) for url in calls))
    said = await asyncio.gather(
        *(_send(*pair, _request(url, headers)) for url, pair in zip(calls, pairs, strict=True))
    )
    return Counter(zip(calls, said, strict=True))


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(LOOPBACK, int(url.rsplit(":", 1)[1]))


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    lines = {**JSON, **headers, "Host": url.removeprefix("http://"), "Content-Length": str(len(BODY))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /api/ai HTTP/1.1\r\nConnection: close\r\n{head}\r\n".encode() + BODY


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return f"{head.split()[1].decode()} {msgspec.json.decode(body, type=Refusal).code}".strip()


async def _held(url: str, headers: Mapping[str, str]) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{url}/api/usage", headers=headers)
    return answer.raise_for_status().json()["windows"][0]["held"]


if __name__ == "__main__":
    main()
