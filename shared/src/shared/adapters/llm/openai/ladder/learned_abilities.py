"""The abilities of one model of one server as this process knows them: set, learned at refusals, and shared with the fleet."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any, Protocol

import structlog
from msgspec.structs import replace

from shared.adapters.llm.openai.ladder.abilities import Abilities, with_changes
from shared.domain.errors import StoreUnavailable

log = structlog.get_logger()

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})
REFRESH_SECONDS = 10.0
"""How long what the fleet knows is taken for current. It is read at a call, never by an idle process."""
FIRST_CALL_SECONDS = 2.0
"""How long other calls wait for the first one to a server that nobody has called yet. A refusal comes at once, so that it is
met once and not by every call of a job."""


class AbilityStore(Protocol):
    """Keeps the abilities of one model for the fleet, for a time: a server may be updated. Raises `StoreUnavailable`."""

    async def load(self) -> Abilities | None: ...

    async def save(self, abilities: Abilities) -> None: ...


class LearnedAbilities:
    """Starts from `base`, follows what the fleet has learned, and tells the fleet."""

    def __init__(
        self,
        base: Abilities,
        *,
        model: str,
        is_known: bool = False,
        settings: Mapping[str, Any] = NO_SETTINGS,
        store: AbilityStore | None = None,
        on_change: Callable[[Abilities], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_known` says that `base` is certain, so that no call waits for the first one. `settings` are fields of `Abilities`
        that an operator has set; nothing learned replaces them. `on_change` is called with what
        is in use, first with `base`."""
        self._settings = settings
        self._base = base
        self._is_base_known = is_known
        self._shared: Abilities | None = None
        """What the fleet knows, as far as this process has told or read it."""
        self.current = self._with_settings(base)
        self._model = model
        self._is_known = is_known
        self._store = store
        self._on_change = on_change
        self._clock = clock
        self._refresh_at = 0.0
        self._first_call: asyncio.Event | None = None
        on_change(self.current)

    @asynccontextmanager
    async def call(self) -> AsyncGenerator[None]:
        """Surround a call: the first one goes alone for a moment, with what the fleet knows already."""
        await self._refresh()
        if self._is_known:
            yield
            return
        if self._first_call is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_CALL_SECONDS):
                    await self._first_call.wait()
            yield
            return
        first = self._first_call = asyncio.Event()
        try:
            yield
        finally:
            self._first_call = None
            first.set()

    async def learn(self, before: Abilities, after: Abilities, *, is_certain: bool = True) -> None:
        """Adopt what changed from `before` to `after`: other calls may have learned something else meanwhile, which stays. The
        fleet is told once a call has succeeded with it, which `is_certain` says."""
        learned = self._with_settings(with_changes(self.current, before, after))
        if learned != self.current:
            self._use(learned)
            log.info(
                "provider.abilities_learned",
                model=self._model,
                structured_output=learned.structured_output.value,
                limit_field=learned.limit_field.value,
                without=" ".join(sorted(learned.without)),
                window=learned.window,
                max_output=learned.max_output,
                thinking=learned.thinking.value,
            )
        if is_certain and learned != self._shared:
            await self._save(learned)
            self._is_known = True

    async def _refresh(self) -> None:
        """Follow the fleet. What has expired there is tried anew here."""
        if self._store is None or self._clock() < self._refresh_at:
            return
        self._refresh_at = self._clock() + REFRESH_SECONDS
        with suppress(StoreUnavailable):
            found = await self._store.load()
            if found is None and self._shared is None:
                return
            self._is_known = found is not None or self._is_base_known
            self._shared = found
            self._use(self._with_settings(found or self._base))

    async def _save(self, learned: Abilities) -> None:
        before, self._shared = self._shared or self._base, learned
        if self._store is not None:
            with suppress(StoreUnavailable):  # this process goes on with what it knows
                found = await self._store.load()
                await self._store.save(with_changes(found or learned, before, learned))

    def _with_settings(self, abilities: Abilities) -> Abilities:
        return replace(abilities, **self._settings)

    def _use(self, abilities: Abilities) -> None:
        if abilities != self.current:
            self.current = abilities
            self._on_change(abilities)
