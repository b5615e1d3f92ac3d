"""What happened in a run, as facts: what users asked and heard, what was broken, what was left. One JSON object a line.

Times are Unix seconds of one machine. The checker reads nothing else.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct


class Entry(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """One line."""


class Started(Entry, frozen=True, kw_only=True):
    """The run itself: with the same seed and sizes the same is asked and the same is broken."""

    seed: int
    jobs: int
    drill: str


class Submitted(Entry, frozen=True, kw_only=True):
    """A request to make something, and its answer."""

    at: float
    answered_at: float
    user: str
    kind: str
    key: str = ""
    """Idempotency key."""
    status: int = 0
    """0: no answer came."""
    job_id: str = ""
    code: str = ""
    """Why it was refused."""

    @property
    def is_accepted(self) -> bool:
        return self.status in (200, 202)

    @property
    def is_unclear(self) -> bool:
        """Nobody knows whether it was accepted."""
        return self.status == 0 or self.status >= 500


class Asked(Entry, frozen=True, kw_only=True):
    """A question to chat, and what came back. Each time it is asked is a line."""

    at: float
    answered_at: float
    user: str
    request_id: str
    is_stream: bool = False
    collection_owner: str = ""
    """Whose collection it was about; nobody's if empty."""
    status: int = 0
    """0: no answer came."""
    code: str = ""
    tokens: int = -1
    """What the answer says it cost; -1: it did not come to its end."""


class Settled(Entry, frozen=True, kw_only=True):
    """What chat says it charged for one question."""

    at: float
    request_id: str
    tokens: int


class Cancelled(Entry, frozen=True, kw_only=True):
    """A user's wish to end a job."""

    at: float
    user: str
    job_id: str
    status: int


class Peeked(Entry, frozen=True, kw_only=True):
    """A look at somebody else's job."""

    at: float
    user: str
    job_id: str
    status: int


class Connected(Entry, frozen=True, kw_only=True):
    """A listener's connection. `after` is the last event it had heard."""

    at: float
    listener: str
    user: str
    job_id: str = ""
    """Only this job's events; all of the user's if empty."""
    after: str = ""
    status: int = 0


class Heard(Entry, frozen=True, kw_only=True):
    """One event at a listener."""

    at: float
    listener: str
    event_id: str
    job_id: str
    name: str


class Told(Entry, frozen=True, kw_only=True):
    """One event of a user's log, as it stood at the end."""

    user: str
    event_id: str
    job_id: str
    name: str
    status: str = ""
    attempt: int = 0
    code: str = ""
    retry_at: float = 0.0
    """Of a retry: when it is due, on the server's clock."""

    @property
    def at(self) -> float:
        """When the server wrote it."""
        return int(self.event_id.partition("-")[0]) / 1000


class Struck(Entry, frozen=True, kw_only=True):
    """One fault, from its beginning until everything was as before."""

    at: float
    healed_at: float
    name: str
    target: str = ""
    jobs: tuple[str, ...] = ()
    """Those whose worker it took away."""
    poison: str = ""
    """The job that did it, if one did."""
    note: str = ""
    """What was wrong with how it went."""


class Called(Entry, frozen=True, kw_only=True):
    """One provider call, as the provider saw it."""

    call_id: str
    started_at: float
    ended_at: float
    state: str
    status: int = 0
    fault: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def job_id(self) -> str:
        return self.call_id.partition("/")[0]

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def is_good(self) -> bool:
        """It was answered as it should be: it is paid for, and should never be bought again."""
        return self.state == "answered" and self.status == 200 and self.fault in ("", "drip")


class Saved(Entry, frozen=True, kw_only=True):
    """One row of Postgres."""

    job_id: str
    user: str
    kind: str
    state: str
    attempt: int
    tokens: int
    windows: tuple[str, ...]
    created_at: float
    finished_at: float
    code: str = ""


class Shown(Entry, frozen=True, kw_only=True):
    """What a job's owner is shown of it at the end."""

    user: str
    job_id: str
    status: int
    state: str = ""


class Counted(Entry, frozen=True, kw_only=True):
    """One budget window, as Redis has it at the end."""

    user: str
    window: str
    used: int
    held: int


class Left(Entry, frozen=True, kw_only=True):
    """What is left in Redis at the end: lengths by what they are of, and keys that never expire."""

    lengths: dict[str, int]
    lasting_keys: tuple[str, ...]


class Complained(Entry, frozen=True, kw_only=True):
    """How often a process logged a warning or an error within one second."""

    at: float
    service: str
    event: str = ""
    count: int


class Logged(Entry, frozen=True, kw_only=True):
    """How often a process said something."""

    service: str
    event: str
    count: int


Line = (
    Started | Submitted | Asked | Settled | Cancelled | Peeked | Connected | Heard | Told | Struck | Called | Saved
    | Shown | Counted | Left | Logged | Complained
)  # fmt: skip
Record = Callable[[Line], None]
"""Takes what happened."""

_decoder = msgspec.json.Decoder(Line)


def write_history(path: Path, lines: Iterable[Line]) -> None:
    with path.open("wb") as file:
        file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)


def read_history(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        yield from map(_decoder.decode, file)
