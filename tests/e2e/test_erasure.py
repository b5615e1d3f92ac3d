"""A marked word and a user's id are looked for in every key, row, file and log line after they were to be deleted."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.running import RunningStack, events_until_done
from tests.paths import read_text

from collection_worker.duties import is_rewriting, rewrite_logs
from etude.cli.token_signing import sign_token
from local.ports import free_ports
from shared.adapters.postgres.connection import Connection
from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, connect

pytestmark = pytest.mark.e2e
WORD, USER, OTHER_WORD, OTHER = "Xylophonium", "canary-7f3a", "Glockenspielium", "neighbour-51c2"
TABLES = (
    *("async_jobs", "study_collections", "flashcards", "quiz_questions"),
    *("collection_edits", "item_edits", "added_items"),
)
LATER_MS = 300_000
"""Five minutes, by which the clock of the keys is moved."""
READS: dict[str, tuple[str, ...]] = {
    "string": ("GET", "{}"),
    "hash": ("HGETALL", "{}"),
    "list": ("LRANGE", "{}", "0", "-1"),
    "set": ("SMEMBERS", "{}"),
    "zset": ("ZRANGE", "{}", "0", "-1"),
    "stream": ("XRANGE", "{}", "-", "+"),
}


@pytest.fixture
def fresh_stack(tmp_path: Path) -> Iterator[RunningStack]:
    with RunningStack(tmp_path / "data", free_ports(1)[0], {"ETUDE_LOG_LEVEL": "DEBUG"}) as running:
        yield running


def test_what_is_deleted_is_nowhere_after_five_minutes(fresh_stack: RunningStack) -> None:
    places = json.loads((fresh_stack.folder / "stack.json").read_text())
    with closing(client_of(fresh_stack, USER)) as http, closing(client_of(fresh_stack, OTHER)) as other:
        make_everything(other, OTHER_WORD)
        *jobs, collection, more = make_everything(http, WORD)
        for path in (*jobs, collection):
            assert http.delete(path).is_success
        assert http.delete(more).status_code == 404, "it went with its collection"
        asyncio.run(move_clock(places["redis_url"]))
        assert asyncio.run(places_of(places, WORD)) == []

        make_everything(http, WORD)
        assert asyncio.run(places_of(places, WORD)) != []
        report = http.delete("/api/me").json()
        assert report["is_complete"]
        assert report["rows"] > 3
        asyncio.run(move_clock(places["redis_url"]))
        asyncio.run(rewrite_files(places))

        for marked in (WORD, USER):
            assert asyncio.run(places_of(places, marked)) == []
            assert files_with(fresh_stack.folder, marked) == []
        assert asyncio.run(places_of(places, OTHER_WORD)) != []
        assert len(other.get("/api/collections").json()["data"]) == 1
        assert len(other.get("/api/ai").json()["data"]) == 2
    fresh_stack.interrupt()
    lines = fresh_stack.all_lines()
    assert [line for line in lines if WORD in line or USER in line] == []


def client_of(stack: RunningStack, user: str) -> httpx.Client:
    key = stack.folder / "keys" / "jwt-private.pem"
    token = sign_token(key, user=user, plan="pro", now=datetime.now(UTC), ttl=timedelta(hours=1))
    return httpx.Client(
        base_url=stack.url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=DEADLINE_SECONDS,
        trust_env=False,
    )


def make_everything(http: httpx.Client, word: str) -> list[str]:
    """A job, one with an idempotency key, a collection that is changed and added to, and a chat about it. Returns the paths of the
    jobs."""
    text = read_text("solar_system.en.txt").replace("Sun", word)
    job = {"kind": "flashcards", "input": {"text": text}}
    submissions: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("/api/ai", job, {}),
        ("/api/ai", job | {"kind": "quiz"}, {"Idempotency-Key": f"{word}-once"}),
        ("/api/collections", {"text": text, "title": f"About the {word}"}, {}),
    ]
    paths: list[str] = []
    for path, body, headers in submissions:
        paths.append(http.post(path, json=body, headers=headers).headers["Location"])
        list(events_until_done(http, f"{paths[-1]}/events"))
    paths.append(change_collection(http, paths[-1], word))
    question = {"messages": [{"role": "user", "content": f"How far is the {word}?"}]}
    answer = http.post("/api/chat", json=question | {"collection_id": paths[2].rpartition("/")[2]})
    assert answer.is_success, answer.text
    return paths


def change_collection(http: httpx.Client, path: str, word: str) -> str:
    """Change its title and a card, write a card, and have the worker make more. Returns the path of the worker's job."""
    any_state = {"If-Match": "*"}
    cards = http.get(path).json()["flashcards"]
    own = {"type": "flashcard", "front": f"My {word}?", "back": word}
    for method, place, body in (
        ("PATCH", path, {"title": f"Mine of the {word}"}),
        ("PATCH", f"{path}/items/{cards[0]['id']}", {"front": f"Another {word}?"}),
        ("POST", f"{path}/items", own),
    ):
        assert http.request(method, place, json=body, headers=any_state).is_success, place
    more = {"type": "more", "options": {"flashcards": 2}}
    job = http.post(f"{path}/items", json=more, headers=any_state).headers["Location"]
    list(events_until_done(http, f"{job}/events"))
    known = {card["id"] for card in cards}
    added = [card for card in http.get(path).json()["flashcards"] if card["id"] not in known]
    assert any("origin" not in card for card in added), "the worker made some; the text has few facts left"
    assert len({card["front"] for card in [*cards, *added]}) == len(cards) + len(added)
    return job


async def move_clock(url: str) -> None:
    """Let five minutes pass for all keys that expire."""
    redis = connect(url, name="tests")
    try:
        for key in await call(redis, "KEYS", "*"):
            left = await call(redis, "PTTL", key)
            if left >= 0:
                await call(redis, "PEXPIRE", key, left - LATER_MS)  # a key whose time is over is deleted
    finally:
        await redis.aclose()


async def places_of(places: dict[str, Any], marked: str) -> list[str]:
    """The keys and tables that hold the marked text, in their names or contents."""
    redis = connect(places["redis_url"], name="tests")
    postgres = await connect_postgres(places["postgres_url"])
    try:
        return [*await keys_with(redis, marked), *await tables_with(postgres, marked)]
    finally:
        await redis.aclose()
        await postgres.close()


async def keys_with(redis: RedisClient, marked: str) -> list[str]:
    found: list[str] = []
    for key in [key.decode() for key in await call(redis, "KEYS", "*")]:
        kind = (await call(redis, "TYPE", key)).decode()
        content = await call(redis, *(part.replace("{}", key) for part in READS[kind]))
        if marked in f"{key} {content}":
            found.append(key)
    return found


async def tables_with(postgres: Connection, marked: str) -> list[str]:
    found: list[str] = []
    for (table,) in await postgres.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = await postgres.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t')
        found += [table for row in rows if marked in row["row"]]
    return found


async def rewrite_files(places: dict[str, Any]) -> None:
    """What the cron does every hour in Redis, and what an operator may do in Postgres."""
    redis = connect(places["redis_url"], name="tests")
    postgres = await connect_postgres(places["postgres_url"])
    try:
        assert await rewrite_logs(redis)() == 1
        async with asyncio.timeout(DEADLINE_SECONDS):
            while is_rewriting(await call(redis, "INFO", "persistence")):  # noqa: ASYNC110 - nobody is told when it ends
                await asyncio.sleep(0.05)
        for table in TABLES:
            await postgres.execute(f"VACUUM FULL {table}")
        for _ in range(2):
            await postgres.execute("CHECKPOINT")
    finally:
        await redis.aclose()
        await postgres.close()


def files_with(folder: Path, marked: str) -> list[str]:
    """The files of the data folder that hold the marked text; the write-ahead log of Postgres is recycled in its own time."""
    files = [path for path in folder.rglob("*") if path.is_file() and "pg_wal" not in path.parts]
    return [str(path.relative_to(folder)) for path in files if marked.encode() in path.read_bytes()]
