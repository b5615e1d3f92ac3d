"""A learner's word goes through every door of a running stack, well and badly; then it is looked for everywhere.

Where it may be is in `shared/docs/privacy.md`.
"""

import asyncio
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.running import RunningStack, events_until_done, free_row
from tests.log_lines import lines_of
from tests.paths import read_text
from tests.simulators.faults import Fault, FaultKind, out_of_credit, rate_limited, server_error
from tests.simulators.provider_process import ProviderProcess
from tests.trace_collector import TraceCollector

from local.ports import free_ports
from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.redis import keys
from shared.adapters.redis.connection import call, connect
from shared.domain.jobs.job import AI_KINDS

pytestmark = pytest.mark.e2e
WORD = "Xylophonium"
TEXT = read_text("solar_system.en.txt").replace("Sun", WORD)
PLAN = {
    **dict.fromkeys(("tokens_per_day", "tokens_per_month"), 10**9),
    **dict.fromkeys(("requests_per_minute", "concurrent_jobs", "unfinished_jobs"), 10**4),
    "offline_fallback": False,
}
REDIS_PLACES = re.compile(
    r"\{s0\}:job:[\w-]+ (?:payload|title)|\{s0\}:job:[\w-]+:steps .*|\{s0\}:(?:job|user):[\w-]+:events [\w-]+ item"
)
"""A key, and the part of it: what is worked on, its steps, and the items that its owner is shown."""
KEPT_PLACES = {"async_jobs result", "async_jobs title", "study_collections", "flashcards", "quiz_questions"}


class Client:
    """Notes every answer that is an error."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.refusals: list[str] = []

    def post(self, path: str, **request: Any) -> httpx.Response:
        answer = self.http.post(path, **request)
        if answer.status_code >= 400:
            self.refusals.append(answer.text)
        return answer

    def make(self, path: str = "/api/ai", **request: Any) -> dict[str, Any]:
        """Submit, and see it to its end."""
        place = self.post(path, **request).headers["Location"]
        list(events_until_done(self.http, f"{place}/events"))
        made = self.http.get(place).json()
        self.refusals.append(json.dumps(made["error"]))
        return made


def summary(kind: str = "summary") -> dict[str, Any]:
    return {"kind": kind, "input": {"text": TEXT}, "options": {"regenerate": True}}


def question(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"How far is the {WORD}?"}], **more}


def test_a_learner_s_word_is_nowhere_but_where_it_belongs(tmp_path: Path) -> None:
    plans = tmp_path / "plans.json"
    plans.write_text(json.dumps({"free": PLAN, "pro": PLAN}))
    with TraceCollector() as collector, ProviderProcess() as provider:
        environ = {
            **provider.environ,
            "ETUDE_OTLP_ENDPOINT": collector.url,
            "ETUDE_LOG_FORMAT": "json",
            "ETUDE_LOG_LEVEL": "DEBUG",
            "ETUDE_PLANS_FILE": str(plans),
            "ETUDE_METRICS_BASE_PORT": str(free_row()),
        }
        with RunningStack(tmp_path / "data", free_ports(1)[0], environ) as stack, stack.client as http:
            client = Client(http)
            do_well(client)
            send_nonsense(client)
            places = json.loads((stack.folder / "stack.json").read_text())
            redis_url = places["redis_url"]
            meet_a_bad_provider(client, provider, lambda: asyncio.run(forget_gates(redis_url)))
            dead = die(client, provider)
            letters = show_letters(dead, redis_url)
            metrics = "".join(httpx.get(url, trust_env=False).text for url in places["metrics"].values())
            in_redis = asyncio.run(where_in_redis(redis_url))
            in_postgres = asyncio.run(where_in_postgres(places["postgres_url"]))
            stack.interrupt()
            lines = stack.all_lines()

    said = list(service_lines(lines))
    assert {line.service for line in lines_of("\n".join(said))} >= {"gateway", "chat", "ai-worker"}
    assert [line for line in lines if WORD in line] == []
    assert len(collector.spans) > 100
    assert WORD.encode() not in collector.received
    assert "gen_ai_client_inference_duration_seconds_count" in metrics
    assert WORD not in metrics
    assert len(client.refusals) > 20
    assert [body for body in client.refusals if WORD in body] == []
    assert dead in letters
    assert WORD not in letters
    assert in_redis
    assert [place for place in in_redis if not REDIS_PLACES.fullmatch(place)] == []
    assert in_postgres == KEPT_PLACES


def do_well(client: Client) -> None:
    for kind in AI_KINDS:
        assert client.make(json=summary(kind))["status"] == "succeeded"
    client.make(json=summary(), headers={"Idempotency-Key": "once"})
    client.post("/api/ai", json=summary("quiz"), headers={"Idempotency-Key": "once"})
    collection = client.make("/api/collections", json={"text": TEXT, "title": f"Round the {WORD}"})
    assert collection["status"] == "ready"
    assert client.make("/api/collections", files={"file": (f"{WORD}.md", TEXT.encode())})["status"] == "ready"
    for stream in (True, False):
        assert (
            WORD
            in client.post("/api/chat", json=question(stream=stream, collection_id=collection["id"])).text
        )
        client.post("/api/chat", json=question(stream=stream))


def send_nonsense(client: Client) -> None:
    """Every one is refused."""
    docx = io.BytesIO()
    with zipfile.ZipFile(docx, "w") as archive:
        archive.writestr("word/document.xml", f"<broken>{TEXT}")
    bodies: list[dict[str, Any]] = [
        {"content": TEXT.encode()},
        {"content": json.dumps(summary()).encode()[:-20]},
        {"content": f'{{"kind": "summary", "input": "{WORD}'.encode("latin-1") + b"\xff"},
        {"json": {"kind": WORD, "input": {"text": WORD}}},
        {"json": {"kind": "summary", "input": {"text": [WORD]}}},
        {
            "json": {
                "kind": "summary",
                "input": {"text": TEXT},
                "options": {"language": WORD, "difficulty": WORD},
            }
        },
        {"json": {"kind": "summary", "input": {"text": f"{WORD}\0"}}},
        {"json": {"kind": "summary", "input": {"text": TEXT}, "more": WORD}},
        {"json": {"kind": "flashcards", "input": {"text": TEXT}, "options": {"flashcards": 0}}},
        {"json": {"text": WORD, "title": WORD * 100}},
    ]
    headers = {"Content-Type": "application/json"}
    for path in ("/api/ai", "/api/collections", "/api/chat"):
        for body in bodies:
            assert client.post(path, **body, headers=headers).status_code >= 400
        client.post(path, content=TEXT, headers={"Content-Type": f"text/{WORD}"})
    for name, content in {
        "text.pdf": b"%PDF-1.4\n" + TEXT.encode(),
        "text.docx": TEXT.encode(),
        "whole.docx": docx.getvalue(),
        "text.txt": TEXT.encode() + b"\0\xff",
        f"text.{WORD}": b"\0" + TEXT.encode(),
    }.items():
        assert client.post("/api/collections", files={"file": (name, content)}).status_code >= 400
    client.post("/api/usage/estimate", json={"kind": WORD, "input": {"text": [WORD]}})
    for path in (f"/api/ai/{WORD}", f"/{WORD}", f"/api/ai?kind={WORD}&after={WORD}"):
        assert client.http.get(path, headers={"traceparent": WORD}).status_code >= 400
    client.http.get("/api/ai", headers={"Authorization": f"Bearer {WORD}.{WORD}.{WORD}"})


def meet_a_bad_provider(
    client: Client, provider: ProviderProcess, close_circuits: Callable[[], None]
) -> None:
    """Its errors and its answers repeat the prompt, wherever they can."""
    kinds = [kind for kind in FaultKind if kind not in (FaultKind.HANG, FaultKind.DRIP, FaultKind.ERROR)]
    faults = [Fault(kind=kind) for kind in kinds]
    faults += [Fault(kind=kind, times=2) for kind in (FaultKind.INVALID_JSON, FaultKind.WRONG_SCHEMA)]
    faults += [Fault(kind=FaultKind.ERROR, status=status) for status in (400, 413)]
    for fault in (*faults, rate_limited("0.1")):
        for ask in (
            lambda: client.make(json=summary()),
            lambda: client.post("/api/chat", json=question(stream=True)),
        ):
            provider.add_faults(fault)
            ask()
            close_circuits()


def die(client: Client, provider: ProviderProcess) -> str:
    """Fail until it is a dead letter; its id."""
    provider.add_faults(server_error(times=5))
    made = client.make(json=summary("outline"))
    assert made["status"] == "failed"
    provider.add_faults(out_of_credit())
    client.post("/api/chat", json=question())
    return made["id"]


def show_letters(job_id: str, redis_url: str) -> str:
    words = (("list",), ("show", job_id))
    return "".join(
        subprocess.run(
            [sys.executable, "-m", "etude", "dead", *word, "--redis-url", redis_url],
            env={"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        ).stdout
        for word in words
    )


async def forget_gates(redis_url: str) -> None:
    """An error that is our fault keeps a model's circuit open for a minute."""
    redis = connect(redis_url, name="tests")
    try:
        if gates := await call(redis, "KEYS", keys.gate("*")):
            await call(redis, "DEL", *gates)
    finally:
        await redis.aclose()


async def where_in_redis(url: str) -> list[str]:
    """Every key with the word in its name or value, and in which part of it."""
    redis = connect(url, name="tests")
    try:
        found: list[str] = []
        for key in [key.decode() for key in await call(redis, "KEYS", "*")]:
            found += [f"{key} {part}" for part in await parts_with_word(redis, key)]
        return found
    finally:
        await redis.aclose()


async def parts_with_word(redis: Any, key: str) -> list[str]:
    kind = (await call(redis, "TYPE", key)).decode()
    reads = {"string": ("GET",), "list": ("LRANGE", 0, -1), "zset": ("ZRANGE", 0, -1)}
    if WORD in key:
        return ["name"]
    if kind == "hash":
        fields: dict[bytes, bytes] = await call(redis, "HGETALL", key)
        return [name.decode() for name, value in fields.items() if WORD.encode() in name + value]
    if kind == "stream":
        entries = [fields for _, fields in await call(redis, "XRANGE", key, "-", "+")]
        words = [b" ".join(value for value in fields.values()) for fields in entries]
        return [b" ".join(line.split(b" ")[:2]).decode() for line in words if WORD.encode() in line]
    name, *rest = reads[kind]
    return ["value"] if WORD in str(await call(redis, str(name), key, *rest)) else []


async def where_in_postgres(url: str) -> set[str]:
    connection = await connect_postgres(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found: set[str] = set()
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT to_jsonb(t) AS row FROM "{table}" t')
            for row in rows:
                found |= {
                    f"{table} {column}" if table == "async_jobs" else table
                    for column, value in json.loads(row["row"]).items()
                    if WORD in json.dumps(value)
                }
        return found
    finally:
        await connection.close()


def service_lines(lines: list[str]) -> Iterator[str]:
    """What services wrote, without the name in front; what the stack says about them is no line of theirs."""
    for line in lines:
        _, bar, said = line.partition(" │ ")
        if bar and not said.startswith("exited unexpectedly"):
            yield said
