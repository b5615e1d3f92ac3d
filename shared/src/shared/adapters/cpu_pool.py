"""A thread pool for CPU-bound work: segmenting texts, checking drafts, making items by rules (decision 21).

Python runs one thread at a time. Each computing thread keeps the event loop waiting for up to the interpreter's switch
interval, once per turn of the loop. With many threads and the default interval, a hundred texts at once would make a
Redis command take seconds, and leases of live attempts would run out. Hence few threads and a short interval.
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

THREADS = 2
"""Two, so that a book does not keep all short texts waiting. More would not be faster, and would slow the loop."""
SWITCH_SECONDS = 0.000_5
"""The interpreter's switch interval: how long the loop waits for a computing thread. A tenth of Python's default."""

_threads = ThreadPoolExecutor(
    THREADS, thread_name_prefix="cpu-pool", initializer=sys.setswitchinterval, initargs=(SWITCH_SECONDS,)
)


async def run_in_cpu_pool(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Return what `work` returns, or raise what it raises. Cancellation ends the waiting, but not work that has begun."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, work, *args)
