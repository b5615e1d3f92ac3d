"""A document of many pages with a planted fact on each page and in each row of its tables, and a model that finds those of its
part."""

import random
import re
from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt
from shared.domain.study.material import CardDraft, ItemDrafts, QuestionDraft
from shared.domain.study.places import PlaceKind, PlaceMarks
from shared.domain.usage import Usage

T = TypeVar("T")

PROSE = (
    "The workers of the valley keep their tools in low sheds beside the water.",
    "Nobody remembers when the first mill was built, and the archives are silent about it.",
    "Most of the grain is ground in autumn, because the river is high and the days are still long.",
    "A miller who neglects the wheel soon hears it, and the neighbours hear it too.",
    "In dry summers the stones stand still, and the families live on what they have stored.",
    "Travellers often describe the sound of the wheels before they describe the houses.",
    "The paths between the mills are narrow, and carts must wait for each other at the bridges.",
    "Every spring the channels are cleared of mud, branches and dead leaves.",
)
COLOURS = "amber crimson violet ochre turquoise ivory scarlet indigo".split()  # noqa: SIM905 - a list of words
SYLLABLES = "bra dor fen gul hav jor kel lum mir nok pal ris sten tov vur zan".split()  # noqa: SIM905 - a list of words
SENTENCE = re.compile(r"The ([A-Z]\w+) pump lifts (\d+) litres of water in one minute\.")
ROW = re.compile(r"\| ([A-Z]\w+) \| (\w+) \| (\d+) \|")
PAGES_PER_CHAPTER = 8


class Fact(NamedTuple):
    name: str
    start: int


class PlantedDocument(NamedTuple):
    text: str
    places: PlaceMarks
    facts: list[Fact]


def plant(pages: int, *, seed: int = 1) -> PlantedDocument:
    """Every fourth page has a table, of three to eight rows."""
    chance = random.Random(seed)
    names, starts, text = _names(chance), list[int](), ""
    for page in range(pages):
        starts.append(len(text))
        text += "\n\n".join(_page(page, names, chance)) + "\n\n"
    found = [*SENTENCE.finditer(text), *ROW.finditer(text)]
    facts = sorted((Fact(one[1], one.start()) for one in found), key=lambda fact: fact.start)
    return PlantedDocument(text, PlaceMarks(PlaceKind.PAGE, starts, list(range(1, pages + 1))), facts)


def _page(page: int, names: Iterator[str], chance: random.Random) -> Iterator[str]:
    if page % PAGES_PER_CHAPTER == 0:
        yield f"# Mills of the {next(names)} valley"
    yield " ".join(chance.sample(PROSE, 6))
    yield f"{chance.choice(PROSE)} The {next(names)} pump lifts {chance.randint(100, 9_999)} litres of water in one minute. {chance.choice(PROSE)}"
    yield " ".join(chance.sample(PROSE, 6))
    if page % 4 == 2:
        rows = [
            f"| {next(names)} | {chance.choice(COLOURS)} | {chance.randint(100, 999)} |"
            for _ in range(chance.randint(3, 8))
        ]
        yield "\n".join(["| Stone | Colour | Weight |", "|---|---|---|", *rows])


def _names(chance: random.Random) -> Iterator[str]:
    seen: set[str] = set()
    while True:
        name = "".join(chance.sample(SYLLABLES, 3)).capitalize()
        if name not in seen:
            seen.add(name)
            yield name


class PlantedFactModel:
    """Drafts a card, or a question, for each planted fact of its source, up to the requested number. One quote in `careless` is not
    verbatim."""

    def __init__(self, *, careless: int) -> None:
        self.finished_calls = 0
        self._careless = careless
        self._drafted = 0

    @property
    def paid_model(self) -> str:
        return "model-1"

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        found = sorted(
            [*SENTENCE.finditer(prompt.source), *ROW.finditer(prompt.source)], key=lambda one: one.start()
        )
        drafts = ItemDrafts(
            [self._card(one) for one in found[: prompt.counts.cards]],
            [self._question(one, found) for one in found[: prompt.counts.questions]],
        )
        self.finished_calls += 1
        value = msgspec.convert(msgspec.to_builtins(drafts), schema)
        return Completion(value=value, usage=Usage(100, 10), model="model-1", generated_by="openai")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        yield Delta(text=request.messages[-1].content)

    async def abandon(self, prompt: Prompt) -> None: ...

    async def close(self) -> None: ...

    def _card(self, fact: re.Match[str]) -> CardDraft:
        front, back = _ask(fact)
        return CardDraft(front, back, self._quote(fact))

    def _question(self, fact: re.Match[str], others: list[re.Match[str]]) -> QuestionDraft:
        front, back = _ask(fact)
        wrong = dict.fromkeys(
            answer for one in others if one.re is fact.re and (answer := _ask(one)[1]) != back
        )
        return QuestionDraft(front, [back, *list(wrong)[:3]], 0, fact[0].strip("| "), self._quote(fact))

    def _quote(self, fact: re.Match[str]) -> str:
        self._drafted += 1
        return fact[0] if self._drafted % self._careless else f"It is said that {fact[1]} is remarkable."


def _ask(fact: re.Match[str]) -> tuple[str, str]:
    if fact.re is ROW:
        return f"What colour is the stone {fact[1]}?", fact[2]
    return f"How much water does the {fact[1]} pump lift in one minute?", f"{fact[2]} litres"
