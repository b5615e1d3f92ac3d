"""Ties a process's life to its parent's, so that even a killed stack leaves nothing behind."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def die_with_parent(ending: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """What a child runs between fork and exec: the kernel sends it `ending` when its parent ends. None where there is
    no such thing.

    Services are killed, not asked: Redis goes at that moment too, and leases make a killed worker harmless.
    The parent is the thread that forks, so this belongs in the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, ending)
        if os.getppid() != parent:  # it ended before the tie was made
            os._exit(1)

    return tie


def stop_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends. Does nothing where there is no such thing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
