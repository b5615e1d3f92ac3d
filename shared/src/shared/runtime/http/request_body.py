"""JSON bodies: bounded while they are read, shallow before they are decoded, and every fault pointed at."""

import re
from collections.abc import AsyncIterable
from typing import Generic, TypeVar

import msgspec

from shared.domain.errors import (
    FieldProblem,
    InvalidEncoding,
    InvalidFields,
    MalformedJson,
    TooDeep,
    TooLarge,
    UnsupportedMediaType,
)
from shared.runtime.http.body_validation import find_faults, find_nul

T = TypeVar("T")

JSON_BYTES = 1_048_576
"""Of one JSON body: about 600 pages of text."""
MAX_DEPTH = 32
"""Of nesting; ours need four."""

_plain = msgspec.json.Decoder(float_hook=float)
"""The hook lets a number that is too large pass as infinity, to be pointed at."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def require_json(content_type: str) -> None:
    """Raises `UnsupportedMediaType` unless the header names JSON."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType


async def read_body(chunks: AsyncIterable[bytes], *, declared: str = "", limit: int = JSON_BYTES) -> bytes:
    """The whole body. Raises `TooLarge` from the declared length, or as soon as more has come than may."""
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise TooLarge(limit=limit)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise TooLarge(limit=limit)
    return bytes(body)


class BodyDecoder(Generic[T]):
    """Decodes bodies of one shape."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, body: bytes) -> T:
        """Raises `MalformedJson`, `InvalidEncoding`, `TooDeep`, or `InvalidFields` with every fault."""
        check_depth(body)
        try:
            decoded = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidFields(*self._explain(_decode_plain(body))) from None
        if b"\\u0000" in body and (faults := list(find_nul(_decode_plain(body)))):
            raise InvalidFields(*faults)
        return decoded

    def _explain(self, value: object) -> list[FieldProblem]:
        faults = [*find_faults(self._kind, value), *find_nul(value)]
        return faults or [FieldProblem("", "wrong_type", {"expected": "object"})]


def check_depth(body: bytes) -> None:
    """Raises `TooDeep` without decoding anything. Brackets are counted first: nearly every body is done with that."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for byte in _STRING.sub(b"", body):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise TooDeep
        elif byte in b"]}":
            depth -= 1


def _decode_plain(body: bytes) -> object:
    try:
        body.decode()
        return _plain.decode(body)
    except UnicodeDecodeError:
        raise InvalidEncoding from None
    except msgspec.ValidationError:  # a whole number of thousands of digits
        raise InvalidFields(FieldProblem("", "wrong_type", {"expected": "number"})) from None
    except msgspec.DecodeError:
        raise MalformedJson from None
