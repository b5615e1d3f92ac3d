"""Counts tokens as OpenAI's models do (o200k), offline."""

from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Protocol, cast

ENCODING = "o200k_base"


def count_tokens(text: str) -> int:
    """How many tokens `text` is. Linear in its length whatever it holds: a megabyte of one letter takes milliseconds.

    The first call loads the vocabulary: 50 ms and some 65 MB, which a process that never counts never pays.
    """
    return _vocabulary().count(without_surrogates(text))


def warm_up() -> None:
    """Load the vocabulary now, so that no request waits for it."""
    count_tokens("")


def without_surrogates(text: str) -> str:
    """`text` as it can be sent: JSON may smuggle in half a character (`"\\ud83d"`), which UTF-8 cannot carry.

    Two halves that belong together become the character they are; a lone one becomes U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class _Vocabulary(Protocol):
    def count(self, text: str, /) -> int: ...


class _Bindings(Protocol):
    def tokenizer_for_encoding(self, name: str, /) -> _Vocabulary: ...


@lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    """The tokenizer itself, past the package around it, whose import reads every vocabulary a second time into Python
    objects: ten times the start and twice the memory, for calls that are not made here."""
    package = find_spec("bpe_openai")
    assert package is not None
    spec = PathFinder.find_spec("_bindings", package.submodule_search_locations)
    assert spec is not None
    assert spec.loader is not None
    bindings = module_from_spec(spec)
    spec.loader.exec_module(bindings)
    return cast(_Bindings, bindings).tokenizer_for_encoding(ENCODING)
