"""A worker that can be made to misbehave as no fault from the outside could: `python -m tests.chaos.fleet.misbehaving_worker ai_worker`.

SIGUSR1 blocks its event loop, as a handler that computes for too long would. `--clock SECONDS` sets the clock that it
reads wrong by so much. Everything else is the worker as it is.
"""

import argparse
import runpy
import signal
import time

BLOCK = signal.SIGUSR1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clock", type=float, default=0.0, help="seconds its clock is ahead")
    parser.add_argument("--block", type=float, default=0.0, help="seconds that its event loop stands still")
    parser.add_argument("module")
    options = parser.parse_args()
    if options.clock:
        _set_clock(options.clock)
    # Python runs it in the main thread, between two steps of the event loop; other threads go on.
    signal.signal(BLOCK, lambda _number, _frame: _stand_still(options.block))
    runpy.run_module(options.module, run_name="__main__", alter_sys=True)


def _stand_still(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - that nothing else can go on is what it is for


def _set_clock(ahead: float) -> None:
    true_time = time.time
    time.time = lambda: true_time() + ahead


if __name__ == "__main__":
    main()
