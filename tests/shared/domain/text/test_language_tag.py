"""Which language tags are accepted, and how they are written."""

from collections.abc import Callable

import msgspec
import pytest

from shared.domain.study.material import Options
from shared.domain.text.language_names import language_name
from shared.domain.text.language_tag import (
    MAX_TAG_CHARACTERS,
    PREFERRED_TAGS,
    canonical_tag,
    is_same_language,
)


def read_tag(tag: object) -> str | None:
    return msgspec.json.decode(msgspec.json.encode({"language": tag}), type=Options).language


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "fr",
            "en",
            "de",
            "gsw",
            "pt-BR",
            "es-419",
            "zh-Hant",
            "zh-Hant-TW",
            "sr-Latn-RS",
            "de-CH-1996",
            "sl-rozaj",
        ),
        *("zh-yue", "de-DE-u-co-phonebk", "en-a-bbb-x-a-ccc", "hy-Latn-IT-arevela", "de-x-goethe"),
    ],
)
def test_a_well_formed_tag_is_kept(tag: str):
    assert read_tag(tag) == tag


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [
        *(("FR", "fr"), ("En-us", "en-US"), ("ZH-HANT-tw", "zh-Hant-TW"), ("sr-latn", "sr-Latn")),
        *(
            ("de-de-U-CO-PhoneBk", "de-DE-u-co-phonebk"),
            ("de-X-GOETHE", "de-x-goethe"),
            ("DE-1901", "de-1901"),
        ),
    ],
)
def test_a_tag_is_written_in_canonical_case(tag: str, canonical: str):
    assert read_tag(tag) == canonical_tag(tag) == canonical


@pytest.mark.parametrize(("tag", "preferred"), PREFERRED_TAGS.items())
@pytest.mark.parametrize("written", [str.lower, str.upper, str.title], ids=lambda written: written.__name__)
def test_a_tag_kept_for_history_becomes_the_one_that_replaces_it(
    tag: str, preferred: str, written: Callable[[str], str]
):
    assert read_tag(written(tag)) == preferred == canonical_tag(preferred)


@pytest.mark.parametrize(
    ("tag", "preferred"), [("iw", "he"), ("IW-il", "he-IL"), ("in", "id"), ("ji", "yi"), ("mo-MD", "ro-MD")]
)
def test_an_old_subtag_becomes_the_one_that_replaces_it(tag: str, preferred: str):
    assert read_tag(tag) == preferred


@pytest.mark.parametrize("tag", ["zh-min", "cel-gaulish"])
def test_a_tag_kept_for_history_that_nothing_replaces_stays_as_it_is(tag: str):
    assert read_tag(tag) == tag


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "",
            "f",
            "english",
            "de_DE",
            "fr-",
            "-fr",
            "fr--CA",
            "12",
            "français",
            "fr FR",
            "fr\n",
            "x-own",
            "X-Whatever",
            "i-default",
            "i-enochian",
            "i-mingo",
            "i-klingon-x",
            "i-unheard",
            "en-GB-oedx",
        ),
        *("pt-BR-BR", "en-x", "de-u", "a" * 2_000, "de-" + "abcde-" * 8 + "abcde", 7, ["fr"]),
    ],
)
def test_a_malformed_tag_is_refused(tag: object):
    with pytest.raises(msgspec.ValidationError, match=r"\$\.language"):
        read_tag(tag)


def test_the_longest_tag_is_accepted():
    longest = "de-" + "abcde-" * 4 + "abcdefgh"
    assert len(longest) == MAX_TAG_CHARACTERS
    assert read_tag(longest) == longest
    with pytest.raises(msgspec.ValidationError):
        read_tag(longest + "-x-a")


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        *(("pt", "pt-BR", True), ("zh-Hant", "zh", True), ("nb", "no", True), ("no", "da", True)),
        *(("es", "pt", False), ("fr", "en", False), ("da", "de", False), ("ja", "zh", False)),
    ],
)
def test_regions_and_close_relatives_are_one_language(one: str, other: str, are_same: bool):
    assert is_same_language(one, other) is is_same_language(other, one) is are_same


@pytest.mark.parametrize(
    ("tag", "name"), [("de", "German"), ("pt-BR", "Portuguese (pt-BR)"), ("gsw-CH", "the language gsw-CH")]
)
def test_a_language_has_a_name(tag: str, name: str):
    assert language_name(tag) == name
