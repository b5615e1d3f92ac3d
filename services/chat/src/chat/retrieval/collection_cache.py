"""Keeps the collections that are being asked about, decoded and indexed, for a minute after their last question.

The database is read for every question, and an entry is found by what was read: a deleted collection is asked for no more, and one
that has changed is another entry. What nobody asks for is forgotten by a timer, so that no text outlives its deletion for long.
"""

import asyncio
from collections import OrderedDict
from hashlib import blake2b

import msgspec
from msgspec import Struct

from chat.retrieval.passage_index import PassageIndex
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.study.material import Collection

KEPT_SECONDS = 60.0
"""Time from a question to the one after it, usually."""
MAX_KEPT_BYTES = 2_000_000
"""Limit for the encoded collections together. Their indexes need about 30 times as much memory."""
LONG_RESULT = 40_000
"""From this many bytes on, a collection is indexed in the CPU pool, so that other answers are not delayed."""


class IndexedCollection(Struct, frozen=True, kw_only=True):
    collection: Collection
    index: PassageIndex


class _Entry(Struct, kw_only=True):
    indexed: IndexedCollection
    size: int
    timer: asyncio.TimerHandle


class CollectionCache:
    """Used by one event loop."""

    def __init__(self, *, seconds: float = KEPT_SECONDS, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._entries = OrderedDict[bytes, _Entry]()
        """By the digest of the result, the one that was asked for last at the end."""

    async def read(self, result: bytes) -> IndexedCollection:
        """Decode and index a saved collection, unless it is kept."""
        digest = blake2b(result, digest_size=16).digest()
        if (entry := self._entries.get(digest)) is not None:
            indexed = entry.indexed
        elif len(result) < LONG_RESULT:
            indexed = index_collection(result)
        else:
            indexed = await run_in_cpu_pool(index_collection, result)
        self._keep(digest, indexed, len(result))
        return indexed

    def _keep(self, digest: bytes, indexed: IndexedCollection, size: int) -> None:
        self._forget(digest)
        timer = asyncio.get_running_loop().call_later(self._seconds, self._forget, digest)
        self._entries[digest] = _Entry(indexed=indexed, size=size, timer=timer)
        while sum(entry.size for entry in self._entries.values()) > self._max_bytes:
            self._forget(next(iter(self._entries)))

    def _forget(self, digest: bytes) -> None:
        if (entry := self._entries.pop(digest, None)) is not None:
            entry.timer.cancel()


def index_collection(result: bytes) -> IndexedCollection:
    collection = msgspec.json.decode(result, type=Collection)
    return IndexedCollection(collection=collection, index=PassageIndex(collection))
