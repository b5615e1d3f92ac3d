"""Users as they are: they ask, ask again when no answer comes, change their minds, listen, and pry."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
import msgspec
from tests.chaos.history.history import Cancelled, Connected, Heard, Peeked, Record, Shown, Submitted
from tests.chaos.load.chat_users import ChatUsers
from tests.chaos.load.load import Wish

ANSWER_SECONDS = 20.0
"""Longer than a gateway takes to find out that a store is away."""
SUBMITS = 40
"""How often somebody with an idempotency key asks for the same."""
AGAIN_SECONDS = 0.7
LOOKS = 3
"""A connection that was kept may have been closed at the other end in that moment."""
PEEKS = 0.05
"""Share of the jobs that another user tries to look at."""
SILENCE_SECONDS = 6.0
"""A stream that does not even show a heartbeat for so long is left."""
LEAVES = 0.02
"""Chance, at each event, that a listener drops its connection and comes back."""
STATES = {"ready": "succeeded", "processing": "running"}
"""Of a collection, as a job's."""


class Users:
    """All of them. Everything that comes of what they do is recorded."""

    def __init__(
        self,
        clients: Mapping[str, httpx.AsyncClient],
        gateways: Sequence[str],
        tokens: Mapping[str, str],
        record: Record,
        *,
        seed: int,
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._gateways = gateways
        self._headers = {user: {"Authorization": f"Bearer {token}"} for user, token in tokens.items()}
        self._record = record
        self._chance = Random(seed)
        self._clock = clock
        self._is_closing = False
        self._listening = set[asyncio.Task[None]]()
        self._last: Mapping[str, str] = {}
        self.accepted: dict[str, tuple[str, str]] = {}
        """Job id → its user and kind."""
        self._askers = ChatUsers(
            clients, self._headers, record, gateway=self._gateway, chance=self._chance, clock=clock
        )

    # -- asking -------------------------------------------------------------------------------------------------

    async def ask(self, wish: Wish) -> None:
        """One wish, from the request to whatever its user does about it."""
        if wish.kind == "chat":
            collections = {
                job_id: user for job_id, (user, kind) in self.accepted.items() if kind == "collection"
            }
            await self._askers.ask(wish, collections)
            return
        job_id, *_ = await asyncio.gather(*(self._submit(wish) for _ in range(1 + wish.is_sent_twice)))
        if not job_id:
            return
        if wish.is_followed:
            self.follow(f"job {job_id}", wish.user, job_id, wish.path)
        if self._chance.random() < PEEKS:
            await self._peek(wish, job_id)
        if wish.cancel_after is not None:
            await asyncio.sleep(wish.cancel_after)
            await self._cancel(wish, job_id)

    async def _submit(self, wish: Wish) -> str:
        """The id of the job; none when it was refused, or nobody knows."""
        headers = {"Idempotency-Key": wish.key} if wish.key else {}
        for _ in range(SUBMITS if wish.key else 1):
            at = self._clock()
            status, body = await self._request("POST", wish.path, wish.user, json=wish.body, headers=headers)
            answer = Submitted(
                at=at,
                answered_at=self._clock(),
                user=wish.user,
                kind=wish.kind,
                key=wish.key,
                status=status,
                job_id=body.get("id", ""),
                code=body.get("code", ""),
            )
            self._record(answer)
            if answer.is_accepted:
                self.accepted[answer.job_id] = (wish.user, wish.kind)
            if not answer.is_unclear:
                return answer.job_id
            await asyncio.sleep(AGAIN_SECONDS)
        return ""

    async def _cancel(self, wish: Wish, job_id: str) -> None:
        at = self._clock()
        status, _ = await self._request("DELETE", f"{wish.path}/{job_id}", wish.user)
        self._record(Cancelled(at=at, user=wish.user, job_id=job_id, status=status))

    async def _peek(self, wish: Wish, job_id: str) -> None:
        other = next(user for user in self._headers if user != wish.user)
        at = self._clock()
        status, _ = await self._request("GET", f"{wish.path}/{job_id}", other)
        self._record(Peeked(at=at, user=other, job_id=job_id, status=status))

    async def look_at_all(self) -> None:
        """The last look at every accepted job."""
        slots = asyncio.Semaphore(8)
        async with asyncio.TaskGroup() as group:
            for job_id, (user, kind) in self.accepted.items():
                group.create_task(self._look(slots, job_id, user, kind))

    async def _look(self, slots: asyncio.Semaphore, job_id: str, user: str, kind: str) -> None:
        path = "/api/collections" if kind == "collection" else "/api/ai"
        status, body = 0, dict[str, Any]()
        async with slots:
            for _ in range(LOOKS):
                status, body = await self._request("GET", f"{path}/{job_id}", user)
                if status:
                    break
        state = body.get("status", "") if status == 200 else ""
        self._record(Shown(user=user, job_id=job_id, status=status, state=STATES.get(state, state)))

    async def _request(self, method: str, path: str, user: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Status and body; 0 when no answer came."""
        headers = {**self._headers[user], **more.pop("headers", {})}
        try:
            answer = await self._clients[user].request(
                method, self._gateway() + path, headers=headers, timeout=ANSWER_SECONDS, **more
            )
            return answer.status_code, msgspec.json.decode(answer.content) if answer.content else {}
        except (httpx.HTTPError, msgspec.DecodeError):
            return 0, {}

    def _gateway(self) -> str:
        return self._chance.choice(self._gateways)

    # -- listening ----------------------------------------------------------------------------------------------

    async def _listen(self, ear: "_Listener") -> None:
        """Hear everything: of one job until it is done, of a user until `hear_out`. Connections are left now and then."""
        while not ear.is_over:
            try:
                async with self._stream(ear) as answer:
                    self._record(ear.connected(self._clock(), answer.status_code))
                    ear.is_over = answer.status_code in (204, 404)
                    await self._hear(ear, answer)
            except (httpx.HTTPError, TimeoutError):
                pass
            await asyncio.sleep(self._chance.uniform(0.05, AGAIN_SECONDS))

    async def _hear(self, ear: "_Listener", answer: httpx.Response) -> None:
        async for event_id, name, job_id in _events(answer):
            if name:
                ear.last = event_id or ear.last
                self._record(
                    Heard(
                        at=self._clock(), listener=ear.listener, event_id=event_id, job_id=job_id, name=name
                    )
                )
            ear.is_over = (ear.job_id != "" and name == "done") or self._has_all(ear)
            if ear.is_over or (name and self._chance.random() < LEAVES):
                return

    def follow(self, listener: str, user: str, job_id: str = "", path: str = "/api") -> None:
        """Have somebody listen, until `hear_out` or `hang_up`."""
        ear = _Listener(
            listener=listener,
            user=user,
            job_id=job_id,
            path=f"{path}/{job_id}/events" if job_id else f"{path}/events",
        )
        self._listening.add(asyncio.create_task(self._listen(ear)))

    async def hear_out(self, last: Mapping[str, str], *, seconds: float) -> None:
        """Return when all listeners have heard their user's last event, given here, or after so long."""
        self._last = last
        self._is_closing = True
        if self._listening:
            await asyncio.wait(self._listening, timeout=seconds)

    async def hang_up(self) -> None:
        for one in self._listening:
            one.cancel()
        if self._listening:
            await asyncio.wait(self._listening)

    def _has_all(self, ear: "_Listener") -> bool:
        return self._is_closing and _number(ear.last) >= _number(self._last.get(ear.user, ""))

    @asynccontextmanager
    async def _stream(self, ear: "_Listener") -> AsyncGenerator[httpx.Response]:
        headers = {**self._headers[ear.user], **({"Last-Event-ID": ear.last} if ear.last else {})}
        timeout = httpx.Timeout(ANSWER_SECONDS, read=SILENCE_SECONDS)
        url = self._gateway() + ear.path
        async with self._clients[ear.user].stream("GET", url, headers=headers, timeout=timeout) as answer:
            yield answer


class _Listener(msgspec.Struct, kw_only=True):
    """Somebody who listens, over all their connections."""

    listener: str
    user: str
    job_id: str
    path: str
    last: str = ""
    """What they heard last."""
    is_over: bool = False

    def connected(self, at: float, status: int) -> Connected:
        return Connected(
            at=at, listener=self.listener, user=self.user, job_id=self.job_id, after=self.last, status=status
        )


class _About(msgspec.Struct):
    job_id: str = ""


async def _events(answer: httpx.Response) -> AsyncGenerator[tuple[str, str, str]]:
    """Id, name and job of each event, as it comes; empty ones for a heartbeat."""
    event_id, name, job_id = "", "", ""
    async for line in answer.aiter_lines():
        field, _, value = line.partition(": ")
        match field:
            case "id":
                event_id = value
            case "event":
                name = value
            case "data":
                job_id = msgspec.json.decode(value, type=_About).job_id
            case "" if name or not line:
                yield event_id, name, job_id
                event_id, name, job_id = "", "", ""
            case _:
                pass


def _number(event_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds or 0), int(sequence or 0)
