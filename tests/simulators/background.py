"""Background responses of the simulator: they go on when their client is gone, and can be fetched, followed and cancelled."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct
from tests.simulators.chat_request import ChatRequest, Turn
from tests.simulators.faults import FaultKind, Faults
from tests.simulators.http_server import Request, Wire
from tests.simulators.journal import Call, CallState, Journal
from tests.simulators.reply import Reply, error_body

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
WAITING = ("queued", "in_progress")
FINAL_EVENTS = {"completed": "response.completed", "incomplete": "response.incomplete"}


class BackgroundRequest(Struct, forbid_unknown_fields=True):
    """What may be sent to create a response. Another field is refused."""

    model: str
    instructions: str
    input: list[Turn]
    max_output_tokens: int
    background: bool
    store: bool
    stream: bool = False
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    prompt_cache_key: str = ""
    safety_identifier: str = ""

    def as_chat(self) -> ChatRequest:
        """The same request to Chat Completions."""
        chat: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "system", "content": self.instructions}, *msgspec.to_builtins(self.input)],
            "max_completion_tokens": self.max_output_tokens,
            "prompt_cache_key": self.prompt_cache_key,
            "safety_identifier": self.safety_identifier,
        }
        if self.text:
            text_format = dict(self.text["format"])
            chat["response_format"] = {"type": text_format.pop("type"), "json_schema": text_format}
        return msgspec.convert(chat, ChatRequest)


class SimulatedResponse:
    """One execution, from its creation to its end."""

    def __init__(self, response_id: str, call: Call, *, is_background: bool) -> None:
        self.is_background = is_background
        self.id = response_id
        self.call = call
        self.status = "queued"
        self.output: list[dict[str, Any]] = []
        self.usage: dict[str, int] | None = None
        self.incomplete_reason = ""
        self.task: asyncio.Task[None] | None = None
        self._events: list[bytes] = []
        self._changed = asyncio.Event()
        self.tell("response.created")

    @property
    def is_final(self) -> bool:
        return self.status not in WAITING

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.call.started_at,
            "model": self.call.model,
            "background": self.is_background,
            "status": self.status,
            "error": {"code": "server_error", "message": "failed"} if self.status == "failed" else None,
            "incomplete_details": {"reason": self.incomplete_reason} if self.incomplete_reason else None,
            "output": self.output,
            "usage": self.usage,
        }

    def tell(self, event: str) -> None:
        number = len(self._events)
        body = {"type": event, "sequence_number": number, "response": self.describe()}
        self._events.append(f"event: {event}\ndata: {json.dumps(body)}\n\n".encode())
        self._changed.set()
        self._changed = asyncio.Event()

    def end(self, status: str, state: CallState, journal: Journal) -> None:
        self.status = status
        journal.end(self.call, state)
        self.tell(FINAL_EVENTS.get(status, f"response.{status}"))

    async def send_events(self, wire: Wire, *, after: int, is_cut: bool = False) -> None:
        """Send the events behind number `after` as they come, or only one of them."""
        wire.begin(200, EVENTS)
        sent = after + 1
        while True:
            for event in self._events[sent:]:
                wire.chunk(event)
                if is_cut:
                    wire.cut()
                    return
            sent = len(self._events)
            if self.is_final:
                wire.end()
                return
            await self._changed.wait()


class BackgroundResponses:
    """All of them, and what the server knows of this API."""

    def __init__(self, journal: Journal, faults: Faults, latency_seconds: Callable[[], float]) -> None:
        self.is_known = True
        """Whether the server has the API at all."""
        self.knows_idempotency_keys = True
        self.knows_background = True
        """Whether the field `background` is known; a server that ignores it says so in the response."""
        self.streams_to_cut = 0
        """How many streams end after their first event."""
        self.can_stream = True
        """Whether a response can be followed after its creation."""
        self.responses: dict[str, SimulatedResponse] = {}
        self.write: Callable[[str], str] = lambda text: text
        """Changes what a response says."""
        self.requests = 0
        """How many requests of this API arrived."""
        self.fetches = 0
        """How often a response was fetched or followed."""
        self._by_key: dict[str, SimulatedResponse] = {}
        self._may_finish = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._journal = journal
        self._faults = faults
        self._latency_seconds = latency_seconds

    async def handle(self, request: Request, wire: Wire) -> None:
        async with self._arrived:
            self.requests += 1
            self._arrived.notify_all()
        parts = urlsplit(request.path)
        match request.method, parts.path.removeprefix("/v1/responses").strip("/").split("/"):
            case _ if not self.is_known:
                _refuse(wire, "Not Found")
            case "POST", [""]:
                await self._create(request, wire)
            case "GET", [response_id] if response := self.responses.get(response_id):
                self.fetches += 1
                await self._show(response, parse_qs(parts.query), wire)
            case "POST", [response_id, "cancel"] if response := self.responses.get(response_id):
                self._cancel(response)
                wire.send(200, JSON, json.dumps(response.describe()).encode())
            case _:
                _refuse(wire, "Response not found")

    async def _create(self, request: Request, wire: Wire) -> None:
        body = msgspec.json.decode(request.body, type=BackgroundRequest)
        key = request.headers.get("idempotency-key", "")
        response = self._by_key.get(key) if self.knows_idempotency_keys else None
        if response is None:
            call = self._journal.begin(body.as_chat(), request.headers.get("x-client-request-id", ""))
            fault = self._faults.next_for(call.model, call.call_id)
            if fault is not None and fault.kind is FaultKind.ERROR:
                self._journal.end(call, CallState.ANSWERED)
                wire.send(fault.status, JSON | fault.headers, error_body("no", fault.type, fault.code))
                return
            response = SimulatedResponse(f"resp_{call.number:08d}", call, is_background=self.knows_background)
            self.responses[response.id] = self._by_key[key] = response
            response.task = asyncio.create_task(self._execute(response, body.as_chat()))
        if body.stream:
            await self._stream(response, wire, after=-1)
        else:
            wire.send(200, JSON, json.dumps(response.describe()).encode())

    async def _execute(self, response: SimulatedResponse, body: ChatRequest) -> None:
        response.status = "in_progress"
        response.tell("response.in_progress")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._latency_seconds()):
                await self._may_finish.wait()
        completion = json.loads(Reply(response.call, body).body(None))
        choice = completion["choices"][0]
        text = self.write(choice["message"]["content"])
        content: list[dict[str, Any]] = [{"type": "output_text", "text": text, "annotations": []}]
        response.output = [{"type": "message", "role": "assistant", "content": content}]
        usage = completion["usage"]
        response.usage = {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "total_tokens": usage["total_tokens"],
        }
        is_cut = choice["finish_reason"] == "length"
        response.incomplete_reason = "max_output_tokens" if is_cut else ""
        response.end("incomplete" if is_cut else "completed", CallState.ANSWERED, self._journal)

    async def _show(self, response: SimulatedResponse, query: dict[str, list[str]], wire: Wire) -> None:
        if query.get("stream") == ["true"]:
            if not self.can_stream:
                wire.send(400, JSON, error_body("not streamable", "invalid_request_error", None))
                return
            await self._stream(response, wire, after=int(query.get("starting_after", ["-1"])[0]))
        else:
            wire.send(200, JSON, json.dumps(response.describe()).encode())

    async def _stream(self, response: SimulatedResponse, wire: Wire, *, after: int) -> None:
        is_cut = self.streams_to_cut > 0
        self.streams_to_cut -= is_cut
        await response.send_events(wire, after=after, is_cut=is_cut)

    def _cancel(self, response: SimulatedResponse) -> None:
        if not response.is_final:
            assert response.task is not None
            response.task.cancel()
            response.end("cancelled", CallState.CANCELLED, self._journal)

    async def until_requested(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.requests >= count)

    def finish_all(self) -> None:
        """What is under way ends now, and what begins later ends at once."""
        self._may_finish.set()

    def fail_all(self) -> None:
        """Every response that is under way fails."""
        for response in self.responses.values():
            if not response.is_final:
                assert response.task is not None
                response.task.cancel()
                response.end("failed", CallState.BROKEN, self._journal)

    def forget_all(self) -> None:
        """The responses expire, as they do on a server some time after their end."""
        self.responses.clear()
        self._by_key.clear()


def _refuse(wire: Wire, message: str) -> None:
    wire.send(404, JSON, error_body(message, "invalid_request_error", None))
