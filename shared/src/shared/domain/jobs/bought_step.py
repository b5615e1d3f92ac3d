"""A paid call of a job as Postgres keeps it, so that a later job of the same user reuses it."""

from msgspec import Struct

from shared.domain.study.material import ItemCounts


class BoughtStep(Struct, frozen=True, kw_only=True):
    content: str
    """Digest of the user, the model and everything else that decides what is bought."""
    asked: ItemCounts
    """How many items were asked for. A job that needs no more reuses the step."""
    completion: bytes
    """The encoded step."""
