"""What every format writes: a finished collection, with who made it and when."""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.material import Choice, Collection, Flashcard, QuizQuestion
from shared.domain.text.language import Language, rules_language

OFFLINE = "offline"
Item = Flashcard | QuizQuestion


class MachineMark(StrEnum):
    """Says in a tag that a machine wrote an item, and what kind of machine."""

    MODEL = "made-by-ai"
    RULES = "made-by-rules"


_MADE_BY = {
    (Language.EN, MachineMark.MODEL): "Made by AI ({model}) on {day}. Check it against the source.",
    (Language.EN, MachineMark.RULES): "Made from the text by rules, without a model, on {day}.",
    (Language.FR, MachineMark.MODEL): "Créé par une IA ({model}) le {day}. À vérifier dans la source.",
    (Language.FR, MachineMark.RULES): "Créé à partir du texte par des règles, sans modèle, le {day}.",
}


class ExportedCollection(Struct, frozen=True, kw_only=True):
    id: str
    material: Collection
    stored: bytes
    """The JSON of `material`, as it is stored."""
    made_at: float
    """Unix seconds. Every export of a collection carries this time, so that an importer keeps what its user changed since."""
    generated_by: str
    model: str

    @property
    def items(self) -> list[Item]:
        return [*self.material.flashcards, *self.material.quiz]

    @property
    def mark(self) -> MachineMark:
        return MachineMark.RULES if self.generated_by == OFFLINE else MachineMark.MODEL

    @property
    def day(self) -> str:
        return datetime.fromtimestamp(self.made_at, UTC).date().isoformat()

    @property
    def made_by(self) -> str:
        """One sentence for people, in French for French material and otherwise in English."""
        language = rules_language(self.material.language) or Language.EN
        return _MADE_BY[language, self.mark].format(model=self.model, day=self.day)

    @property
    def tags(self) -> list[str]:
        """Without spaces, which separate tags. The model's name is missing where no model was asked."""
        model = [f"model::{'-'.join(self.model.split())}"] if self.mark is MachineMark.MODEL else []
        return ["etude", self.mark, *model]

    def stable_id(self, item: Item) -> str:
        """The same in every export, and different from that of every item of another collection."""
        return f"{self.id}:{item.id}"


def to_exported(job: JobSnapshot, result: bytes) -> ExportedCollection:
    """`result` is the stored JSON of the collection that the finished `job` made."""
    return ExportedCollection(
        id=job.id,
        material=msgspec.json.decode(result, type=Collection),
        stored=result,
        made_at=job.finished_at,
        generated_by=job.generated_by,
        model=job.model,
    )


def place_of(item: Item) -> str:
    """As a reader writes it, such as `page 12` or `0:01:30`; empty if the document has no places."""
    return str(item.source.place or "")


def right_option(question: QuizQuestion) -> Choice:
    return next(option for option in question.options if option.correct)
