"""The planted flaws, which measure the linter itself: of each rule, how many it finds and how often it is right."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.quality.item import LintedItem
from tests.quality.linter import FLAWS_OF_CARDS, FLAWS_OF_QUESTIONS, flaws_of

FOLDER = Path(__file__).parent / "planted"
LABELLED = ("questions_en", "questions_fr", "cards_en", "cards_fr")


class PlantedItem(LintedItem, frozen=True, kw_only=True):
    flaws: list[str]


class Score(Struct, frozen=True):
    """How the linter did with one rule."""

    rule: str
    kind: str
    planted: int
    found: int
    """Planted flaws that were found."""
    wrong: int
    """Items that were said to have the flaw and do not."""

    @property
    def recall(self) -> float:
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0


def read_planted(name: str) -> list[PlantedItem]:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=list[PlantedItem])


@lru_cache(maxsize=1)
def judged() -> list[tuple[PlantedItem, set[str]]]:
    """Each labelled item with what the linter says of it."""
    return [(item, set(flaws_of(item))) for name in LABELLED for item in read_planted(name)]


def scores() -> list[Score]:
    rules = [("question", rule) for rule in FLAWS_OF_QUESTIONS] + [("card", rule) for rule in FLAWS_OF_CARDS]
    return [_score(kind, rule, [pair for pair in judged() if pair[0].kind == kind]) for kind, rule in rules]


def _score(kind: str, rule: str, pairs: Sequence[tuple[PlantedItem, set[str]]]) -> Score:
    planted = [said for item, said in pairs if rule in item.flaws]
    clean = [said for item, said in pairs if rule not in item.flaws]
    return Score(
        rule=rule,
        kind=kind,
        planted=len(planted),
        found=sum(rule in said for said in planted),
        wrong=sum(rule in said for said in clean),
    )
