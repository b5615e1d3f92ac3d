"""Finds who speaks when in a transcript, so that what is said is read as prose."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from shared.domain.text.span import Span, line_start, trimmed

MIN_TIMES = 2
"""Lines with a time from which a text is a transcript."""
MIN_TURNS = 3
"""Lines with a speaker, of whom one speaks again, from which a text is a transcript."""
_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_NAME = r"[^\W\d_][^\n:.!?;,|()\[\]]{0,38}"
_SPEAKER = rf"\**(?P<speaker>{_NAME}(?:\.[ \t]{_NAME})?)\**[ \t]*(?:[\[(](?P<later>{_TIME})[\])])?[ \t]?:\**(?=\s|\Z)[ \t]*"
_NAMED_TURN = re.compile(rf"[ \t>]*{_SPEAKER}")
_TIMED_TURN = re.compile(
    rf"[ \t>]*[\[(]?(?P<time>{_TIME})[\])]?(?:[ \t]*-->[ \t]*{_TIME}[^\n]*)?[ \t]*(?:[-–—][ \t]*)?(?:{_SPEAKER})?"
)
_COLON = re.compile(r":(?=\s|\Z)|\d:\d\d")
_MAX_SPEAKER_WORDS = 4


class Turn(NamedTuple):
    """A line of a transcript."""

    span: Span
    said: Span
    """What is said; empty if that stands on the next lines."""
    speaker: Span
    """Empty if the line has only a time."""
    time: Span
    """Empty if the line has only a speaker."""


def turns(text: str) -> list[Turn]:
    """The turns in order; none if the text is no transcript."""
    found = list(_candidates(text))
    speakers = Counter(turn.speaker.of(text) for turn in found if turn.speaker.end > turn.speaker.start)
    is_dialogue = speakers.total() >= MIN_TURNS and len(speakers) > 1 and max(speakers.values()) > 1
    timed = [turn for turn in found if turn.time.end > turn.time.start]
    if len(timed) >= MIN_TIMES:
        return found if is_dialogue else timed
    return found if is_dialogue else []


def _candidates(text: str) -> Iterator[Turn]:
    """The lines that begin with a time or a name before a colon."""
    end = -1
    for colon in _COLON.finditer(text):
        if colon.start() < end:
            continue
        start = line_start(text, colon.start())
        stop = text.find("\n", colon.start())
        end = len(text) if stop < 0 else stop
        match = _TIMED_TURN.match(text, start, end) or _NAMED_TURN.match(text, start, end)
        if match is not None and (match.re is _TIMED_TURN or _is_name(match["speaker"])):
            yield _turn(text, match, end)


def _is_name(name: str) -> bool:
    return name[0].isupper() and len(name.split()) <= _MAX_SPEAKER_WORDS


def _turn(text: str, match: re.Match[str], end: int) -> Turn:
    said = trimmed(text, match.end(), end)
    groups = match.groupdict()
    time = "time" if groups.get("time") else "later"
    speaker, when = (
        trimmed(text, *match.span(name)) if groups[name] else Span(said.start, said.start)
        for name in ("speaker", time)
    )
    return Turn(Span(match.start(), max(said.end, match.start())), said, speaker, when)
