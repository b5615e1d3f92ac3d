"""The bytes of every version, checked in: an old record, step, event or row is read by every later release.

To add a sample, add its file by hand. To change a file is to break what is stored: make a new version instead.
"""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.wire.samples import QUOTE, SAMPLES, TEXT

from shared.domain.errors import UnknownWire, UnreadableRecord
from shared.domain.jobs.job import AI_KINDS, Kind
from shared.domain.jobs.payload import (
    WIRE_VERSION,
    AiInput,
    CollectionInput,
    decode_input,
    decode_step,
    encode_input,
    encode_step,
)
from shared.domain.study.edits import ItemEdit
from shared.domain.study.material import Result

GOLDEN = Path(__file__).parent / f"v{WIRE_VERSION}"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().removesuffix(b"\n")


def named(start: str) -> list[str]:
    return [name for name in SAMPLES if name.startswith(start)]


def test_every_sample_has_its_file_and_every_file_its_sample():
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == sorted(SAMPLES)


def test_every_kind_has_a_golden_result():
    assert {name.split(".")[1] for name in named("result.")} == set(Kind)


@pytest.mark.parametrize("name", list(SAMPLES))
def test_encoding_gives_these_bytes(name: str):
    assert msgspec.json.encode(SAMPLES[name]) == golden(name)


@pytest.mark.parametrize("name", named("event.") + named("problem"))
def test_stored_events_are_read_back(name: str):
    shape = cast(type[object], type(SAMPLES[name]))

    assert msgspec.json.decode(golden(name), type=shape) == SAMPLES[name]


@pytest.mark.parametrize("name", named("result."))
def test_stored_results_are_read_back_by_their_tag_alone(name: str):
    read: Any = msgspec.json.decode(golden(name), type=Result)

    assert read == SAMPLES[name]


@pytest.mark.parametrize("name", named("step."))
def test_kept_steps_are_read_back(name: str):
    sample = SAMPLES[name]
    schema = cast(type[object], type(sample.value))

    assert encode_step(sample) == golden(name)
    assert decode_step(golden(name), schema) == sample


@pytest.mark.parametrize("kind", AI_KINDS)
@pytest.mark.parametrize("name", named("input.ai"))
def test_payloads_of_the_ai_stream_are_read_back(name: str, kind: Kind):
    assert encode_input(SAMPLES[name]) == golden(name)
    assert decode_input(kind, WIRE_VERSION, golden(name)) == SAMPLES[name]


@pytest.mark.parametrize("name", named("input.collection"))
def test_payloads_of_collections_are_read_back(name: str):
    assert encode_input(SAMPLES[name]) == golden(name)
    assert decode_input("collection", WIRE_VERSION, golden(name)) == SAMPLES[name]


@pytest.mark.parametrize("name", named("input.items"))
def test_payloads_that_add_items_are_read_back(name: str):
    assert encode_input(SAMPLES[name]) == golden(name)
    assert decode_input("items", WIRE_VERSION, golden(name)) == SAMPLES[name]


@pytest.mark.parametrize("name", named("edit"))
def test_stored_edits_are_read_back(name: str):
    assert msgspec.json.decode(golden(name), type=ItemEdit) == SAMPLES[name]


def test_offsets_count_code_points_whatever_the_encoding():
    card = SAMPLES["result.flashcards"].flashcards[0]

    assert TEXT[card.source.start : card.source.end] == card.source.quote == QUOTE


def test_an_older_worker_reads_a_payload_with_a_field_it_does_not_know():
    payload = golden("input.collection.full").replace(b'{"text"', b'{"colour":"blue","text"')

    assert decode_input("collection", WIRE_VERSION, payload) == SAMPLES["input.collection.full"]


@pytest.mark.parametrize(
    ("kind", "version", "payload"),
    [
        ("song", 1, b'{"text":"a"}'),
        ("quiz", 2, b'{"text":"a"}'),
        ("quiz", 0, b'{"text":"a"}'),
        ("quiz", 1, b'{"text":"a","options":{"rhymes":true}}'),
        ("quiz", 1, b'{"words":"a"}'),
    ],
)
def test_what_only_a_newer_release_can_have_sent_is_parked(kind: str, version: int, payload: bytes):
    """An option it does not know changes what is asked for: better to wait than to leave it out in silence."""
    with pytest.raises(UnknownWire) as raised:
        decode_input(kind, version, payload)

    assert raised.value.problem.params == {"kind": kind, "version": version}


@pytest.mark.parametrize("payload", [b"\xff\x00", b"", b'{"text":', b'{"text":' * 100_000])
def test_what_no_release_can_have_sent_is_unreadable(payload: bytes):
    with pytest.raises(UnreadableRecord):
        decode_input("quiz", 1, payload)


def test_a_payload_says_no_more_than_was_asked():
    assert encode_input(AiInput(text="a")) == b'{"text":"a"}'
    assert encode_input(CollectionInput(text="a")) == b'{"text":"a"}'
