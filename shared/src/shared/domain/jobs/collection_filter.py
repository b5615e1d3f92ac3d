"""Which of a user's collections a list shows."""

import unicodedata

from msgspec import Struct

from shared.domain.jobs.job import JobState
from shared.domain.jobs.job_snapshot import JobSnapshot


class CollectionFilter(Struct, frozen=True, kw_only=True):
    """Every field that is given must fit."""

    states: frozenset[JobState] | None = None
    language: str | None = None
    """Tag of the material's language. `pt` includes `pt-BR`."""
    item_kind: str | None = None
    """`flashcards` or `quiz`: collections that were made with some."""
    title_part: str | None = None
    """Is found in titles whatever its accents and case."""

    def has_state(self, state: JobState) -> bool:
        return self.states is None or state in self.states

    def shows_unfinished(self, job: JobSnapshot) -> bool:
        """Whether a collection in the making fits: its language and its items are not known yet."""
        if self.language is not None or self.item_kind is not None or not self.has_state(job.state):
            return False
        return self.title_part is None or _fold(self.title_part) in _fold(job.title)


def _fold(text: str) -> str:
    """As `list_collections.sql` folds titles."""
    letters = unicodedata.normalize("NFKD", text).lower()
    return "".join(char for char in letters if not "\u0300" <= char <= "\u036f")
