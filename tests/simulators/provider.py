"""A simulator of OpenAI's Chat Completions and of its background responses: real HTTP, real token counts, faults on demand, a
journal of calls.

In a test: `async with ProviderSimulator() as simulator`, then call `simulator.url`. As a process:
`python -m tests.simulators.provider --port 9000`, ruled and read over `/_control/…` (see `control`).
"""

import argparse
import asyncio
import sys
import time
from types import TracebackType
from typing import Self

import msgspec
from tests.simulators.background import BackgroundResponses
from tests.simulators.chat_request import ChatRequest
from tests.simulators.control import control
from tests.simulators.faults import Fault, FaultKind, Faults
from tests.simulators.http_server import LOOPBACK, HttpServer, Request, Wire
from tests.simulators.journal import CallState, Journal
from tests.simulators.pace import Pace
from tests.simulators.reply import Reply, error_body

from shared.adapters.llm.token_counter import warm_up

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
HTML = b"<!doctype html><title>Bad gateway</title><h1>Something in between</h1>"


class ProviderSimulator:
    """Settings may be changed at any time; they rule calls that begin afterwards."""

    def __init__(self, *, latency_seconds: float = 0.0, keeps_requests: bool = True) -> None:
        self.latency_seconds = latency_seconds
        """Before the first byte."""
        self.piece_seconds = 0.0
        """Between the pieces of a stream."""
        self.faults = Faults()
        self.journal = Journal(clock=time.time, keeps_requests=keeps_requests)
        self.pace = Pace()
        self.background = BackgroundResponses(self.journal, self.faults, lambda: self.latency_seconds)
        self._server = HttpServer(self._handle)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    async def start(self, port: int = 0, *, host: str = LOOPBACK) -> None:
        warm_up()
        await self._server.start(port, host=host)

    @property
    def url(self) -> str:
        """What `OPENAI_BASE_URL` is set to."""
        return f"http://{self._server.host}:{self._server.port}/v1"

    async def _handle(self, request: Request, wire: Wire) -> None:
        try:
            await self._route(request, wire)
        except msgspec.DecodeError as error:
            wire.send(400, JSON, error_body(str(error), "invalid_request_error", None))

    async def _route(self, request: Request, wire: Wire) -> None:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                await self._complete(request, wire)
            case _, path if path.startswith("/v1/responses"):
                await self.background.handle(request, wire)
            case method, path if path.startswith("/_control/"):
                status, answer = control(self, method, path.removeprefix("/_control/"), request.body)
                wire.send(status, JSON, msgspec.json.encode(answer))
            case _:
                wire.send(404, JSON, error_body("Unknown request URL", "invalid_request_error", None))

    # -- one call -----------------------------------------------------------------------------------------------

    async def _complete(self, request: Request, wire: Wire) -> None:
        body = msgspec.json.decode(request.body, type=ChatRequest)
        call = self.journal.begin(body, request.headers.get("x-client-request-id", ""))
        try:
            state = await self._answer(Reply(call, body), wire)
        except asyncio.CancelledError:
            self.journal.end(call, CallState.HUNG_UP)
            raise
        self.journal.end(call, state)

    async def _answer(self, reply: Reply, wire: Wire) -> CallState:
        call = reply.call
        fault = self.faults.next_for(call.model, call.call_id)
        call.fault = (fault.name or fault.kind.value) if fault else ""
        now = asyncio.get_running_loop().time()
        if (seconds := self.pace.wait_for(reply.prompt_tokens, now)) > 0:
            fault = Fault(
                kind=FaultKind.ERROR, status=429, code="rate_limit_exceeded", type="tokens",
                headers={"retry-after-ms": str(int(seconds * 1_000) + 1), "retry-after": str(int(seconds) + 1)},
            )  # fmt: skip
            call.fault = "pace"
        await asyncio.sleep(self.latency_seconds)
        headers = {
            "x-request-id": f"req_{call.number:08d}",
            "openai-processing-ms": str(int(self.latency_seconds * 1_000)),
            **self.pace.headers(asyncio.get_running_loop().time()),
        }
        if fault is not None and (state := await self._break(fault, reply, headers, wire)):
            return state
        if call.is_stream:
            return await self._stream(reply, headers, wire, fault)
        call.status = 200
        wire.send(200, headers | JSON, reply.body(fault))
        return CallState.ANSWERED

    async def _break(
        self, fault: Fault, reply: Reply, headers: dict[str, str], wire: Wire
    ) -> CallState | None:
        """Faults that leave nothing of the answer, or half of it; None: the answer itself is at fault."""
        call = reply.call
        match fault.kind:
            case FaultKind.ERROR:
                call.status = fault.status
                wire.send(
                    fault.status,
                    headers | JSON | fault.headers,
                    error_body(fault.message or reply.indiscretion, fault.type, fault.code),
                )
                return CallState.ANSWERED
            case FaultKind.HANG:
                await asyncio.Event().wait()
            case FaultKind.RESET:
                wire.reset()
                return CallState.BROKEN
            case FaultKind.HTML:
                call.status = 200
                wire.send(200, headers | {"content-type": "text/html"}, HTML)
                return CallState.ANSWERED
            case FaultKind.ERROR_IN_SUCCESS if not call.is_stream:
                call.status = 200
                wire.send(200, headers | JSON, error_body(reply.indiscretion, fault.type, fault.code))
                return CallState.ANSWERED
            case FaultKind.CUT | FaultKind.DRIP if not call.is_stream:
                return await self._send_in_halves(fault, reply, headers, wire)
            case _:
                pass
        return None

    async def _send_in_halves(
        self, fault: Fault, reply: Reply, headers: dict[str, str], wire: Wire
    ) -> CallState:
        reply.call.status = 200
        body = reply.body(None)
        wire.begin(200, headers | JSON)
        wire.chunk(body[: len(body) // 2])
        if fault.kind is FaultKind.CUT:
            wire.cut()
            return CallState.BROKEN
        await asyncio.sleep(fault.seconds)
        wire.chunk(body[len(body) // 2 :])
        wire.end()
        return CallState.ANSWERED

    async def _stream(
        self, reply: Reply, headers: dict[str, str], wire: Wire, fault: Fault | None
    ) -> CallState:
        call = reply.call
        call.status = 200
        wire.begin(200, headers | EVENTS)
        seconds = fault.seconds if fault and fault.kind is FaultKind.DRIP else self.piece_seconds
        for number, event in enumerate(reply.events(fault)):
            if fault and number == fault.pieces:
                if fault.kind is FaultKind.CUT:
                    wire.cut()
                    return CallState.BROKEN
                if fault.kind is FaultKind.ERROR_IN_SUCCESS:
                    wire.chunk(b"data: " + error_body(reply.indiscretion, fault.type, fault.code) + b"\n\n")
                    wire.end()
                    return CallState.ANSWERED
                if fault.kind is FaultKind.BROKEN_EVENT:
                    event = event[: len(event) // 2]
            wire.chunk(b"data: " + event + b"\n\n")
            await asyncio.sleep(seconds)
        wire.end()
        return CallState.ANSWERED


async def _serve(host: str, port: int, latency_seconds: float) -> None:
    simulator = ProviderSimulator(latency_seconds=latency_seconds, keeps_requests=False)
    await simulator.start(port, host=host)
    print(f"ready: {simulator.url}", flush=True)  # noqa: T201 - whoever started the process waits for this line
    await asyncio.Event().wait()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Simulates OpenAI's Chat Completions API.")
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="any free one by default; it is printed")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(options.host, options.port, options.latency))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
