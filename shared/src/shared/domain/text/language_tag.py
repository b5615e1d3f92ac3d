"""Tags of the languages of study material, as BCP 47 (RFC 5646) writes them: `fr`, `pt-BR`, `zh-Hant`."""

from typing import Annotated

from msgspec import Meta

MAX_TAG_CHARACTERS = 35
"""The length that RFC 5646 asks every reader of tags to support, in characters."""

PREFERRED_TAGS = {
    "art-lojban": "jbo",
    "en-gb-oed": "en-GB-oxendict",
    "i-ami": "ami",
    "i-bnn": "bnn",
    "i-hak": "hak",
    "i-klingon": "tlh",
    "i-lux": "lb",
    "i-navajo": "nv",
    "i-pwn": "pwn",
    "i-tao": "tao",
    "i-tay": "tay",
    "i-tsu": "tsu",
    "no-bok": "nb",
    "no-nyn": "nn",
    "sgn-be-fr": "sfb",
    "sgn-be-nl": "vgt",
    "sgn-ch-de": "sgg",
    "zh-guoyu": "cmn",
    "zh-hakka": "hak",
    "zh-min-nan": "nan",
    "zh-xiang": "hsn",
}
"""The tags that RFC 5646 keeps for history (grandfathered), in small letters, with the tag that replaces each."""
PREFERRED_LANGUAGES = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro"}
"""Old language subtags, with those that the registry prefers."""


def _in_any_case(tag: str) -> str:
    """A pattern for the tag in letters of any case. A pattern for all readers of the API has no flag for that."""
    return "".join(f"[{char.upper()}{char}]" if char.isalpha() else char for char in tag)


_IRREGULAR = (
    "en-gb-oed",
    *(tag for tag in PREFERRED_TAGS if tag.startswith(("i-", "sgn-"))),
)
"""Those of the tags kept for history that are not formed like others."""

TAG_PATTERN = (
    r"^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}"  # language and its extensions; longer ones are reserved or unused
    r"(-[A-Za-z]{4})?"  # script
    r"(-([A-Za-z]{2}|[0-9]{3}))?"  # region
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"  # variants
    r"(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*"  # extensions
    r"(-[Xx](-[A-Za-z0-9]{1,8})+)?"  # private use
    f"|{'|'.join(map(_in_any_case, _IRREGULAR))})"
    r"$(?!\n)"  # Python's `$` would allow a newline after it
)

LanguageTag = Annotated[str, Meta(pattern=TAG_PATTERN, max_length=MAX_TAG_CHARACTERS)]
"""A well-formed tag of at most `MAX_TAG_CHARACTERS` that names a language. Tags of private use alone (`x-…`) name none, and neither
do `i-default`, `i-enochian` and `i-mingo`: no model knows what is meant."""

_RELATED = (
    *(
        frozenset({"no", "nb", "nn", "da"}),
        frozenset({"id", "ms", "jv"}),
        frozenset({"bs", "hr", "sr", "sl"}),
    ),
    *(
        frozenset({"cs", "sk"}),
        frozenset({"bg", "mk"}),
        frozenset({"hi", "mr", "ne"}),
        frozenset({"af", "nl"}),
    ),
    *(frozenset({"gl", "pt"}), frozenset({"gl", "es"}), frozenset({"ca", "oc"}), frozenset({"xh", "zu"})),
    *(
        frozenset({"fil", "tl"}),
        frozenset({"zh", "cmn", "yue", "wuu", "nan", "hak", "hsn"}),
        frozenset({"fa", "pes", "prs"}),
    ),
    *(frozenset({"ar", "arb", "arz"}), frozenset({"he", "iw"})),
)
"""Languages so alike that a detector confuses them in a few sentences, and other names of one language."""


def canonical_tag(tag: str) -> str:
    """The tag that the registry prefers, in the case that RFC 5646 recommends: `zh-hant-tw` becomes `zh-Hant-TW`, and `i-klingon`
    `tlh`."""
    if preferred := PREFERRED_TAGS.get(tag.lower()):
        return preferred
    first, *rest = tag.split("-")
    parts = [PREFERRED_LANGUAGES.get(first.lower(), first.lower())]
    for part in rest:
        follows_singleton = any(len(earlier) == 1 for earlier in parts)
        parts.append(part.lower() if follows_singleton else _subtag_case(part))
    return "-".join(parts)


def primary_language(tag: str) -> str:
    """The language subtag: `pt` of `pt-BR`."""
    return tag.partition("-")[0].lower()


def is_same_language(one: str, other: str) -> bool:
    """Whether two tags name the same language, or two that are too alike to be told apart."""
    pair = {primary_language(one), primary_language(other)}
    return len(pair) == 1 or any(pair <= related for related in _RELATED)


def _subtag_case(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()
