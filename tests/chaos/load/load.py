"""What users will ask for, drawn from a seed: who, what, when, how often, and who changes their mind."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Protocol

from msgspec import Struct
from tests.paths import TEXTS

SOURCES = tuple(sorted(TEXTS.glob("*.txt")))
KINDS = {
    "flashcards": 4,
    "quiz": 3,
    "summary": 3,
    "explanation": 2,
    "outline": 1,
    "text": 1,
    "collection": 3,
    "chat": 3,
}
"""With their weights."""
CHATTY = {"collection": 2, "summary": 1, "chat": 7}
QUESTIONS = ("What is this about?", "Explain the first point.", "Quelle est l’idée principale ?")
PLANS = {"pro": 6, "strict": 3, "free": 1}
JOBS_PER_USER = 25
BIG_USER, OTHERS = "big", 99
BIG_PER_SECOND = 200.0
"""How fast the big user asks."""
PAUSE = 1.0
"""Seconds between the last of the big user's requests and the first of the others'."""
DRAINED_PER_SECOND = 50.0
"""Of the big user's jobs, four of which run at a time: 70 were measured, on two cores; fewer, to know when they are over."""
SHORT_TEXT = 600


class Wish(Struct, frozen=True, kw_only=True):
    """One request a user is going to make."""

    at: float
    """Seconds after the beginning."""
    user: str
    kind: str
    body: dict[str, Any]
    key: str
    """Idempotency key; none if empty."""
    is_sent_twice: bool
    is_followed: bool
    """Its user listens to this job."""
    cancel_after: float | None
    """Seconds after it was accepted."""

    @property
    def path(self) -> str:
        return "/api/collections" if self.kind == "collection" else "/api/ai"


class PlanLoad(Protocol):
    def __call__(self, seed: int, *, jobs: int, per_second: float) -> "Load": ...


class Load(Struct, frozen=True):
    plans: dict[str, str]
    """Of each user."""
    wishes: tuple[Wish, ...]

    @property
    def seconds(self) -> float:
        return self.wishes[-1].at


def plan_load(seed: int, *, jobs: int, per_second: float, kinds: Mapping[str, int] = KINDS) -> Load:
    """Arrivals at random, as independent users make them."""
    chance = Random(seed)
    users = [f"user-{number}" for number in range(max(4, jobs // JOBS_PER_USER))]
    plans = {user: _choose(chance, PLANS) for user in users}
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    wishes: list[Wish] = []
    at = 0.0
    for number in range(jobs):
        at += chance.expovariate(per_second)
        wishes.append(_wish(chance, number, at, users, texts, kinds))
    return Load(plans, tuple(wishes))


def plan_crowd(seed: int, *, jobs: int, per_second: float) -> Load:
    """One user with all the jobs at once beside others with one each; then the same others without that user."""
    chance = Random(seed)
    others = [f"user-{number}" for number in range(OTHERS)]
    text = SOURCES[0].read_text(encoding="utf-8")[:SHORT_TEXT]
    asked = jobs / BIG_PER_SECOND
    drained = max(jobs / DRAINED_PER_SECOND, asked + PAUSE + OTHERS / per_second)
    wishes = [_plain_wish(number / BIG_PER_SECOND, BIG_USER, text) for number in range(jobs)]
    wishes += _one_each(chance, asked + PAUSE, others, per_second, text)
    wishes += _one_each(chance, drained, others, per_second, text)
    return Load(dict.fromkeys([*others, BIG_USER], "pro"), tuple(sorted(wishes, key=lambda wish: wish.at)))


def _one_each(chance: Random, begin: float, users: list[str], per_second: float, text: str) -> Iterator[Wish]:
    for user in users:
        yield _plain_wish(begin + chance.uniform(0.0, len(users) / per_second), user, text)


def _plain_wish(at: float, user: str, text: str) -> Wish:
    body = {"kind": "summary", "input": {"text": text}}
    return Wish(
        at=at,
        user=user,
        kind="summary",
        body=body,
        key="",
        is_sent_twice=False,
        is_followed=False,
        cancel_after=None,
    )


def _wish(
    chance: Random, number: int, at: float, users: list[str], texts: list[str], kinds: Mapping[str, int]
) -> Wish:
    kind = _choose(chance, kinds)
    has_key = chance.random() < 0.6
    return Wish(
        at=at,
        user=chance.choice(users),
        kind=kind,
        body=_body(chance, kind, chance.choice(texts), number),
        key=f"wish-{number}" if has_key else "",
        is_sent_twice=has_key and chance.random() < 0.2,
        is_followed=chance.random() < 0.1,
        cancel_after=chance.uniform(0.0, 1.5) if chance.random() < 0.06 else None,
    )


def _body(chance: Random, kind: str, text: str, number: int) -> dict[str, Any]:
    if kind == "chat":
        turn = {"role": "user", "content": chance.choice(QUESTIONS)}
        return {"messages": [turn], "stream": chance.random() < 0.6}
    options = {"flashcards": chance.randint(3, 8), "questions": chance.randint(2, 5)}
    if kind == "collection":
        return {"title": f"Collection {number}", "text": text, "options": options}
    start = text[: max(200, len(text) // chance.randint(1, 4))]
    return {"kind": kind, "input": {"text": start}, "options": options}


def _choose(chance: Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
