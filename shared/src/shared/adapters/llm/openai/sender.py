"""Sends a request in the form that the server accepts: a refusal of a feature leads one step down the ladder of abilities.

Going down costs no attempt of the job and is never taken for an outage, because the server has answered.
"""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from msgspec import Struct
from msgspec.structs import replace
from openai import APIConnectionError, APIError

from shared.adapters.llm.openai.background.background_request import BACKGROUND_FEATURES, is_background
from shared.adapters.llm.openai.client import ModelServerClient
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
    *(
        "context",
        "token",
        "toolong",
        "length",
        "limit",
        "exceed",
        "schema",
        "responseformat",
        "jsonobject",
        "strict",
        "grammar",
    ),
    *(name.replace("_", "") for name in OPTIONAL_FIELDS),
)
"""Words, in letters alone, from which something is learned when a server writes them."""
_NO_LETTERS = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)|[^A-Za-z]")
NO_SUCH_PATH_STATUSES = frozenset({404, 405, 501})
"""Statuses of a server that has no Responses API."""
MIN_WINDOW_TOKENS, MAX_WINDOW_TOKENS = 1_024, 100_000_000
"""A window beyond these is not believed: the instructions alone need 600 tokens, and every later job would fail without a call."""

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
    async def send(
        self, client: ModelServerClient, build: Build, turns: Sequence[Turn]
    ) -> AsyncGenerator[Sent]:
        """Send until the server accepts the request. Raises the client's error for anything but a refused feature, and what
        `build` raises."""
        async with AsyncExitStack() as stack:
            async with self._learned.call():
                sent = await self._send(stack, client, build, turns)
            yield sent

    async def _send(
        self, stack: AsyncExitStack, client: ModelServerClient, build: Build, turns: Sequence[Turn]
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
                lower = self._step_down(request, tried[-1], said)
                if lower is None or lower in tried or len(tried) > MAX_STEPS:
                    raise
                if said.names_what_it_refuses:
                    await self._learned.learn(tried[-1], lower, is_certain=False)
                tried.append(lower)
            else:
                self._accepted.add(_form_of(request))
                await self._learned.learn(tried[0], tried[-1])
                return Sent(request, tried[-1], reply)

    def _step_down(self, request: Request, abilities: Abilities, said: ServerError) -> Abilities | None:
        """What to try next; None when the refusal is not about the form of the request."""
        if said.is_too_long:
            is_window = MIN_WINDOW_TOKENS <= said.window <= MAX_WINDOW_TOKENS
            return replace(abilities, window=said.window) if is_window else None
        if (limit := said.output_limit) and limit != abilities.max_output:
            return replace(abilities, max_output=limit)
        if is_background(request) and said.refused_feature not in BACKGROUND_FEATURES:
            is_named = said.refused_feature or said.parameter == "background"
            is_missing = is_named or self._may_guess(request, said, statuses=NO_SUCH_PATH_STATUSES)
            return replace(abilities, background=False) if is_missing else None
        if said.refused_feature:
            return descend(abilities, said.refused_feature)
        return plainest(abilities) if self._may_guess(request, said) else None

    def _may_guess(
        self, request: Request, said: ServerError, *, statuses: frozenset[int] = frozenset()
    ) -> bool:
        """Whether a refusal that names nothing may be about the form of the request; those of `statuses` are so from any
        server. A form that the server has accepted before was refused for its content."""
        if said.is_unknown_model or _form_of(request) in self._accepted:
            return False
        is_unexplained = said.status in FEATURE_STATUSES and said.kind is ProviderRejected
        return said.status in statuses or (self._tries_plainest and is_unexplained)


def _form_of(request: Request) -> frozenset[str]:
    """The names of a request's fields, and the type of its response format."""
    output = request.get("response_format") or request.get("text", {}).get("format", {})
    return frozenset({*request, str(output.get("type"))})


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
async def _post(client: ModelServerClient, request: Request) -> AsyncGenerator[ServerReply]:
    body = {**request}
    headers = body.pop("extra_headers", {})
    path = "/responses" if is_background(request) else "/chat/completions"
    response = await client.send(path, body, headers)
    async with aclosing(response), begin_reply(response, is_stream="stream" in request) as reply:
        yield reply
