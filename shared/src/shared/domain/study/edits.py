"""What a user changes in the items of a collection. Edits are kept beside the items, which stay as they were made: an item that
is made again is shown as its user has changed it."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from shared.domain.study.material import Choice, Flashcard, Origin, QuizQuestion

Item = TypeVar("Item", Flashcard, QuizQuestion)
AnyItem = TypeVar("AnyItem", bound=Flashcard | QuizQuestion)

OPTION_IDS = "abcde"
WORDS = frozenset({"front", "back", "question", "options", "explanation"})


class ItemEdit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields that a user has changed. Postgres stores it, so a new field needs a default."""

    front: str | UnsetType = UNSET
    back: str | UnsetType = UNSET
    question: str | UnsetType = UNSET
    options: list[Choice] | UnsetType = UNSET
    explanation: str | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    flagged: bool | UnsetType = UNSET
    edited_at: str | UnsetType = UNSET
    is_deleted: bool = False
    """Then there are no other fields."""

    def followed_by(self, later: "ItemEdit") -> "ItemEdit":
        """Both edits as one."""
        return replace(self, **later.fields)

    @property
    def fields(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if value is not UNSET}


NO_EDIT = ItemEdit()
DELETED = ItemEdit(is_deleted=True)


def apply_edits(made: Sequence[Item], added: Sequence[Item], edits: Mapping[str, ItemEdit]) -> list[Item]:
    """The items as their user sees them: those that were made, then those that were added, without deleted ones. An id stands
    for one item, so an item that was made twice counts once."""
    items = {item.id: item for item in reversed([*made, *added])}
    in_order = [items[item_id] for item_id in dict.fromkeys(item.id for item in [*made, *added])]
    edited = [(item, edits.get(item.id, NO_EDIT)) for item in in_order]
    return [apply_edit(item, edit) for item, edit in edited if not edit.is_deleted]


def apply_edit(item: AnyItem, edit: ItemEdit) -> AnyItem:
    """Words that are as the machine made them do not count as edited."""
    known = {name: value for name, value in edit.fields.items() if name in item.__struct_fields__}
    is_edited = any(value != getattr(item, name) for name, value in known.items() if name in WORDS)
    origin = Origin.EDITED if is_edited and item.origin is UNSET else item.origin
    shown = {name: UNSET if value is False else value for name, value in known.items()}
    return replace(item, **shown, origin=origin)


def to_choices(options: Sequence[tuple[str, bool]]) -> list[Choice]:
    """Options with their texts and whether they are right, in this order."""
    return [
        Choice(id=letter, text=text, correct=is_right)
        for letter, (text, is_right) in zip(OPTION_IDS, options, strict=False)
    ]
