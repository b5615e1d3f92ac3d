"""Learners who chat: whole answers and streamed ones, about a collection or not; some leave in the middle, some pry."""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import httpx
import msgspec
from httpx_sse import EventSource
from msgspec import Struct
from tests.chaos.history.history import Asked, Record
from tests.chaos.load.load import Wish

ANSWER_SECONDS = 20.0
AGAIN_SECONDS = 0.7
ASKINGS = 3
"""How often a question is asked that nobody answers to its end."""
LEAVES = 0.1
"""Share of the streams whose reader goes away in the middle."""
ABOUT = 0.6
"""Share of the questions that are about a collection, once there is one."""
PRIES = 0.15
"""Share of those that are about somebody else's."""


class _Usage(Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(Struct, frozen=True):
    usage: _Usage = _Usage()
    code: str = ""


class ChatUsers:
    """All who chat. What comes of each question is recorded."""

    def __init__(
        self,
        clients: Mapping[str, httpx.AsyncClient],
        headers: Mapping[str, Mapping[str, str]],
        record: Record,
        *,
        gateway: Callable[[], str],
        chance: Random,
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._headers = headers
        self._record = record
        self._gateway = gateway
        self._chance = chance
        self._clock = clock
        self._asked = 0

    async def ask(self, wish: Wish, collections: Mapping[str, str]) -> None:
        """`collections`: those there are, with their owners."""
        subject, owner = self._choose_subject(wish, collections)
        body = {**wish.body, **({"collection_id": subject} if subject else {})}
        for _ in range(ASKINGS):
            asked = await self._ask_once(wish.user, body, owner)
            self._record(asked)
            if asked.tokens >= 0 or 0 < asked.status < 500:
                return
            await asyncio.sleep(AGAIN_SECONDS)

    def _choose_subject(self, wish: Wish, collections: Mapping[str, str]) -> tuple[str, str]:
        """A collection and its owner; neither, for a question about anything."""
        is_prying = self._chance.random() < PRIES
        ids = [job_id for job_id, owner in collections.items() if (owner != wish.user) == is_prying]
        if not ids or self._chance.random() > ABOUT:
            return "", ""
        chosen = self._chance.choice(ids)
        return chosen, collections[chosen]

    async def _ask_once(self, user: str, body: dict[str, Any], owner: str) -> Asked:
        self._asked += 1
        at, request_id = self._clock(), f"question-{self._asked}"
        headers = {**self._headers[user], "X-Request-Id": request_id}
        read = self._read_stream if body["stream"] else self._read_whole
        status, code, tokens = await read(self._clients[user], body, headers)
        return Asked(
            at=at,
            answered_at=self._clock(),
            user=user,
            request_id=request_id,
            is_stream=body["stream"],
            collection_owner=owner,
            status=status,
            code=code,
            tokens=tokens,
        )

    async def _read_whole(
        self, client: httpx.AsyncClient, body: dict[str, Any], headers: Mapping[str, str]
    ) -> tuple[int, str, int]:
        try:
            answer = await client.post(
                f"{self._gateway()}/api/chat", json=body, headers=headers, timeout=ANSWER_SECONDS
            )
            said = msgspec.json.decode(answer.content, type=_Answer)
        except (httpx.HTTPError, msgspec.DecodeError):
            return 0, "", -1
        tokens = said.usage.prompt_tokens + said.usage.completion_tokens if answer.is_success else -1
        return answer.status_code, said.code, tokens

    async def _read_stream(
        self, client: httpx.AsyncClient, body: dict[str, Any], headers: Mapping[str, str]
    ) -> tuple[int, str, int]:
        """An answer is whole when it says what it cost; one that broke off may say why."""
        status, said = 0, _Answer()
        leaves = self._chance.random() < LEAVES
        url = f"{self._gateway()}/api/chat"
        try:
            async with client.stream(
                "POST", url, json=body, headers=headers, timeout=ANSWER_SECONDS
            ) as answer:
                status = answer.status_code
                if not answer.is_success:
                    return status, msgspec.json.decode(await answer.aread(), type=_Answer).code, -1
                async for event in EventSource(answer).aiter_sse():
                    if leaves and event.event == "delta":
                        return status, "left", -1
                    if event.event == "error":
                        said = msgspec.json.decode(event.data, type=_Answer)
                    if event.event == "usage":
                        usage = msgspec.json.decode(event.data, type=_Usage)
                        return status, "", usage.prompt_tokens + usage.completion_tokens
        except (httpx.HTTPError, msgspec.DecodeError):
            pass
        return status, said.code, -1
