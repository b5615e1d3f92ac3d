"""JSON bodies: limited in size and depth, then decoded by msgspec, with a pointer to every validation error."""

import re
from collections.abc import AsyncIterable
from itertools import chain, islice
from types import UnionType
from typing import Generic, TypeVar

import msgspec

from shared.domain.errors import (
    FieldProblem,
    InvalidEncoding,
    InvalidFields,
    MalformedJson,
    TooDeep,
    TooLarge,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from shared.runtime.http.body_validation import MAX_ERRORS, find_errors, find_nul

T = TypeVar("T")

JSON_BYTES = 1_048_576
"""Largest JSON body, in bytes: about 600 pages of text."""
MAX_DEPTH = 32
"""Deepest nesting of a JSON body. The bodies of the API need four levels."""

MAX_VALUES = 4_096
"""Most values of a body in which errors are looked for: 20 times what the largest valid body has. Building and walking the values
of a hostile body would take half a second."""
MAX_STRINGS = 4_096
"""Most strings that are cut out of a body to find its brackets; of a body with more, only the beginning is examined."""
OUTLINE_BYTES = 65_536
"""Beginning of a body that is examined first: it tells what a body of brackets is."""

_plain = msgspec.json.Decoder(float_hook=float)
"""Decodes without a type. The hook turns numbers that are too large into infinity, so that their place can be reported."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_UNSTRUCTURED = bytes(set(range(256)) - set(b"[]{},"))


def require_json(content_type: str, content_encoding: str = "") -> None:
    """Raises `UnsupportedMediaType` unless the header names JSON, and `UnsupportedEncoding` if the body is compressed."""
    require_uncompressed(content_encoding)
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType


def require_uncompressed(content_encoding: str) -> None:
    """A few compressed bytes unpack to gigabytes, so compressed bodies are not taken."""
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedEncoding


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

    def __init__(self, kind: type[T] | UnionType) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def decode(self, body: bytes) -> T:
        """Raises `MalformedJson`, `InvalidEncoding`, `TooDeep`, or `InvalidFields` with the first errors.

        msgspec stops at the first error, so a hostile body is refused before anything of it is built.
        """
        try:
            decoded = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidFields(*self._explain(body)) from None
        if b"\\u0000" in body and (errors := list(islice(find_nul(_decode_plain(body)), MAX_ERRORS))):
            raise InvalidFields(*errors)
        return decoded

    def _explain(self, body: bytes) -> list[FieldProblem]:
        """The errors of a body that msgspec has refused. Raises what `decode` raises."""
        outline = _outline(body[:OUTLINE_BYTES])
        if len(outline) <= MAX_VALUES:
            outline = _outline(body)
        _check_depth(outline)
        if len(outline) > MAX_VALUES:
            return [FieldProblem("", "too_many_values", {"expected": MAX_VALUES})]
        value = _decode_plain(body)
        errors = list(islice(chain(find_errors(self._kind, value), find_nul(value)), MAX_ERRORS))
        return errors or [FieldProblem("", "wrong_type", {"expected": "object"})]


def check_depth(body: bytes) -> None:
    """Raises `TooDeep`, without decoding. Nearly every body has so few brackets that counting them is enough."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(_outline(body))


def _outline(body: bytes) -> bytes:
    """The brackets and commas outside strings, up to a string that is cut off."""
    if body.count(b'"') - body.count(b'\\"') > 2 * MAX_STRINGS:
        body = body[:OUTLINE_BYTES]
    return _STRING.sub(b"", body).partition(b'"')[0].translate(None, _UNSTRUCTURED)


def _check_depth(outline: bytes) -> None:
    depth = 0
    for mark in outline[:MAX_VALUES]:
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise TooDeep
        elif mark in b"]}":
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
