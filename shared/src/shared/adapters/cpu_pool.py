"""Pure work that takes a while, beside the event loop: reading texts, checking drafts, making cards by rules.

Python runs one thread at a time. A thread that computes keeps the loop waiting for the interpreter's switch interval at
each of the loop's turns, and every more thread as long again: few threads and a short interval, or a hundred texts at
once make a Redis command take seconds, and leases run out that somebody lives for.
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

THREADS = 2
"""A book must not keep all the short texts waiting; more threads would not be quicker, and the loop slower."""
SWITCH_SECONDS = 0.000_5
"""A tenth of Python's own: what the loop waits for a thread that computes."""

_threads = ThreadPoolExecutor(
    THREADS, thread_name_prefix="thinking", initializer=sys.setswitchinterval, initargs=(SWITCH_SECONDS,)
)


async def run_in_cpu_pool(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """What `work` returns, or raises. Cancelled, nobody waits for it any more; what began goes on to its end."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, work, *args)
