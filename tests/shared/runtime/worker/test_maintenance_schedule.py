"""The schedule forgets nothing that is announced while maintenance acts."""

import asyncio
import time

from tests.deadline import DEADLINE_SECONDS

from shared.runtime.worker.maintenance.maintenance_schedule import MaintenanceSchedule


def test_the_first_sweep_is_due_at_once_and_no_promotion_is() -> None:
    schedule = MaintenanceSchedule(lambda: 100.0)
    assert schedule.take_sweep()
    assert not schedule.take_sweep()
    assert not schedule.take_promotion()


def test_what_is_announced_while_maintenance_acts_is_not_put_off() -> None:
    schedule = MaintenanceSchedule(lambda: 100.0)
    assert schedule.take_sweep()
    schedule.sweep_within(0)
    schedule.sweep_within(6)
    assert schedule.take_sweep()

    schedule.promote_within(0)
    assert schedule.take_promotion()
    schedule.promote_within(-1)
    schedule.promote_within(float("inf"))
    assert schedule.take_promotion()


async def test_a_time_that_is_brought_forward_ends_the_wait() -> None:
    schedule = MaintenanceSchedule(time.monotonic)
    assert schedule.take_sweep()
    waiting = asyncio.create_task(schedule.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    schedule.promote_within(0)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await waiting
