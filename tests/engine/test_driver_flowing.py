"""The driver while time moves by itself, and those who sleep by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvloop

from simulator.core.command import Wait
from simulator.core.message import Call, State, Wake
from simulator.engine import driver as driver_module
from tests.engine.driving import FAST, SPEAKS, Performer, driver_of, go, slept, turns
from tests.worlds import DAY_US, HOUR_US, SECOND_US, START_US, URL, kinds, sms

if TYPE_CHECKING:
    from collections.abc import Callable


# Sleepers.


def test_sleepers_until_one_instant_share_one_entry_also_after_they_left() -> None:
    async def scene() -> None:
        driver = driver_of()
        until_us = START_US + HOUR_US
        for _ in range(5):
            task = asyncio.create_task(slept(driver, until_us))
            await turns()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        both = [asyncio.create_task(slept(driver, until_us)) for _ in range(2)]
        await turns()
        assert len(driver.world.gateway.waits) == 1
        assert await driver.advance(START_US + DAY_US) == 1
        await turns()
        assert [task.result() for task in both] == [START_US + HOUR_US] * 2
        assert not driver.world.gateway.waits

    go(scene)


def test_a_stop_lets_sleepers_go_and_ends_an_advance() -> None:
    async def scene() -> None:
        perform = Performer(outcome=None)
        driver = driver_of(perform)
        sleeper = asyncio.create_task(slept(driver, START_US + 2 * HOUR_US))
        driver.alarm(START_US + HOUR_US, URL)
        walk = asyncio.create_task(driver.advance(START_US + DAY_US))
        await turns()
        driver.stop()
        perform.answer()
        assert await walk == 1
        assert await sleeper == driver.now() == START_US + HOUR_US
        assert await slept(driver, START_US + DAY_US) == START_US + HOUR_US

    go(scene)


def test_time_stands_still_until_a_sleeper_has_been_told() -> None:
    async def scene() -> None:
        driver = driver_of()
        told = asyncio.Event()

        async def sleeper() -> None:
            async with driver.slept(START_US + HOUR_US):
                await told.wait()

        task = asyncio.create_task(sleeper())
        await turns()
        walk = asyncio.create_task(driver.advance(START_US + DAY_US))
        await turns()
        assert (walk.done(), driver.now(), driver.outstanding) == (False, START_US + HOUR_US, 1)
        told.set()
        await asyncio.gather(task, walk)
        assert (driver.now(), driver.outstanding) == (START_US + DAY_US, 0)

    go(scene)


def test_a_sleeper_that_leaves_as_it_is_woken_holds_nothing_up() -> None:
    async def scene() -> None:
        driver = driver_of()
        task = asyncio.create_task(slept(driver, START_US + HOUR_US))
        driver.stir = task.cancel
        await turns()
        assert await driver.advance(START_US + DAY_US) == 1
        assert (task.cancelled(), driver.outstanding) == (True, 0)

    go(scene)


def test_sleepers_survive_a_reset() -> None:
    async def scene() -> None:
        driver = driver_of()
        sleeper = asyncio.create_task(slept(driver, START_US + HOUR_US))
        await turns()
        driver.world.reset()
        driver.poke()
        await driver.advance(START_US + DAY_US)
        await sleeper

    go(scene)


def test_waits_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "WAITS_MAX", 2)

    async def scene() -> None:
        driver = driver_of()
        for hours in (1, 2):
            assert not driver.crowded
            driver.alarm(START_US + hours * HOUR_US, URL)
        assert driver.crowded

    go(scene)


# Time that moves by itself.


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_scaled_time_runs_what_is_due_and_wakes_who_sleeps(run: Callable[..., None]) -> None:
    async def scene() -> None:
        perform = Performer()
        driver = driver_of(perform, FAST)
        driver.start()
        driver.submit(sms(**SPEAKS))
        driver.alarm(driver.now() + DAY_US, URL)
        assert await slept(driver, driver.now() + 30 * DAY_US) >= START_US + 30 * DAY_US
        await turns()
        driver.stop()
        states = [effect.state for effect in perform.begun if isinstance(effect, Call)]
        assert states == [State.SENDING, State.SENT, State.DELIVERED]
        assert sum(isinstance(effect, Wake) for effect in perform.begun) == 1
        assert driver.lag_us_max > 0
        assert driver.stirred == 0

    run(scene())


def test_a_submission_cuts_a_long_sleep_short() -> None:
    async def scene() -> None:
        driver = driver_of(None, 1.0)
        driver.start()
        driver.submit(Wait(driver.now() + 365 * DAY_US, -1))
        await turns()
        assert driver._sleeping_long
        driver.set_rate(FAST / 1000)
        driver.submit(sms())
        await slept(driver, driver.now() + 60 * SECOND_US)
        driver.stop()
        assert "Receipted" in kinds(driver.world)

    go(scene)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("rate", [1.0, 1e-9, 5e-324])
def test_no_sleep_is_too_long_for_the_loop(run: Callable[..., None], rate: float) -> None:
    async def scene() -> None:
        driver = driver_of(None, rate)
        driver.start()
        driver.alarm(START_US + 60_000 * DAY_US, URL)
        await turns()
        driver.stop()

    run(scene())


def test_a_bug_in_one_step_does_not_stop_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        reported: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: reported.append(told))
        driver = driver_of(None, FAST)
        run_due = driver.world.gateway.run_due
        calls = iter([ZeroDivisionError])

        def broken(now_us: int) -> int:
            for error in calls:
                raise error
            return run_due(now_us)

        monkeypatch.setattr(driver.world.gateway, "run_due", broken)
        driver.start()
        driver.submit(sms())
        await slept(driver, driver.now() + DAY_US)
        driver.stop()
        assert len(reported) == 1
        assert "Receipted" in kinds(driver.world)

    go(scene)


def test_a_driver_tells_how_late_it_is() -> None:
    async def scene() -> None:
        driver = driver_of()
        assert driver.lag_us() == 0
        driver.submit(sms())
        assert driver.lag_us() == 0
        driver.clock.jump(START_US + DAY_US)
        assert 0 < driver.lag_us() < DAY_US
        assert driver.now() < START_US + SECOND_US
        await driver.advance(START_US + DAY_US)
        assert driver.lag_us() == 0

    go(scene)
