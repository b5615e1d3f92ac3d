"""Encodes and decodes the payload of a job, by wire version.

A new field needs a default, and a changed meaning needs a new version. A worker parks jobs whose version it does not know.
Samples of every version are in `tests/wire/`.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from shared.domain.errors import UnknownWire, UnreadableRecord
from shared.domain.jobs.job import Kind
from shared.domain.llm.provider import Completion
from shared.domain.study.material import Flashcard, Options, QuizQuestion
from shared.domain.study.places import PlaceMarks

T = TypeVar("T")

WIRE_VERSION = 1
"""The version that is written."""
READ_VERSIONS = frozenset({WIRE_VERSION})
"""The versions that are read. A former version stays here as long as a release that writes it may still run."""


class AiInput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of every kind on the `ai` stream."""

    text: str
    options: Options = Options()


class CollectionInput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of kind `collection`."""

    text: str
    title: str = ""
    options: Options = Options()
    places: PlaceMarks | None = None
    """Where the pages, slides, chapters or times of a document begin."""
    unread_pages: list[int] = []
    """Pages of the document that could not be read."""


class ItemsInput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of kind `items`."""

    text: str
    """The part of the collection's text that the items are made of."""
    options: Options = Options()
    collection_id: str
    start: int = 0
    """Where the part begins in the collection's text, in code points."""
    known_cards: list[Flashcard] = []
    """The items that the collection has already, with their places in its whole text."""
    known_questions: list[QuizQuestion] = []


JobInput = AiInput | CollectionInput | ItemsInput

_encoder = msgspec.json.Encoder()
_ai_decoder = msgspec.json.Decoder(AiInput)
_decoders: dict[str, msgspec.json.Decoder[JobInput]] = {
    Kind.COLLECTION: msgspec.json.Decoder(CollectionInput),
    Kind.ITEMS: msgspec.json.Decoder(ItemsInput),
}


def encode_input(job_input: JobInput) -> bytes:
    return _encoder.encode(job_input)


def decode_input(kind: str, version: int, payload: bytes) -> JobInput:
    """Raises `UnknownWire` for a kind, version or payload that only a newer release knows, and `UnreadableRecord` for a payload
    that no release has written."""
    if version not in READ_VERSIONS or kind not in set(Kind):
        raise UnknownWire(kind=kind, version=version)
    try:
        return _decoders.get(kind, _ai_decoder).decode(payload)
    except msgspec.DecodeError as error:
        if not _is_json(payload):
            raise UnreadableRecord from error
        raise UnknownWire(kind=kind, version=version) from error


class _RequestedOptions(Struct, frozen=True):
    model: str = ""


class _Requested(Struct, frozen=True):
    options: _RequestedOptions = _RequestedOptions()


_requested_decoder = msgspec.json.Decoder(_Requested)


def requested_model(payload: bytes) -> str:
    """The model that the request named; empty if it named none, or the payload cannot be read. The text is not decoded."""
    try:
        return _requested_decoder.decode(payload).options.model
    except msgspec.DecodeError:
        return ""


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def encode_step(completion: Completion[Any]) -> bytes:
    """Encode a completion, which the next attempt reuses instead of paying again."""
    return _encoder.encode(completion)


def decode_step(data: bytes, schema: type[T]) -> Completion[T]:
    return msgspec.json.decode(data, type=Completion[schema])
