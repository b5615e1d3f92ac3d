"""Ties a child's life to ours, so that even a killed stack leaves no process behind."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs between fork and exec: the kernel kills it when its parent ends. None where there is no such thing.

    Killed, not asked: Redis is gone at that moment too, and leases make a killed worker harmless.
    The parent is the thread that forks, so this belongs in the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the tie was made
            os._exit(1)

    return tie
