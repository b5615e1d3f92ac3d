"""Ends a process when its parent ends, so that even a killed stack leaves no process behind. Linux only."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def die_with_parent(ending: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn`: the kernel sends the child `ending` when its parent ends. None on other systems than Linux.

    The default is SIGKILL: Redis ends at that moment too, and leases make a killed worker harmless.
    The kernel takes the thread that forks for the parent, so processes are started in the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def request_signal() -> None:
        prctl(PR_SET_PDEATHSIG, ending)
        if os.getppid() != parent:  # the parent ended before the request was made
            os._exit(1)

    return request_signal


def stop_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends. Does nothing on other systems than Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
