"""What chat owes: an answer costs what it says, and what nobody can know for sure has its bounds."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.chaos.checker.evidence import FLUSH, History, Violation
from tests.chaos.history.history import Asked, Struck

SOON = 2.0
"""Seconds until chat has settled an answer whose reader left or whose gateway died."""
DEAREST_ANSWER = 16_000
"""Tokens: above any hold of a question that is asked here."""
STRIKES_CHAT = ("chat killed", "Redis ", "connections cut", FLUSH)
"""How the names of the faults begin after which nobody may know what was charged."""

Spent = Counter[tuple[str, str]]
"""Tokens by user and window."""


def charges_what_it_tells(history: History) -> Iterator[Violation]:
    """An answer that came to its end was settled, and cost what it says."""
    for asked in history.of(Asked):
        settled = history.settled.get(asked.request_id)
        charged = settled.tokens if settled else 0
        if (
            asked.tokens >= 0
            and asked.tokens != charged
            and not (settled is None and _is_unclear(history, asked))
        ):
            what = f"{asked.request_id} says {asked.tokens}, and {charged} were charged"
            yield Violation("charges what it tells", what, (asked, *((settled,) if settled else ())))


def least_and_most(history: History) -> tuple[Spent, Spent]:
    """What chat may have charged each user. More than is known only where it was struck between charging and saying so."""
    least, most = Spent(), Spent()
    for asked in history.of(Asked):
        settled = history.settled.get(asked.request_id)
        unclear = DEAREST_ANSWER if settled is None and _is_unclear(history, asked) else 0
        for window in _windows(asked.at):
            least[asked.user, window] += settled.tokens if settled else 0
            most[asked.user, window] += settled.tokens if settled else unclear
    return least, most


def _is_unclear(history: History, asked: Asked) -> bool:
    """Whether chat or Redis went away while it was being answered, and nobody refused it."""
    is_refused = 400 <= asked.status < 500
    return not is_refused and any(
        fault.at <= asked.answered_at + SOON and asked.at <= fault.healed_at
        for fault in history.of(Struck)
        if fault.name.startswith(STRIKES_CHAT)
    )


def _windows(at: float) -> tuple[str, str]:
    day = datetime.fromtimestamp(at, UTC)
    return f"day:{day:%Y-%m-%d}", f"month:{day:%Y-%m}"
