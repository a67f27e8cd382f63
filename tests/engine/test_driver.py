"""The driver in stepped time: instant by instant, with whoever performs effects played by us."""

from __future__ import annotations

import asyncio

import pytest

from simulator.core.account import Retry
from simulator.core.message import Call, State
from simulator.engine import driver as driver_module
from simulator.engine.clock import Clock
from simulator.engine.driver import Driver
from tests.engine.driving import SPEAKS, Performer, driver_of, go, slept, turns
from tests.worlds import (
    DAY_US,
    HOUR_US,
    OK,
    SECOND_US,
    START_US,
    UNREACHABLE,
    URL,
    account,
    facts,
    habits,
    kinds,
    phone,
    sms,
    world,
)


def test_an_advance_lives_through_every_instant_and_stands_at_its_end() -> None:
    async def scene() -> None:
        driver = driver_of()
        driver.submit(sms())
        assert await driver.advance(START_US + DAY_US) == 4
        assert driver.now() == START_US + DAY_US
        assert kinds(driver.world) == ["Accepted", "Sending", "Sent", "Delivered", "Receipted"]

    go(scene)


def test_time_stands_still_until_every_outcome_is_there() -> None:
    async def scene() -> None:
        perform = Performer(outcome=None)
        driver = driver_of(perform)
        driver.submit(sms(**SPEAKS))
        walk = asyncio.create_task(driver.advance(START_US + DAY_US))
        for state in (State.SENDING, State.SENT, State.DELIVERED):
            await turns()
            (call,) = perform.begun[-1:]
            assert isinstance(call, Call)
            assert (call.state, driver.now(), driver.outstanding) == (state, call.due_us, 1)
            assert not walk.done()
            perform.answer()
        await walk
        assert driver.now() == START_US + DAY_US
        told = [fact for fact in kinds(driver.world) if fact == "Told"]
        assert len(told) == 3

    go(scene)


def test_a_planned_retry_is_never_skipped() -> None:
    async def scene() -> None:
        retry = Retry(delays_us=(SECOND_US, HOUR_US))
        driver = driver_of(Performer(UNREACHABLE), 0.0, account(retry=retry))
        driver.submit(sms(**{**SPEAKS, "notify": 1 << State.SENDING}))
        await driver.advance(START_US + 30 * DAY_US)
        tried = [fact for fact in facts(driver.world) if type(fact).__name__ == "CallbackTried"]
        first_us = tried[0].at_us
        assert [fact.at_us - first_us for fact in tried] == [
            0,
            SECOND_US + 1,
            SECOND_US + HOUR_US + 2,
        ]
        assert kinds(driver.world)[-1] == "CallbackAbandoned"

    go(scene)


def test_waits_and_alarms_are_never_jumped_over() -> None:
    async def scene() -> None:
        perform = Performer()
        driver = driver_of(perform)
        seen: list[tuple[str, int]] = []

        async def sleeper(hours: int) -> None:
            assert await slept(driver, START_US + hours * HOUR_US) == START_US + hours * HOUR_US
            seen.append(("woken", driver.now() - START_US))
            if hours < 30:  # plans again from where it stands
                await sleeper(hours + 7)

        task = asyncio.create_task(sleeper(1))
        driver.alarm(START_US + 10 * HOUR_US, URL)
        await turns()
        driver.quiet = turns
        await driver.advance(START_US + 7 * DAY_US)
        await task
        assert [at_us for _, at_us in seen] == [hours * HOUR_US for hours in (1, 8, 15, 22, 29, 36)]
        (alarm,) = perform.begun
        assert (alarm.due_us, alarm.url) == (START_US + 10 * HOUR_US, URL)  # type: ignore[union-attr]

    go(scene)


def test_the_world_outside_goes_quiet_before_the_next_instant() -> None:
    async def scene() -> None:
        driver = driver_of()
        log: list[str] = []

        async def quiet() -> None:
            log.append(f"quiet {(driver.now() - START_US) // HOUR_US}")
            if len(log) == 4:  # somebody outside acts at this very instant
                driver.submit(sms(phone(1), **SPEAKS))

        driver.quiet, driver.stir = quiet, lambda: log.append("stir")
        for hours in (1, 2):
            driver.alarm(START_US + hours * HOUR_US, URL)
        await driver.advance(START_US + 3 * HOUR_US)
        assert log[:3] == ["stir", "quiet 1", "stir"]
        assert log[3] == "quiet 2"
        assert "Accepted" in kinds(driver.world)
        assert log.count("stir") == 5

    go(scene)


def test_an_instant_without_effects_asks_nobody() -> None:
    async def scene() -> None:
        driver = driver_of()

        async def quiet() -> None:
            raise AssertionError

        driver.quiet = quiet
        driver.submit(sms())
        await driver.advance(START_US + DAY_US)

    go(scene)


def test_nobody_outside_sees_half_an_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "_HOLD_NS", 0)
    n = 2_000

    async def scene() -> None:
        facts_by_then: list[int] = []
        driver = driver_of(Performer())
        for i in range(n):
            driver.submit(sms(phone(i), callback_url=URL, notify=1 << State.SENDING))
        driver.stir = lambda: facts_by_then.append(driver.world.log.count)
        turned = 0

        async def others() -> None:
            nonlocal turned
            while True:
                turned += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        first_us = driver.world.gateway.next_due()
        assert first_us is not None
        await driver.advance(first_us)
        task.cancel()
        assert (facts_by_then[0], len(facts_by_then)) == (1 + 2 * n, n)
        assert turned >= n // 500

    go(scene)


def test_effects_are_begun_only_as_fast_as_they_end() -> None:
    async def scene() -> None:
        perform = Performer()
        made = world(habits=habits())
        driver = Driver(made, Clock(START_US, 0.0), perform, outstanding_max=3)
        for i in range(50):
            driver.submit(sms(phone(i), callback_url=URL, notify=1 << State.SENDING))
        await driver.advance(START_US + DAY_US)
        assert (len(perform.begun), perform.most) == (50, 3)

    go(scene)


def test_a_quantum_is_one_instant_and_now_is_its_end() -> None:
    async def scene() -> None:
        driver = driver_of()
        times: list[int] = []

        async def quiet() -> None:
            times.append(driver.now() - START_US)

        driver.quiet = quiet
        for us in (1, 2, SECOND_US, SECOND_US + 1, 3 * SECOND_US + 7):
            driver.alarm(START_US + us, URL)
        assert await driver.advance(START_US + 4 * SECOND_US - 1, quantum_us=SECOND_US) == 3
        assert times == [SECOND_US, 2 * SECOND_US, 4 * SECOND_US - 1]

    go(scene)


def test_an_advance_that_is_cancelled_stays_where_it_is_and_can_go_on() -> None:
    async def scene() -> None:
        perform = Performer(outcome=None)
        driver = driver_of(perform)
        driver.alarm(START_US + HOUR_US, URL)
        driver.alarm(START_US + 2 * HOUR_US, URL)
        walk = asyncio.create_task(driver.advance(START_US + DAY_US))
        await turns()
        assert driver.advancing
        with pytest.raises(AssertionError):
            driver.set_rate(1.0)
        walk.cancel()
        await asyncio.gather(walk, return_exceptions=True)
        assert (driver.now(), driver.advancing) == (START_US + HOUR_US, False)
        perform.outcome = OK
        perform.answer()
        assert await driver.advance(START_US + DAY_US) == 1
        assert len(perform.begun) == 2

    go(scene)


def test_a_late_outcome_after_a_reset_is_no_fact_of_the_new_world() -> None:
    async def scene() -> None:
        perform = Performer(outcome=None)
        driver = driver_of(perform)
        driver.submit(sms(**SPEAKS))
        walk = asyncio.create_task(driver.advance(START_US + DAY_US))
        await turns()
        driver.world.reset()
        perform.answer()
        await walk
        assert kinds(driver.world) == []
        assert driver.outstanding == 0

    go(scene)
