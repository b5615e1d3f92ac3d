"""The collections and the questions of the bench of passages, and which questions found the sentence that answers them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.bench.chat_passages.almanac import write_almanac
from tests.paths import read_text

from shared.domain.chat import ChatRole, ChatTurn
from shared.domain.text.language import Language
from shared.domain.text.span import Span

FOLDER = Path(__file__).parent
ALMANAC_WORDS = 11_000
_CHAPTERS = {
    Language.EN: ("solar_system.en.txt", "water_cycle.en.txt", "supply_and_demand.en.txt"),
    Language.FR: ("photosynthese.fr.txt", "revolution.fr.txt", "cellule.fr.txt"),
}
_COURSES = {Language.EN: "course.en.txt", Language.FR: "cours.fr.txt"}


class RetrievalCase(Struct, frozen=True):
    """A conversation that ends with a question, and a fragment of the sentence that answers it."""

    text: Language
    """The language of the collection."""
    kind: str
    turns: list[str]
    """What learner and tutor said in turn, and last the question."""
    answer: str
    search: str = ""
    """What a model would look for, written by hand from the turns alone."""

    @property
    def conversation(self) -> list[ChatTurn]:
        roles = (ChatRole.USER, ChatRole.ASSISTANT)
        return [ChatTurn(roles[index % 2], turn) for index, turn in enumerate(self.turns)]


@cache
def collection_text(language: Language) -> str:
    """A course of more than 15,000 words: chapters in prose, and an almanac between them."""
    course = (FOLDER / _COURSES[language]).read_text(encoding="utf-8")
    chapters = [read_text(name) for name in _CHAPTERS[language]]
    almanac = write_almanac(language, ALMANAC_WORDS)
    middle = almanac.index("\n\n#", len(almanac) // 2)
    return "\n\n".join([course, almanac[:middle], *chapters, almanac[middle:]])


@cache
def retrieval_cases() -> list[RetrievalCase]:
    lines = (FOLDER / "questions.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=RetrievalCase) for line in lines]


def held_out(cases: Sequence[RetrievalCase]) -> list[RetrievalCase]:
    """Every second question. The others were looked at while the rules were made."""
    return list(cases[1::2])


def is_found(case: RetrievalCase, spans: Sequence[Span]) -> bool:
    """Whether one of the passages has the whole fragment."""
    text = collection_text(case.text)
    start = text.index(case.answer)
    return any(span.start <= start and start + len(case.answer) <= span.end for span in spans)
