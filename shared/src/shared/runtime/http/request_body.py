"""JSON bodies: limited in size and depth, then decoded by msgspec, with a pointer to every validation error."""

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
from shared.runtime.http.body_validation import find_errors, find_nul

T = TypeVar("T")

JSON_BYTES = 1_048_576
"""Largest JSON body, in bytes: about 600 pages of text."""
MAX_DEPTH = 32
"""Deepest nesting of a JSON body. The bodies of the API need four levels."""

_plain = msgspec.json.Decoder(float_hook=float)
"""Decodes without a type. The hook turns numbers that are too large into infinity, so that their place can be reported."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def require_json(content_type: str) -> None:
    """Raises `UnsupportedMediaType` unless the header names JSON."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType


async def read_body(chunks: AsyncIterable[bytes], *, declared: str = "", limit: int = JSON_BYTES) -> bytes:
    """Read the whole body. Raises `TooLarge` if the declared length, or what has been read so far, exceeds `limit`."""
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise TooLarge(limit=limit)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise TooLarge(limit=limit)
    return bytes(body)


class BodyDecoder(Generic[T]):
    """Decodes bodies of one type."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, body: bytes) -> T:
        """Raises `MalformedJson`, `InvalidEncoding`, `TooDeep`, or `InvalidFields` with every error."""
        check_depth(body)
        try:
            decoded = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidFields(*self._explain(_decode_plain(body))) from None
        if b"\\u0000" in body and (errors := list(find_nul(_decode_plain(body)))):
            raise InvalidFields(*errors)
        return decoded

    def _explain(self, value: object) -> list[FieldProblem]:
        errors = [*find_errors(self._kind, value), *find_nul(value)]
        return errors or [FieldProblem("", "wrong_type", {"expected": "object"})]


def check_depth(body: bytes) -> None:
    """Raises `TooDeep`, without decoding. Nearly every body has so few brackets that counting them is enough."""
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
    except msgspec.ValidationError:  # an integer of thousands of digits
        raise InvalidFields(FieldProblem("", "wrong_type", {"expected": "number"})) from None
    except msgspec.DecodeError:
        raise MalformedJson from None
