"""The command against an API that misbehaves: what the person sees, and the exit code."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.responses import JSONResponse, Response
from tests.app_server import serving
from tests.etude.command_runner import etude
from tests.etude.fake_api import FakeApi, events

from etude.retries import MAX_SECONDS, RECONNECTIONS

QUEUED = {"id": "j1", "kind": "text", "status": "queued"}
DONE = {
    "id": "j1",
    "kind": "text",
    "status": "succeeded",
    "result": {"object": "text", "language": "en", "text": "A note."},
    "generated_by": "offline",
}
STATUS = 'id: 1-0\nevent: status\ndata: {"job_id":"j1","kind":"text","status":"running"}'
CARD = {"id": "c1", "front": "Why?", "back": "So.", "source": {"quote": "So.", "start": 0, "end": 3}}
ITEM = "id: 2-0\nevent: item\ndata: " + json.dumps(
    {"job_id": "j1", "attempt": 1, "type": "flashcard", "item": CARD}
)
END = 'id: 3-0\nevent: done\ndata: {"job_id":"j1","kind":"text","status":"succeeded"}'


@pytest.fixture
async def api() -> AsyncIterator[tuple[FakeApi, str]]:
    """A fake API in which a job goes well, and its URL."""
    fake = FakeApi()
    fake.on("POST", "/api/ai", JSONResponse(QUEUED, 202))
    fake.on("GET", "/api/ai/j1/events", events(STATUS, END))
    fake.on("GET", "/api/ai/j1", JSONResponse(DONE))
    async with serving(fake.app) as url:
        yield fake, url


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "notes.txt"
    path.write_text("Water boils.")
    return str(path)


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> Response:
    return JSONResponse({"title": title, "code": code, "detail": detail, **more}, status)


async def test_a_job_is_submitted_followed_and_shown(api: tuple[FakeApi, str], file: str):
    fake, url = api

    ran = await etude("ai", "text", file, "--language", "fr", url=url)

    assert (ran.code, ran.out.split("\n")[0]) == (0, "A note.")
    assert "offline" in ran.out
    assert json.loads(fake.bodies[0]) == {
        "kind": "text",
        "input": {"text": "Water boils."},
        "options": {"language": "fr"},
    }
    headers = fake.requests[0].headers
    assert headers["authorization"] == "Bearer a-token"
    assert headers["idempotency-key"].startswith("key-")


async def test_with_json_stdout_has_only_json(api: tuple[FakeApi, str], file: str):
    _, url = api

    ran = await etude("ai", "text", file, "--json", url=url)

    assert json.loads(ran.out) == DONE


async def test_a_text_can_be_piped_in(api: tuple[FakeApi, str]):
    fake, url = api

    ran = await etude("ai", "text", "-", url=url, stdin="L’eau bout.")

    assert ran.code == 0
    assert json.loads(fake.bodies[0])["input"] == {"text": "L’eau bout."}


async def test_a_dropped_connection_resumes_after_the_last_event(api: tuple[FakeApi, str], file: str):
    fake, url = api
    fake.on("GET", "/api/ai/j1/events", events(STATUS, ITEM, is_cut=True), events(END))

    ran = await etude("ai", "text", file, url=url)

    assert ran.code == 0
    first, second = fake.seen("GET", "/api/ai/j1/events")
    assert "last-event-id" not in first.headers
    assert second.headers["last-event-id"] == "2-0"


async def test_a_stream_that_closes_early_or_is_refused_for_a_moment_is_tried_again(
    api: tuple[FakeApi, str], file: str
):
    fake, url = api
    pauses: list[float] = []
    away = Response(status_code=503)
    fake.on("GET", "/api/ai/j1/events", events(STATUS), away, away, events(END))

    ran = await etude("ai", "text", file, url=url, sleep=pauses.append)

    assert ran.code == 0
    assert pauses == [1.0, 2.0, 4.0]


async def test_a_stream_without_more_events_leads_to_the_result(api: tuple[FakeApi, str], file: str):
    fake, url = api
    fake.on("GET", "/api/ai/j1/events", Response(status_code=204))

    ran = await etude("ai", "text", file, url=url)

    assert ran.out.startswith("A note.")


async def test_an_unreachable_server_is_given_up_after_a_while(api: tuple[FakeApi, str], file: str):
    fake, url = api
    pauses: list[float] = []
    fake.on("GET", "/api/ai/j1/events", Response(status_code=502))

    ran = await etude("ai", "text", file, url=url, sleep=pauses.append)

    assert (ran.code, ran.err) == (3, f"etude: Etude does not answer at {url}\n")
    assert len(pauses) == RECONNECTIONS
    assert max(pauses) == MAX_SECONDS


async def test_an_interrupt_says_that_the_job_goes_on(api: tuple[FakeApi, str], file: str):
    fake, url = api
    fake.on("GET", "/api/ai/j1/events", Response(status_code=503))

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    ran = await etude("ai", "text", file, url=url, sleep=interrupt)

    assert ran.code == 130
    assert "the job goes on: `etude jobs j1` shows it, `etude cancel j1` ends it" in ran.err


async def test_a_failed_job_says_why(api: tuple[FakeApi, str], file: str):
    fake, url = api
    error = {"title": "No usable sentence was found", "detail": "Send more.", "code": "no_usable_text"}
    fake.on("GET", "/api/ai/j1", JSONResponse({**QUEUED, "status": "failed", "error": error}))

    ran = await etude("ai", "text", file, url=url)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("etude: No usable sentence was found. Send more.\n")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (problem(401, "not_authenticated", "You are not signed in", "Send a token."), 4, "not signed in"),
        (problem(429, "budget_exceeded", "Your budget", "8 tokens are left."), 1, "8 tokens are left."),
        (
            problem(
                422, "invalid_fields", "Bad", "See errors.", errors=[{"pointer": "/kind", "detail": "No."}]
            ),
            1,
            "Bad. /kind: No.",
        ),
        (Response("<html>", 502), 1, "the server answered 502"),
        (Response("<html>", 200), 3, "is not Etude"),
    ],
)
async def test_a_refusal_is_one_line_and_an_exit_code(
    api: tuple[FakeApi, str], file: str, answer: Response, code: int, said: str
):
    fake, url = api
    fake.on("POST", "/api/ai", answer)

    ran = await etude("ai", "text", file, url=url)

    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


async def test_an_unreachable_address_is_one_line(file: str):
    ran = await etude("ai", "text", file, url="http://127.0.0.1:9")

    assert (ran.code, ran.err) == (3, "etude: Etude does not answer at http://127.0.0.1:9\n")


@pytest.mark.parametrize("url", ["localhost:8000", "::", "http:///x"])
async def test_an_invalid_url_is_named(url: str):
    ran = await etude("jobs", url=url)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"etude: {url} is not a URL that starts with http:// or https://\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ai", "poem", "-"], "poem"),
        (["ai", "text", "absent.txt"], "absent.txt cannot be read"),
        (["nonsense"], "nonsense"),
        (["collection", "-", "--flashcards", "-1"], "--flashcards"),
    ],
)
async def test_a_wrong_command_line_is_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    ran = await etude(*arguments, url="http://127.0.0.1:9")

    assert ran.code == 2
    assert said in ran.err + capsys.readouterr().err


async def test_without_a_stack_the_command_says_how_to_start_one(tmp_path: Path):
    ran = await etude("jobs", data_dir=tmp_path)

    assert ran.code == 3
    assert "make run" in ran.err


async def test_an_id_cannot_leave_its_path(api: tuple[FakeApi, str]):
    fake, url = api

    ran = await etude("jobs", "../usage?x=1", url=url)

    assert (ran.code, ran.err) == (1, "etude: there is no job ../usage?x=1 of yours\n")
    assert {request.scope["raw_path"] for request in fake.requests} == {
        b"/api/ai/..%2Fusage%3Fx%3D1",
        b"/api/collections/..%2Fusage%3Fx%3D1",
    }


async def test_a_document_is_sent_as_a_file(api: tuple[FakeApi, str], tmp_path: Path):
    fake, url = api
    collection = {"id": "c1", "status": "ready", "title": "Course"}
    fake.on("POST", "/api/collections", JSONResponse({**collection, "status": "processing"}, 202))
    fake.on("GET", "/api/collections/c1/events", events(END))
    fake.on("GET", "/api/collections/c1", JSONResponse(collection))
    file = tmp_path / "course.pdf"
    file.write_bytes(b"%PDF-1.7")

    ran = await etude("collection", str(file), "--title", "Course", "--flashcards", "5", url=url)

    assert (ran.code, ran.err.count("etude:")) == (0, 0)
    sent = fake.bodies[0]
    assert b'filename="course.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7' in sent
    assert b'name="options"\r\n\r\n{"flashcards":5}' in sent


async def test_a_chat_is_shown_as_it_comes_with_its_quotes(api: tuple[FakeApi, str]):
    fake, url = api
    fake.on(
        "POST",
        "/api/chat",
        events(
            'event: delta\ndata: {"text":"At one "}',
            'event: delta\ndata: {"text":"hundred."}',
            'event: quotes\ndata: {"quotes":[{"quote":"Water boils\\nat 100.","start":0,"end":19}]}',
            "event: done\ndata: {}",
        ),
    )

    ran = await etude("chat", "When?", "--collection", "c1", url=url)

    assert ran.out == "At one hundred.\n\n  « Water boils at 100. »\n\n"
    assert json.loads(fake.bodies[0]) == {
        "messages": [{"role": "user", "content": "When?"}],
        "collection_id": "c1",
        "stream": True,
    }


async def test_a_conversation_sends_its_earlier_messages(api: tuple[FakeApi, str]):
    fake, url = api
    yes = ('event: delta\ndata: {"text":"Yes."}', "event: done\ndata: {}")
    fake.on("POST", "/api/chat", events(*yes), events(*yes))

    ran = await etude("chat", url=url, stdin="One?\n\nTwo?\n")

    assert (ran.code, ran.out) == (0, "Yes.\nYes.\n")
    said = [turn["content"] for turn in json.loads(fake.bodies[1])["messages"]]
    assert said == ["One?", "Yes.", "Two?"]


async def test_a_chat_that_breaks_off_says_so(api: tuple[FakeApi, str]):
    fake, url = api
    broken = 'event: error\ndata: {"title":"Busy","detail":"Later.","code":"provider_busy"}'
    fake.on("POST", "/api/chat", events('event: delta\ndata: {"text":"At"}', broken))

    ran = await etude("chat", "When?", url=url)

    assert (ran.code, ran.err) == (1, "etude: Busy. Later.\n")


async def test_help_lists_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]):
    ran = await etude("--help")

    text = capsys.readouterr().out
    assert ran.code == 0
    assert all(
        name in text for name in ("token", "ai", "collection", "jobs", "cancel", "usage", "chat", "dead")
    )
    assert "130 interrupted" in text


async def test_a_token_is_signed_with_the_stack_s_key(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    (tmp_path / "keys").mkdir()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "keys" / "jwt-private.pem").write_bytes(pem)

    ran = await etude("token", "--user", "ada", "--plan", "pro", data_dir=tmp_path)

    assert jwt.decode(ran.out.strip(), key.public_key(), algorithms=["EdDSA"])["plan"] == "pro"


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_collection_is_exported_to_a_file(
    api: tuple[FakeApi, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake, url = api
    fake.on("GET", "/api/collections/c1/export", Response(b"a deck"))
    monkeypatch.chdir(tmp_path)

    ran = await etude("export", "c1", url=url)
    named = await etude("export", "c1", "--format", "gift", "-o", "quiz.txt", url=url)

    assert (ran.code, ran.out) == (0, "c1.apkg (6 bytes)\n")
    assert files_in(tmp_path) == {"c1.apkg": b"a deck", "quiz.txt": b"a deck"}
    assert named.code == 0
    assert [request.url.query for request in fake.requests[-2:]] == ["format=apkg", "format=gift"]


async def test_a_collection_is_exported_to_a_pipe(
    api: tuple[FakeApi, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake, url = api
    fake.on("GET", "/api/collections/c1/export", Response(b"a deck\xff"))
    monkeypatch.chdir(tmp_path)

    ran = await etude("export", "c1", "-o", "-", url=url)

    assert (ran.code, ran.written, ran.out, ran.err) == (0, b"a deck\xff", "", "")
    assert files_in(tmp_path) == {}


async def test_an_export_needs_a_collection_and_a_place(api: tuple[FakeApi, str], tmp_path: Path):
    fake, url = api
    fake.on("GET", "/api/collections/none/export", problem(404, "not_found", "Not found", "There is none."))
    fake.on("GET", "/api/collections/c1/export", Response(b"a deck"))

    unknown = await etude("export", "none", url=url)
    unwritable = await etude("export", "c1", "-o", str(tmp_path / "missing" / "c1.apkg"), url=url)

    assert (unknown.code, unwritable.code) == (1, 2)
    assert "there is no job none of yours" in unknown.err
    assert "cannot be written (No such file or directory)" in unwritable.err
