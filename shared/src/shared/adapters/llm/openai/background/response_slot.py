"""Where the id of one call's response is kept while the attempts of its job come and go."""

import hashlib

import msgspec

from shared.adapters.llm.openai.request import Request
from shared.domain.llm.provider import KeptResponse, ResponseKeeper


class ResponseSlot:
    """The place of one call: `name` tells apart the models of a step, and the first call from the one that asks again."""

    def __init__(self, keeper: ResponseKeeper, name: str) -> None:
        self._keeper = keeper
        self._name = name
        self.is_finished = False
        """Whether this attempt has received the response, so that it is part of what the call cost."""

    @property
    def kept(self) -> KeptResponse | None:
        return self._keeper.find(self._name)

    @property
    def awaited_id(self) -> str:
        """The id of the response that can still be used; empty if the call has to be made."""
        kept = self.kept
        return kept.id if kept and not kept.is_spent else ""

    async def keep(self, response_id: str) -> None:
        await self._keeper.keep(self._name, KeptResponse(response_id))

    async def spend(self) -> None:
        """The response that this attempt received is charged and cannot be used: the next attempt makes the call anew."""
        if self.is_finished and (response_id := self.awaited_id):
            await self._keeper.keep(self._name, KeptResponse(response_id, is_spent=True))

    async def is_job_cancelled(self) -> bool:
        return await self._keeper.is_cancelled()

    def sign(self, request: Request) -> Request:
        """Add an idempotency key. It is the same for the same request of the same call, so that a server which knows such keys
        answers with the response that it makes already, if a crash came before its id was kept. A response that could not
        be used changes the key."""
        headers: dict[str, str] = request.get("extra_headers", {})
        previous = self.kept.id if self.kept else ""
        known = msgspec.json.encode([self._name, previous, request])
        key = hashlib.blake2b(known, digest_size=16).hexdigest()
        return {**request, "extra_headers": {**headers, "Idempotency-Key": key}}
