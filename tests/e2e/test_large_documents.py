"""A document of the largest text that a plan allows becomes a collection like any other."""

import pytest
from tests.e2e.running import RunningStack, events_until_done
from tests.paths import read_text

from shared.domain.document_limits import DocumentLimits

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LAST_SHARE = 0.8
"""Share of the chapters before those of the second text."""


def test_five_megabytes_of_text_become_a_collection(stack: RunningStack):
    text = long_text(DocumentLimits().text_bytes)
    with stack.client as client:
        accepted = client.post("/api/collections", files={"file": ("book.txt", text.encode())})
        assert accepted.status_code == 202, accepted.text
        path = accepted.headers["Location"]
        *_, (_, last) = events_until_done(client, f"{path}/events")
        assert last["status"] == "succeeded"
        collection = client.get(path).json()

    items = collection["flashcards"] + collection["quiz"]
    assert all(
        text[item["source"]["start"] : item["source"]["end"]] == item["source"]["quote"] for item in items
    )
    assert max(item["source"]["start"] for item in items) > 0.9 * LAST_SHARE * len(text)


def long_text(most: int) -> str:
    """Chapters of one text, and the last ones of another, since no fact is asked twice."""
    first, second = read_text("solar_system.en.txt"), read_text("water_cycle.en.txt")
    count = most // (max(len(first.encode()), len(second.encode())) + 32)
    texts = (first if number < LAST_SHARE * count else second for number in range(count))
    return "\n\n".join(f"# Chapter {number}\n\n{text}" for number, text in enumerate(texts))
