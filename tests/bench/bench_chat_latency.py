"""What Etude adds to the time to a chat's first token: the same question put to the model's server directly, through Etude and
through LiteLLM's proxy, which is installed by `make model-servers SERVERS=all`.

The model's server is a process that answers at once over HTTP. Etude and the direct call take turns 500 times, each over a
connection that is open already, so that whatever else the machine does slows both; then the same with LiteLLM as the third. What
is added is the difference within one turn. Beside a third program each one finds the processor's caches cold: both are told.
"""

# ruff: noqa: T201 - a bench prints what it measured

import gc
import json
import re
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import uvloop
from msgspec import Struct
from tests.bench.stack import headers_of, percentile, running_stack
from tests.model_servers.installation import python_program
from tests.model_servers.server_process import running_program
from tests.simulators.provider_process import ProviderProcess

ROUNDS, WARM_UP_ROUNDS = 500, 50
MODEL = "gpt-5.4-mini"
QUESTION = "How do plants turn light into sugar?"
LITELLM_KEY = "sk-bench-7f31c2"
END_SECONDS = 30.0


class Way(Struct, frozen=True):
    """One way to the model."""

    name: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    mark: re.Pattern[bytes]
    """Found in the first event with text, and in no earlier one."""


def main() -> None:
    with ProviderProcess() as provider, running_stack(provider.environ) as stack:
        direct = _completions("direct", provider.url, provider.environ["OPENAI_API_KEY"])
        etude = Way(
            "Etude",
            f"{stack.url}/api/chat",
            headers_of(stack, "bench", "unlimited"),
            {"messages": [{"role": "user", "content": QUESTION}], "stream": True},
            re.compile(b"event: delta"),
        )
        uvloop.run(_measure(direct, etude))


async def _measure(direct: Way, etude: Way) -> None:
    async with AsyncExitStack() as stack:
        others = [etude]
        if python_program("litellm", is_heavy=True).exists():
            upstream = direct.url.removesuffix("/chat/completions")
            others.append(await stack.enter_async_context(_litellm(upstream)))
        else:
            print("LiteLLM is not installed: run `make model-servers SERVERS=all`")
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=END_SECONDS, trust_env=False))
        await _take_turns(client, [direct, *others], WARM_UP_ROUNDS)
        gc.freeze()
        await _compare(client, direct, [etude])
        if len(others) > 1:
            await _compare(client, direct, others)


async def _compare(client: httpx.AsyncClient, direct: Way, others: list[Way]) -> None:
    seconds = await _take_turns(client, [direct, *others], ROUNDS)
    _print("direct", "takes", seconds["direct"], "")
    for way in others:
        added = [one - alone for one, alone in zip(seconds[way.name], seconds["direct"], strict=True)]
        _print(way.name, "adds", added, "  (goal 5 and 12)" if way.name == "Etude" else "")


async def _take_turns(client: httpx.AsyncClient, ways: list[Way], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            seconds[way.name].append(await _first_token(client, way))
    return seconds


async def _first_token(client: httpx.AsyncClient, way: Way) -> float:
    """Seconds from the question to the first text. The rest of the answer is read too, so that none overlaps the next."""
    began, took, received = perf_counter(), 0.0, b""
    async with client.stream("POST", way.url, headers=way.headers, json=way.body) as response:
        async for chunk in response.raise_for_status().aiter_raw():
            received += chunk
            if not took and way.mark.search(received):
                took = perf_counter() - began
    if not took:
        raise SystemExit(f"{way.name} sent no text: {received[:500]!r}")
    return took


def _completions(name: str, url: str, key: str) -> Way:
    body = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    return Way(
        name,
        f"{url}/chat/completions",
        {"Authorization": f"Bearer {key}"},
        body,
        re.compile(rb'"content": ?"[^"]'),
    )


@asynccontextmanager
async def _litellm(upstream: str) -> AsyncGenerator[Way]:
    model = {"model": f"openai/{MODEL}", "api_base": upstream, "api_key": "bench"}
    settings = {
        "model_list": [{"model_name": MODEL, "litellm_params": model}],
        "general_settings": {"master_key": LITELLM_KEY},
    }
    with tempfile.TemporaryDirectory(prefix="etude-bench-") as name:
        path = Path(name) / "litellm.yaml"
        path.write_text(json.dumps(settings))
        program = python_program("litellm", is_heavy=True)
        command = [str(program), "--host", "127.0.0.1", "--telemetry", "False", "--config", str(path)]
        environ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        async with running_program(
            "LiteLLM", lambda port: [*command, "--port", str(port)], environ, Path(name)
        ) as url:
            yield _completions("LiteLLM", url, LITELLM_KEY)


def _print(name: str, verb: str, seconds: list[float], goal: str) -> None:
    p50, p99 = (1000 * percentile(seconds, share) for share in (0.5, 0.99))
    print(
        f"{name:<8} {verb:<5} to the first token  p50 {p50:5.1f} ms  p99 {p99:5.1f} ms  {len(seconds)} times{goal}"
    )


if __name__ == "__main__":
    main()
