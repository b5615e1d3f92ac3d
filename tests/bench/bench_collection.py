"""How long a collection of a 600-word text takes without a key, and what is in it.

From before the request until the client has heard `done`; then the collection is fetched and each quote compared.
"""

# ruff: noqa: T201 - a bench prints what it measured

from time import monotonic
from typing import Any

import httpx
from msgspec import Struct
from tests.bench.stack import headers_of, percentile, running_stack
from tests.e2e.running import events_until_done
from tests.paths import read_text

NAMES = ("photosynthese.fr.txt", "revolution.fr.txt", "solar_system.en.txt", "water_cycle.en.txt")
ROUNDS = 10


class Made(Struct):
    seconds: float
    collection: dict[str, Any]


def main() -> None:
    with (
        running_stack() as stack,
        httpx.Client(
            base_url=stack.url, headers=headers_of(stack, "learner", "unlimited"), timeout=60, trust_env=False
        ) as client,
    ):
        for name in NAMES:
            text = read_text(name)
            _print(name, text, [_make(client, text) for _ in range(ROUNDS)])


def _make(client: httpx.Client, text: str) -> Made:
    started = monotonic()
    path = client.post("/api/collections", json={"text": text}).raise_for_status().headers["Location"]
    for _ in events_until_done(client, f"{path}/events"):
        pass
    seconds = monotonic() - started
    return Made(seconds, client.get(path).raise_for_status().json())


def _print(name: str, text: str, made: list[Made]) -> None:
    seconds = [one.seconds for one in made]
    cards, questions = ([one.collection[name] for one in made] for name in ("flashcards", "quiz"))
    sources = [item["source"] for items in (*cards, *questions) for item in items]
    exact = sum(text[source["start"] : source["end"]] == source["quote"] for source in sources)
    ready = sum(one.collection["status"] == "ready" for one in made)
    print(
        f"{name:<21} {len(text.split())} words  ready {ready} of {len(made)}"
        f"  first {seconds[0]:.2f} s  p50 {percentile(seconds, 0.5):.2f} s  max {max(seconds):.2f} s (goal 3)"
        f"  {min(map(len, cards))} cards (goal 10)  {min(map(len, questions))} questions (goal 5)"
        f"  {exact} of {len(sources)} quotes exact"
    )


if __name__ == "__main__":
    main()
