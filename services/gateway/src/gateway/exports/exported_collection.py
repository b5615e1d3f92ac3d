"""What every format writes: a finished collection, with who made it and when."""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.material import Choice, Collection, Flashcard, Origin, QuizQuestion
from shared.domain.text.language import Language, rules_language

OFFLINE = "offline"
Item = Flashcard | QuizQuestion


class HandMark(StrEnum):
    """Says in a tag what a person did to the words of an item."""

    EDITED = "edited-by-hand"
    OWN = "written-by-hand"


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


FLAGGED = "flagged"
_BY_HAND = {
    (Language.EN, Origin.EDITED): "Edited by hand.",
    (Language.EN, Origin.OWN): "Written by hand.",
    (Language.FR, Origin.EDITED): "Modifié à la main.",
    (Language.FR, Origin.OWN): "Écrit à la main.",
}


class ExportedCollection(Struct, frozen=True, kw_only=True):
    id: str
    material: Collection
    """Without the items that their user has hidden."""
    stored: bytes
    """The JSON of `material`."""
    made_at: float
    """Unix seconds. Exports carry this time or that of an edit, and not their own, so that an importer keeps what its user changed
    since."""
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

    def made_by_of(self, item: Item) -> str:
        """Like `made_by`, with what a person did."""
        by_hand = self.by_hand(item)
        return by_hand if item.origin is Origin.OWN else f"{self.made_by} {by_hand}".strip()

    def by_hand(self, item: Item) -> str:
        """What a person did to the words of the item, as a sentence; empty for nothing."""
        language = rules_language(self.material.language) or Language.EN
        return _BY_HAND[language, item.origin] if item.origin else ""

    def changed_at(self, item: Item) -> float:
        """Unix seconds. An importer that knows the item already takes it again if this is newer."""
        edited_at = datetime.fromisoformat(item.edited_at).timestamp() if item.edited_at else 0.0
        return max(self.made_at, edited_at)

    def tags_of(self, item: Item) -> list[str]:
        """An item that a person wrote has no mark of a machine."""
        flag = [FLAGGED] if item.flagged else []
        match item.origin:
            case Origin.OWN:
                return ["etude", HandMark.OWN, *flag]
            case Origin.EDITED:
                return [*self.tags, HandMark.EDITED, *flag]
            case _:
                return [*self.tags, *flag]

    def stable_id(self, item: Item) -> str:
        """The same in every export, and different from that of every item of another collection."""
        return f"{self.id}:{item.id}"


def to_exported(job: JobSnapshot, result: bytes) -> ExportedCollection:
    """`result` is the stored JSON of the collection that the finished `job` made."""
    material = msgspec.json.decode(result, type=Collection)
    shown = replace(
        material,
        flashcards=[card for card in material.flashcards if not card.hidden],
        quiz=[question for question in material.quiz if not question.hidden],
    )
    return ExportedCollection(
        id=job.id,
        material=shown,
        stored=result if shown == material else msgspec.json.encode(shown),
        made_at=job.finished_at,
        generated_by=job.generated_by,
        model=job.model,
    )


def quote_of(item: Item) -> str:
    """The words of the source in quotation marks; empty for an item without them."""
    return f"« {item.source.quote} »" if item.source.quote else ""


def place_of(item: Item) -> str:
    """As a reader writes it, such as `page 12` or `0:01:30`; empty if the document has no places."""
    return str(item.source.place or "")


def right_option(question: QuizQuestion) -> Choice:
    return next(option for option in question.options if option.correct)
