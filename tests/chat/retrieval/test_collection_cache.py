"""Keeping indexed collections for a while."""

import asyncio

import msgspec
from tests.chat.retrieval.course_text import TEXT
from tests.factories import make_collection

from chat.retrieval.collection_cache import LONG_RESULT, CollectionCache
from shared.domain.study.material import Collection


def encoded(collection: Collection) -> bytes:
    return msgspec.json.encode(collection)


async def test_the_same_collection_is_indexed_once():
    cache, result = CollectionCache(), encoded(make_collection())

    first, second = await cache.read(result), await cache.read(bytes(result))

    assert first is second
    assert first.collection == make_collection()


async def test_a_changed_collection_is_another_one():
    cache = CollectionCache()

    await cache.read(encoded(make_collection()))

    assert (await cache.read(encoded(make_collection(title="Seine")))).collection.title == "Seine"


async def test_a_long_collection_is_indexed_too():
    collection = make_collection(text=TEXT * 4, flashcards=[], quiz=[])
    assert len(encoded(collection)) > LONG_RESULT

    assert (await CollectionCache().read(encoded(collection))).collection == collection


async def test_a_collection_is_forgotten_when_nobody_asks():
    cache, result = CollectionCache(seconds=0.0), encoded(make_collection())

    first = await cache.read(result)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert await cache.read(result) is not first


async def test_the_collection_that_was_asked_for_longest_ago_makes_room():
    one, two, three = (encoded(make_collection(title=title)) for title in ("one", "two", "six"))
    cache = CollectionCache(max_bytes=len(one) + len(two))
    first, second = await cache.read(one), await cache.read(two)

    await cache.read(one)
    await cache.read(three)

    assert await cache.read(one) is first
    assert await cache.read(two) is not second
