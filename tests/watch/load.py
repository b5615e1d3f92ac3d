"""A little of everything that a learner does, and of what goes wrong: so that every figure has something to show."""

import threading
from types import TracebackType
from typing import Any, Self

import httpx
from tests.e2e.running import events_until_done
from tests.watch.monitored_stack import MonitoredStack

TEXT = (
    "The mitochondrion is the organelle that produces most of the energy of a cell. "
    "Peter Mitchell described chemiosmosis in 1961. "
    "ATP synthase is the enzyme that makes ATP from ADP and phosphate."
)


def smoke(monitored: MonitoredStack) -> None:
    """Jobs, a collection that is followed, chat, a repeat, refusals, a retry, a dead letter."""
    with monitored.client_of("ada", "pro") as ada, monitored.client_of("poe", "poor") as poe:
        follow(ada, post(ada, "/api/collections", text=TEXT, title="Cells"))
        for kind in ("summary", "flashcards"):
            follow(ada, submit(ada, kind, key=kind))
            submit(ada, kind, key=kind)
        with ada.stream("POST", "/api/chat", json=question(is_streamed=True)) as answer:
            assert b"event: done" in answer.read()
        assert ada.post("/api/ai", json={"kind": "summary"}).status_code == 422
        follow(poe, submit(poe, "summary"))
        assert poe.post("/api/ai", json=job("summary")).status_code == 429
        stranger = {"Authorization": "Bearer nobody"}
        assert ada.get("/api/usage", headers=stranger).status_code == 401
        monitored.provider.fail_next_calls("server_error", times=1)
        follow(ada, submit(ada, "summary"))
        bury(monitored, ada)


def bury(monitored: MonitoredStack, client: httpx.Client) -> None:
    """A job whose every call fails ends as a dead letter, and no other job with it."""
    worker = monitored.stack.process_of("ai_worker")
    worker.suspend()  # until it is known whose calls are to fail
    try:
        path = submit(client, "summary")
        monitored.provider.fail_calls_of(path.rpartition("/")[2], "server_error")
    finally:
        worker.resume()
    assert follow(client, path)["status"] == "failed"


def submit(client: httpx.Client, kind: str, *, key: str = "") -> str:
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/api/ai", json=job(kind), headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def post(client: httpx.Client, path: str, **body: Any) -> str:
    answer = client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def follow(client: httpx.Client, path: str) -> Any:
    *_, (_, end) = events_until_done(client, f"{path}/events")
    return end


def job(kind: str) -> dict[str, Any]:
    """It asks the model although the same text was asked about before."""
    return {"kind": kind, "input": {"text": TEXT}, "options": {"regenerate": True}}


def question(*, is_streamed: bool) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "What is ATP?"}], "stream": is_streamed}


class Traffic:
    """A steady stream of small jobs of one user while the block runs: what alerts tell trouble from."""

    def __init__(self, client: httpx.Client, *, pause_seconds: float) -> None:
        self._client = client
        self._pause_seconds = pause_seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._is_over.wait(self._pause_seconds):
            self._client.post("/api/ai", json=job("summary"))
