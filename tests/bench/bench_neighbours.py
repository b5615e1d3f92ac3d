"""What one learner's bad request costs the next learner: the time of a healthy job, undisturbed and right after a bad one.

The whole stack runs before a server that answers healthy texts after 50 ms, and a text with a mark as the kind says. Undisturbed
and disturbed jobs alternate, 20 times for each kind, and their medians are compared.
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import json
from collections.abc import Callable
from statistics import median
from time import monotonic

import httpx
from tests.bench.stack import headers_of, running_stack
from tests.simulators.scripted_server import Body, Response, ScriptedServer, completion, message_of, refusal

ROUNDS = 20
LATENCY_SECONDS = 0.05
MARK = "Quetzalcoatl"
HEALTHY = "Photosynthesis is the process by which plants turn light into sugar in their leaves."
BAD = f"{MARK} is the feathered serpent of the peoples of Mexico, and a god of wind and of learning."
GOOD = json.dumps({"summary": HEALTHY, "key_points": [HEALTHY]})

KINDS: dict[str, Callable[[], Response]] = {
    "too long (vLLM)": lambda: refusal(
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens.",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    "too long (llama.cpp)": lambda: refusal(
        400,
        {"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 4096, "message": "too long"}},
    ),
    "400": lambda: refusal(400, message_of("no")),
    "403": lambda: refusal(403, message_of("no")),
    "404": lambda: refusal(404, message_of("no")),
    "422": lambda: refusal(422, {"detail": [{"loc": ["body"], "msg": "no"}]}),
    "content refused": lambda: refusal(400, {"error": {"code": "content_filter", "message": "no"}}),
    "500": lambda: refusal(500, message_of("no")),
    "error in a 200": lambda: refusal(200, message_of("no")),
    "HTML": lambda: Response(body=b"<html>"),
    "nested 200,000 deep": lambda: completion("[" * 200_000),
    "1e19 prompt tokens": lambda: completion(GOOD, usage={"prompt_tokens": 10**19, "completion_tokens": 3}),
    "negative tokens": lambda: completion(GOOD, usage={"prompt_tokens": 9, "completion_tokens": -90_000}),
    "900,000 tokens": lambda: completion(GOOD, usage={"prompt_tokens": 9, "completion_tokens": 900_000}),
    "nothing but thoughts": lambda: completion(None, finish_reason="length"),
    "empty": lambda: completion('{"summary": "", "key_points": []}'),
}


def main() -> None:
    asyncio.run(_measure())


async def _measure() -> None:
    kind = ""

    def respond(body: Body) -> Response:
        return KINDS[kind]() if MARK in str(body["messages"]) else completion(GOOD)

    async with ScriptedServer(respond, latency_seconds=LATENCY_SECONDS) as server:
        environ = {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": server.url, "ETUDE_MODEL": "m"}
        with running_stack(environ) as stack:
            good, bad = (headers_of(stack, user, "unlimited") for user in ("good", "bad"))
            async with httpx.AsyncClient(base_url=stack.url, timeout=90, trust_env=False) as client:
                await _time(client, good, HEALTHY)
                for kind in KINDS:
                    await _compare(client, kind, good, bad)


async def _compare(client: httpx.AsyncClient, kind: str, good: dict[str, str], bad: dict[str, str]) -> None:
    alone: list[float] = []
    after: list[float] = []
    outcome = ""
    for _ in range(ROUNDS):
        alone.append(await _time(client, good, HEALTHY))
        outcome = await _end(client, bad, BAD)
        after.append(await _time(client, good, HEALTHY))
    ratio = median(after) / median(alone)
    print(
        f"{kind:<22} alone {median(alone) * 1000:4.0f} ms  after {median(after) * 1000:4.0f} ms"
        f"  ratio {ratio:.2f} (goal 1.2)  the bad job: {outcome}"
    )


async def _time(client: httpx.AsyncClient, headers: dict[str, str], text: str) -> float:
    began = monotonic()
    outcome = await _end(client, headers, text)
    if outcome != "succeeded":
        raise SystemExit(f"a healthy job ended as {outcome}")
    return monotonic() - began


async def _end(client: httpx.AsyncClient, headers: dict[str, str], text: str) -> str:
    """Submit a summary, and wait until it is final. Returns its status, or the code of its error. A job that is to be retried
    is cancelled after a second."""
    body = {"kind": "summary", "input": {"text": text}}
    answer = await client.post("/api/ai", json=body, headers={**headers, "Prefer": "wait=1"})
    job = answer.json()
    if job["status"] in ("queued", "running"):
        await client.delete(f"/api/ai/{job['id']}", headers=headers)
        return "retried"
    return job["error"]["code"] if job["error"] else job["status"]
