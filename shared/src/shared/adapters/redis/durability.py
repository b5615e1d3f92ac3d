"""Waiting until what was written is where it should be: on the disk, or at a replica.

`WAITAOF` and `WAIT` speak of what their own connection wrote: they travel behind the commands they confirm.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from shared.domain.jobs.submission import Durability

CONFIRM_MS = 3_000
"""Longer than the second between two syncs, shorter than a command may take."""
CONFIRMATIONS: dict[Durability, tuple[str | int, ...]] = {
    Durability.MEMORY: (),
    Durability.AOF: ("WAITAOF", 1, 0, CONFIRM_MS),
    Durability.REPLICA: ("WAIT", 1, CONFIRM_MS),
}


class Unconfirmed(Struct, frozen=True):
    """An answer to a write that may not be where it should be."""

    answer: Any


def is_confirmed(word: Any) -> bool:
    """Whether `WAITAOF` (local and remote files) or `WAIT` (replicas) counted what was asked for."""
    if isinstance(word, Exception):
        return False
    return cast(int, word[0] if isinstance(word, list) else word) >= 1


def confirms_early(server: Mapping[str, Any], appendfsync: str) -> bool:
    """Whether `WAITAOF` may answer before the sync: Redis 7.4 and Valkey do, where syncs are a second apart.

    `server` is that section of `INFO`.
    """
    is_of_those = server.get("server_name") == "valkey" or str(server["redis_version"]).startswith("7.4.")
    return is_of_those and appendfsync == "everysec"


def mark(told: Sequence[Any]) -> list[Any]:
    """The answers before the last one, which is the confirmation of them all; errors stay what they are."""
    *answers, word = told
    if is_confirmed(word):
        return answers
    return [answer if isinstance(answer, Exception) else Unconfirmed(answer) for answer in answers]
