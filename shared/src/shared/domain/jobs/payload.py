"""The bytes that travel: what a submitted job's payload looks like, by version.

The evolution rule: a new field has a default, a changed meaning has a new version, and an old worker parks
what it does not know. The bytes of every version are kept in `tests/wire/`.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from shared.domain.errors import UnknownWire
from shared.domain.jobs.job import Kind
from shared.domain.llm.provider import Completion
from shared.domain.study.material import Options

T = TypeVar("T")

WIRE_VERSION = 1
"""What is written."""
READ_VERSIONS = frozenset({WIRE_VERSION})
"""What is read. The version before stays here while a release that writes it may still be at work."""


class AiInput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of every kind on the `ai` stream."""

    text: str
    options: Options = Options()


class CollectionInput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of kind `collection`."""

    text: str
    title: str = ""
    options: Options = Options()


JobInput = AiInput | CollectionInput

_encoder = msgspec.json.Encoder()
_ai_decoder = msgspec.json.Decoder(AiInput)
_collection_decoder = msgspec.json.Decoder(CollectionInput)


def encode_input(job_input: JobInput) -> bytes:
    return _encoder.encode(job_input)


def decode_input(kind: str, version: int, payload: bytes) -> JobInput:
    """Raises `UnknownWire` for a kind or version that a newer release must have sent."""
    if version not in READ_VERSIONS or kind not in set(Kind):
        raise UnknownWire(kind=kind, version=version)
    decoder = _collection_decoder if kind == Kind.COLLECTION else _ai_decoder
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise UnknownWire(kind=kind, version=version) from error


def encode_step(completion: Completion[Any]) -> bytes:
    """A kept provider call: what the next attempt starts from instead of paying again."""
    return _encoder.encode(completion)


def decode_step(data: bytes, schema: type[T]) -> Completion[T]:
    return msgspec.json.decode(data, type=Completion[schema])
