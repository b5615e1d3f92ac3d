"""Confirmation that a write has reached the disk or a replica.

`WAITAOF` and `WAIT` cover the writes of their own connection only, so they are sent behind the commands they confirm.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from shared.domain.jobs.submission import Durability

CONFIRM_MS = 3_000
"""Timeout of a confirmation, in milliseconds: above the second between two AOF syncs, below COMMAND_SECONDS."""
CONFIRMATIONS: dict[Durability, tuple[str | int, ...]] = {
    Durability.MEMORY: (),
    Durability.AOF: ("WAITAOF", 1, 0, CONFIRM_MS),
    Durability.REPLICA: ("WAIT", 1, CONFIRM_MS),
}
"""The command that confirms a write at each level of durability; empty means no confirmation."""


class Unconfirmed(Struct, frozen=True):
    """The reply to a write that was not confirmed in time and may be lost."""

    answer: Any


def is_confirmed(confirmation: Any) -> bool:
    """Whether `WAITAOF` (counts of local and remote files) or `WAIT` (count of replicas) reports at least one."""
    if isinstance(confirmation, Exception):
        return False
    return cast(int, confirmation[0] if isinstance(confirmation, list) else confirmation) >= 1


def confirms_early(server: Mapping[str, Any], appendfsync: str) -> bool:
    """Whether `WAITAOF` may reply before the sync. Redis 7.4 and Valkey do so with `appendfsync everysec`.

    `server` is the `server` section of `INFO`.
    """
    is_affected = server.get("server_name") == "valkey" or str(server["redis_version"]).startswith("7.4.")
    return is_affected and appendfsync == "everysec"


def mark(replies: Sequence[Any]) -> list[Any]:
    """Split off the last reply, which confirms the others, and return those; wrapped as `Unconfirmed`, except for
    errors, if it does not."""
    *answers, confirmation = replies
    if is_confirmed(confirmation):
        return answers
    return [answer if isinstance(answer, Exception) else Unconfirmed(answer) for answer in answers]
