"""Sends a request in the form that the server accepts: a refusal of a feature leads one step down the ladder of abilities.

Going down costs no attempt of the job and is never taken for an outage, because the server has answered.
"""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace
from openai import APIConnectionError, APIError, AsyncOpenAI

from shared.adapters.llm.openai.ladder.abilities import OPTIONAL_FIELDS, Abilities, descend, plainest
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.prompt_rendering import Turn
from shared.adapters.llm.openai.refusals.codes import FEATURE_STATUSES
from shared.adapters.llm.openai.refusals.errors import server_error_of
from shared.adapters.llm.openai.refusals.server_error import ServerError
from shared.adapters.llm.openai.request import Request
from shared.adapters.llm.openai.server_reply import ServerReply, begin_reply
from shared.domain.provider_errors import ProviderRejected

MAX_STEPS = 8
"""Refusals of one call that are followed: there are not more features to refuse."""
TEACHING_WORDS = (
    *("context", "token", "toolong", "schema", "responseformat", "jsonobject", "strict", "grammar"),
    *(name.replace("_", "") for name in OPTIONAL_FIELDS),
)
"""Words, in letters alone, from which something is learned when a server writes them."""
_NO_LETTERS = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)|[^A-Za-z]")
MIN_WINDOW_TOKENS, MAX_WINDOW_TOKENS = 512, 100_000_000
"""A window beyond these is not believed."""

Build = Callable[[Abilities], Request]


class Sent(Struct, frozen=True):
    """A request that the server accepted, with its reply."""

    request: Request
    abilities: Abilities
    reply: ServerReply


class RequestSender:
    """Sends requests to one model."""

    def __init__(self, learned: LearnedAbilities, *, tries_plainest: bool) -> None:
        """`tries_plainest`: whether a refusal that names nothing we know is answered with the plainest request. OpenAI's own
        refusals always name what they are about."""
        self._learned = learned
        self._tries_plainest = tries_plainest
        self._accepted = set[frozenset[str]]()
        """Forms of requests that the server has accepted from this process."""

    @asynccontextmanager
    async def send(self, client: AsyncOpenAI, build: Build, turns: Sequence[Turn]) -> AsyncGenerator[Sent]:
        """Send until the server accepts the request. Raises the client's error for anything but a refused feature, and what
        `build` raises."""
        async with AsyncExitStack() as stack:
            async with self._learned.call():
                sent = await self._send(stack, client, build, turns)
            yield sent

    async def _send(
        self, stack: AsyncExitStack, client: AsyncOpenAI, build: Build, turns: Sequence[Turn]
    ) -> Sent:
        tried = [self._learned.current]
        while True:
            request = build(tried[-1])
            try:
                reply = await stack.enter_async_context(_post(client, request))
            except APIConnectionError:
                raise
            except APIError as error:
                said = _trusted(server_error_of(error), turns)
                lower = self._step_down(tried[-1], said, may_guess=_form_of(request) not in self._accepted)
                if lower is None or lower in tried or len(tried) > MAX_STEPS:
                    raise
                if said.names_what_it_refuses:
                    await self._learned.learn(tried[-1], lower, is_certain=False)
                tried.append(lower)
            else:
                self._accepted.add(_form_of(request))
                await self._learned.learn(tried[0], tried[-1])
                return Sent(request, tried[-1], reply)

    def _step_down(self, abilities: Abilities, said: ServerError, *, may_guess: bool) -> Abilities | None:
        """What to try next; None when the refusal is not about the form of the request. Only a form that the server has never
        accepted `may_guess`: another one was refused for its content."""
        if said.is_too_long:
            is_window = MIN_WINDOW_TOKENS <= said.window <= MAX_WINDOW_TOKENS
            return replace(abilities, window=said.window) if is_window else None
        if (limit := said.output_limit) and limit != abilities.max_output:
            return replace(abilities, max_output=limit)
        if said.refused_feature:
            return descend(abilities, said.refused_feature)
        is_guess_worthwhile = (
            self._tries_plainest
            and may_guess
            and said.status in FEATURE_STATUSES
            and said.kind is ProviderRejected
        )
        return plainest(abilities) if is_guess_worthwhile else None


def _form_of(request: Request) -> frozenset[str]:
    """The names of a request's fields, and the type of its response format."""
    return frozenset({*request, str(request.get("response_format", {}).get("type"))})


def _trusted(said: ServerError, turns: Sequence[Turn]) -> ServerError:
    """The error without its message if a learner may have written what it says: what a learner wrote must teach the fleet
    nothing. Servers repeat input escaped, shortened and in capitals, so the words themselves are looked for."""
    written, message = letters_of_learner(turns), _letters(said.message)
    is_doubtful = any(word in message and word in written for word in TEACHING_WORDS)
    return replace(said, message="", window=said.told_window) if is_doubtful else said


def letters_of_learner(turns: Sequence[Turn]) -> str:
    """The small letters of all that we did not write ourselves."""
    return _letters("".join(turn["content"] for turn in turns if turn["role"] != "system"))


def _letters(text: str) -> str:
    return _NO_LETTERS.sub("", text).lower()


@asynccontextmanager
async def _post(client: AsyncOpenAI, request: Request) -> AsyncGenerator[ServerReply]:
    create = cast(Callable[..., Any], client.chat.completions.with_streaming_response.create)
    async with (
        create(**request) as response,
        begin_reply(response, is_stream="stream" in request) as reply,
    ):
        yield reply
