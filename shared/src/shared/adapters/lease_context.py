"""Whether the job at hand is still ours: asked right before money is spent for it.

A fence keeps a late owner from writing, not from buying. One whose connections carried nothing for a while may be late
without knowing it: only its own clock can tell it that its lease may be over.
"""

from collections.abc import Callable
from contextvars import ContextVar


def _owns_itself() -> bool:
    return True


is_ours: ContextVar[Callable[[], bool]] = ContextVar("is_ours", default=_owns_itself)
"""Set by whoever runs an attempt; what has no lease, a chat's answer, is always its own."""
