"""Reading JSON bodies that come from anywhere."""

import contextlib
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from shared.domain.errors import (
    FieldProblem,
    InvalidEncoding,
    InvalidFields,
    MalformedJson,
    StudyError,
    TooDeep,
    TooLarge,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from shared.domain.study.material import Options
from shared.runtime.http.body_validation import MAX_ERRORS
from shared.runtime.http.problem_details import problem_response_parts
from shared.runtime.http.request_body import (
    JSON_BYTES,
    MAX_DEPTH,
    BodyDecoder,
    check_depth,
    read_body,
    require_json,
)


class Card(Struct, forbid_unknown_fields=True):
    text: str
    tags: list[str] = []
    options: Options = Options()
    is_loud: bool = False


DECODER = BodyDecoder(Card)


async def chunks_of(size: int, *, chunk: int = 64_000) -> AsyncIterator[bytes]:
    for start in range(0, size, chunk):
        yield b"x" * min(chunk, size - start)


async def endless(read: list[int]) -> AsyncIterator[bytes]:
    while True:
        read.append(1)
        yield b"x" * 64_000


async def test_a_body_of_exactly_the_limit_is_read():
    assert len(await read_body(chunks_of(JSON_BYTES))) == JSON_BYTES


async def test_a_body_of_one_byte_more_is_refused():
    with pytest.raises(TooLarge) as refusal:
        await read_body(chunks_of(JSON_BYTES + 1))
    assert refusal.value.params == {"limit": JSON_BYTES}


async def test_a_declared_length_is_refused_before_a_byte_is_read():
    read: list[int] = []
    with pytest.raises(TooLarge):
        await read_body(endless(read), declared=str(JSON_BYTES + 1))
    assert read == []


async def test_a_body_without_a_length_is_counted_while_it_comes():
    read: list[int] = []
    with pytest.raises(TooLarge):
        await read_body(endless(read))
    assert len(read) == JSON_BYTES // 64_000 + 1


@pytest.mark.parametrize("header", ["application/json", "Application/JSON ; charset=utf-8"])
def test_json_is_taken(header: str):
    require_json(header)


@pytest.mark.parametrize(
    "header", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
def test_anything_but_json_is_not(header: str):
    with pytest.raises(UnsupportedMediaType):
        require_json(header)


def test_a_good_body_is_decoded():
    assert DECODER.decode(b'{"text": "\xc3\xa9"}') == Card(text="é")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", MalformedJson),
        (b"{", MalformedJson),
        (b'{"text": "a"} b', MalformedJson),
        (b'{"text": "a\x00b"}', MalformedJson),
        (b'{"text": "\\ud800 alone in a text"}', MalformedJson),
        (b'\xef\xbb\xbf{"text": "a"}', MalformedJson),
        (b'{"text": "\xff"}', InvalidEncoding),
        (b'{"nothing": "\xff"}', InvalidEncoding),
        (b'{"text": "caf\xe9"}', InvalidEncoding),
        (b'{"text": ' + b"1" * 5_000 + b"}", InvalidFields),
        (b"[" * 100_000, TooDeep),
        (b'{"a":' * 40 + b"1" + b"}" * 40, TooDeep),
    ],
)
def test_a_malformed_body_gets_its_own_error_code(body: bytes, error: type[StudyError]):
    with pytest.raises(error):
        DECODER.decode(body)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ("{}", "/text", "missing_field"),
        ("[]", "", "wrong_type"),
        ('"a"', "", "wrong_type"),
        ('{"text": 1}', "/text", "wrong_type"),
        ('{"text": null}', "/text", "wrong_type"),
        ('{"text": "a", "is_loud": 1}', "/is_loud", "wrong_type"),
        ('{"text": "a", "tags": {}}', "/tags", "wrong_type"),
        ('{"text": "a", "tags": ["b", 2]}', "/tags/1", "wrong_type"),
        ('{"text": "a", "options": {"language": "english"}}', "/options/language", "wrong_format"),
        ('{"text": "a", "options": {"language": ["fr"]}}', "/options/language", "wrong_type"),
        ('{"text": "a", "options": {"flashcards": 501}}', "/options/flashcards", "out_of_range"),
        ('{"text": "a", "options": {"flashcards": "5"}}', "/options/flashcards", "wrong_type"),
        ('{"text": "a", "options": {"flashcards": true}}', "/options/flashcards", "wrong_type"),
        ('{"text": "a", "options": {"flashcards": 1e999}}', "/options/flashcards", "wrong_type"),
        ('{"text": "a", "a/b~c": 1}', "/a~1b~0c", "unknown_field"),
        ('{"text": "a\\u0000b"}', "/text", "nul_character"),
        ('{"text": "a", "tags": ["b", "\\u0000"]}', "/tags/1", "nul_character"),
    ],
)
def test_an_error_has_a_pointer(body: str, pointer: str, code: str):
    with pytest.raises(InvalidFields) as refusal:
        DECODER.decode(body.encode())
    assert [(fault.pointer, fault.code) for fault in refusal.value.fields] == [(pointer, code)]


def test_a_bound_without_its_other_end_is_told_as_such():
    tag = "de" + "-abcdefgh" * 4
    with pytest.raises(InvalidFields) as refusal:
        DECODER.decode(f'{{"text": "a", "options": {{"language": "{tag}"}}}}'.encode())
    assert refusal.value.fields == (FieldProblem("/options/language", "out_of_range", {"expected": "≤ 35"}),)


def test_all_errors_are_reported_at_once():
    with pytest.raises(InvalidFields) as refusal:
        DECODER.decode(b'{"txt": "a", "is_loud": "no", "options": {"questions": -1}}')
    assert refusal.value.fields == (
        FieldProblem("/text", "missing_field"),
        FieldProblem("/options/questions", "out_of_range", {"expected": "0–500"}),
        FieldProblem("/is_loud", "wrong_type", {"expected": "boolean"}),
        FieldProblem("/txt", "unknown_field"),
    )


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert DECODER.decode(b'{"text": "\\\\u0000"}').text == "\\u0000"


def test_brackets_inside_a_text_do_not_nest():
    check_depth(msgspec.json.encode({"text": '[{"\\' * 1_000}))


def test_the_deepest_allowed_body_is_accepted():
    check_depth(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(TooDeep):
        check_depth(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_a_hostile_row_of_quotes_takes_no_longer_than_its_length():
    check_depth(b"[" * (MAX_DEPTH - 1) + b'{}"' + b'\\"' * 500_000)


def filled(unit: bytes, head: bytes = b"[", tail: bytes = b"]") -> bytes:
    """A body of the largest size that repeats `unit`."""
    count = (JSON_BYTES - len(head) - len(tail)) // len(unit)
    return head + (unit * count).rstrip(b",") + tail


HOSTILE = {
    "empty lists": filled(b"[],"),
    "nested lists": filled(b"[" * 30 + b"]" * 30 + b","),
    "objects": filled(b'{"a":1},'),
    "numbers": filled(b"1,"),
    "empty strings": filled(b'"",'),
    "NUL items": filled(b'"\\u0000",'),
    "NUL text": filled(b"\\u0000", b'{"text": "', b'"}'),
    "unknown fields": b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}",
    "a long name": filled(b"x", b'{"', b'": 1}'),
    "long names": filled(b"\\u0001", b'{"', b'": 1}').replace(b"\\u0001" * 2_000, b'": 1, "'),
    "open lists": b"[" * JSON_BYTES,
    "spaces": b" " * JSON_BYTES,
    "escaped quotes": filled(b'\\"', b'"', b'"'),
    "half pairs": filled(b"\\ud800", b'{"text": "', b'"}'),
    "a long number": filled(b"1", b'{"text": ', b"}"),
    "a string behind which all is open": filled(b"{", b'["",'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_costs_little_more_than_reading_it(name: str):
    """A valid body of the same size is the measure: in one run, so that the machine's speed does not matter. Before there was a
    bound, nested lists took a thousand times as long."""
    honest = filled(b"word ", b'{"text": "', b'"}')
    assert timed(HOSTILE[name]) < 200 * timed(honest)


def timed(body: bytes) -> float:
    """The shortest of three times of the processor, in seconds: what else runs does not count."""
    return min(map(_time_once, [body] * 3))


def _time_once(body: bytes) -> float:
    started = time.thread_time()
    with contextlib.suppress(StudyError):
        DECODER.decode(body)
    return time.thread_time() - started


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_answer_to_a_hostile_body_is_small(name: str, language: str):
    with pytest.raises(StudyError) as refusal:
        DECODER.decode(HOSTILE[name])
    _, _, body = problem_response_parts(
        refusal.value, accept_language=language, request_id="", instance="/api/ai"
    )
    assert len(body) <= 16_000
    if isinstance(refusal.value, InvalidFields):
        assert 1 <= len(refusal.value.fields) <= MAX_ERRORS


def test_many_strings_do_not_hide_the_error_of_a_small_body():
    with pytest.raises(InvalidFields) as refusal:
        DECODER.decode(msgspec.json.encode({"text": "a", "tags": ["b"] * 1_000 + [2]}))
    assert [fault.pointer for fault in refusal.value.fields] == ["/tags/1000"]


def test_a_large_text_does_not_hide_the_error_beside_it():
    text = 'He said: "[a], {b}", and left.\n' * 20_000
    with pytest.raises(InvalidFields) as refusal:
        DECODER.decode(msgspec.json.encode({"text": text, "is_loud": 1}))
    assert [fault.pointer for fault in refusal.value.fields] == ["/is_loud"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "Deflate", "identity, gzip"])
def test_a_compressed_body_is_not_taken(encoding: str):
    with pytest.raises(UnsupportedEncoding):
        require_json("application/json", encoding)


def test_a_body_that_is_encoded_as_itself_is_taken():
    require_json("application/json", "Identity")


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_study_errors(body: bytes):
    with contextlib.suppress(StudyError):
        DECODER.decode(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_refused_body_has_at_least_one_pointer(value: object):
    with pytest.raises(StudyError) as refusal:
        DECODER.decode(msgspec.json.encode([value]))
    assert not isinstance(refusal.value, InvalidFields) or refusal.value.fields
