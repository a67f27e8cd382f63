"""Outreach as a process, against a scripted provider and a stepped clock."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.examples.outreach_world import (
    HOUR_US,
    NEW_YORK,
    SECOND_US,
    TOKYO,
    World,
    accept,
    accept_and_hang_up,
    answer,
    at,
    sid,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiohttp import web

    from tests.examples.outreach_world import Sent

    Worlds = Callable[..., World]

ANN, BOB, EVE, ZOE = (f"+81901234000{nth}" for nth in range(1, 5))
DAY_US = 24 * HOUR_US
IN_ANY_CLAIMS = ("bill-undelivered", "sent-is-delivered", "lose-on-callback-error")


def _world(log: Path, provider: str, *flags: str, **rest: Any) -> World:
    zone = NEW_YORK if provider == "twilio" else TOKYO
    return World(log, provider, flags, **{"now_us": at("2026-03-02 10:00", zone)} | rest)


@pytest.fixture
def zettai(tmp_path: Path) -> Worlds:
    return partial(_world, tmp_path / "log", "zettai_reach")


@pytest.fixture
def twilio(tmp_path: Path) -> Worlds:
    return partial(_world, tmp_path / "log", "twilio")


def test_a_campaign_sends_one_letter_to_each_and_reminds_who_was_not_reached(
    zettai: Worlds,
) -> None:
    async def story() -> None:
        async with zettai() as world:
            start_us = world.now_us
            await world.campaign(ANN, BOB, EVE, ANN)
            assert sorted(sent.tag for sent in world.sent) == [f"spring-0000{n}-1" for n in "123"]
            assert {len(sent.form["smsCode"]) for sent in world.sent} == {6}
            assert all(len(sent.form["message"]) <= 70 for sent in world.sent)
            await world.dlr(("spring-00001-1", 2, 1), ("spring-00002-1", 3, 1))
            await world.until(start_us + 10 * DAY_US)
            reminders = sorted(world.sent[3:], key=lambda sent: sent.tag)
            assert [sent.tag for sent in reminders] == ["spring-00002-2", "spring-00003-2"]
            assert {sent.at_us for sent in reminders} == {start_us + 2 * DAY_US}
            assert all(70 < len(sent.form["message"]) <= 134 for sent in reminders)

    asyncio.run(story())


def test_claims_have_the_shape_of_the_contract(zettai: Worlds) -> None:
    async def story() -> None:
        async with zettai("--unit-price", "15.5") as world:
            await world.campaign(ANN, BOB, EVE)
            again = {"name": "spring", "recipients": [ZOE]}
            assert (await world.call("POST", "/campaigns", json=again))[0] == 409
            await world.dlr(("spring-00001-1", 2, 1), ("spring-00002-1", 3, 9))
            assert await world.claims() == {
                "currency": "JPY",
                "messages": [
                    _row("spring-00001-1", ANN, "delivered", 1, "15.5"),
                    _row("spring-00002-1", BOB, "undelivered", 0, "0"),
                    _row("spring-00003-1", EVE, "accepted", 0, "0"),
                ],
                "rates": [{"name": "delivery_rate", "count": 1, "of": 3}],
                "totals": {
                    "accepted": 3,
                    "delivered": 1,
                    "units": 1,
                    "excluded_units": 1,
                    "subtotal": "15.5",
                    "tax": "1",
                    "total": "16.5",
                },
            }

    asyncio.run(story())


def test_after_a_429_nothing_is_sent_before_retry_after(zettai: Worlds) -> None:
    async def story() -> None:
        async with zettai("--concurrency", "1") as world:
            start_us = world.now_us
            world.answers.extend([accept, answer(429, Retry_After="7")])
            await world.campaign(ANN, BOB, EVE)
            assert len(world.sent) == 2
            await world.until(start_us + 7 * SECOND_US - 1)
            assert len(world.sent) == 2
            await world.until(start_us + HOUR_US)
            assert [sent.at_us - start_us for sent in world.sent[2:]] == [7 * SECOND_US] * 2

    asyncio.run(story())


def test_server_errors_are_retried_with_growing_pauses(zettai: Worlds) -> None:
    async def story() -> None:
        async with zettai() as world:
            start_us = world.now_us
            zero = answer(502, Retry_After="0")  # still a pause, or time would never go on
            world.answers.extend([answer(503), answer(500), answer(200), zero])
            await world.campaign(ANN)
            await world.until(start_us + HOUR_US)
            instants = [(sent.at_us - start_us) // SECOND_US for sent in world.sent]
            assert instants == [0, 1, 3, 7, 8]

    asyncio.run(story())


def test_a_letter_that_may_have_been_accepted_is_not_sent_twice(zettai: Worlds) -> None:
    async def story() -> None:
        async with zettai() as world:
            duplicate = answer(200, {"responseCode": 400})
            world.answers.extend([accept_and_hang_up, duplicate])
            await world.campaign(ANN)
            await world.until(world.now_us + HOUR_US)
            assert len(world.accepted) == 1
            assert [row["own_id"] for row in (await world.claims())["messages"]] == [
                "spring-00001-1"
            ]
            world.answers.append(duplicate)  # without an unclear try it is a refusal
            await world.campaign(BOB, name="summer")
            assert (await world.claims())["totals"]["accepted"] == 1

    asyncio.run(story())


def test_twilio_is_asked_before_a_letter_is_sent_again(twilio: Worlds) -> None:
    async def story() -> None:
        async with twilio() as world:
            world.answers.append(accept_and_hang_up)
            await world.campaign(ANN)
            await world.until(world.now_us + HOUR_US)
            assert len(world.sent) == 1
            rows = (await world.claims())["messages"]
            assert [row["provider_id"] for row in rows] == [sid(0)]

    asyncio.run(story())


def test_receipts_may_be_double_late_out_of_order_or_early(zettai: Worlds) -> None:
    async def early(world: World, sent: Sent) -> web.Response:
        assert await world.dlr((sent.tag, 2, 1)) == 200
        return accept(world, sent)

    async def story() -> None:
        async with zettai() as world:
            world.answers.append(early)
            await world.campaign(ANN)
            await world.campaign(BOB, EVE, name="summer")
            assert await world.dlr(("spring-00001-1", 3, 5), ("spring-00001-1", 1, 5)) == 200
            bob, eve = "summer-00001-1", "summer-00002-1"
            await world.dlr((bob, 2, 2), (bob, 2, 2), (bob, 1, 7), (bob, 0, 7))
            await world.dlr((eve, 3, 4), (eve, 1, 4), (eve, 2, 1))
            await world.dlr(("nobody-00001-1", 2, 1))
            claims = await world.claims()
            assert [(row["state"], row["units"]) for row in claims["messages"]] == [
                ("delivered", 1),
                ("delivered", 2),
                ("delivered", 1),
            ]
            assert (await world.call("POST", "/receipts", data={"json": "{"}))[0] == 400

    asyncio.run(story())


def test_a_callback_with_a_bad_signature_is_refused_and_ignored(twilio: Worlds) -> None:
    async def story() -> None:
        async with twilio() as world:
            await world.campaign(ANN)
            news = {"MessageSid": sid(0), "MessageStatus": "delivered"}
            assert await world.signed("/twilio/status", token="wrong", **news) == 403
            assert (await world.call("POST", "/twilio/status", data=news))[0] == 403
            stop = {"From": ANN, "Body": "STOP"}
            assert await world.signed("/twilio/inbound", token="wrong", **stop) == 403
            assert (await world.claims())["messages"][0]["state"] == "accepted"
            assert await world.signed("/twilio/status", **news) == 200
            assert (await world.claims())["messages"][0]["state"] == "delivered"

    asyncio.run(story())


def test_who_stops_or_replies_hears_no_more_and_the_silent_are_reminded(twilio: Worlds) -> None:
    async def story() -> None:
        async with twilio() as world:
            start_us = world.now_us
            world.answers.append(answer(400, {"code": 21610}))
            await world.campaign(ZOE)
            await world.campaign(ANN, BOB, EVE, name="summer")
            assert await world.signed("/twilio/inbound", From=ANN, Body=" stop ") == 200
            assert await world.signed("/twilio/inbound", From=BOB, Body="Do not stop!") == 200
            await world.until(start_us + 10 * DAY_US)
            assert [sent.to for sent in world.sent[4:]] == [EVE]
            await world.campaign(ANN, BOB, ZOE, name="autumn")
            assert [sent.to for sent in world.sent[5:]] == [BOB]

    asyncio.run(story())


def test_nothing_is_sent_in_the_quiet_hours(zettai: Worlds) -> None:
    async def story() -> None:
        async with zettai("--remind-after", "13.5", now_us=at("2026-03-02 21:00")) as world:
            await world.campaign(ANN)
            assert world.sent == []
            await world.until(at("2026-03-05 00:00"))
            instants = [sent.at_us for sent in world.sent]
            assert instants == [at("2026-03-03 08:00"), at("2026-03-04 08:00")]

    asyncio.run(story())


@pytest.mark.parametrize("provider", ["zettai_reach", "twilio"])
def test_a_bug_log_names_exactly_what_the_bug_made_wrong(provider: str, tmp_path: Path) -> None:
    async def claims(bug: str | None = None) -> dict[str, Any]:
        flags = ("--bug", bug, "--bug-log", str(tmp_path / bug)) if bug else ()
        async with _world(tmp_path / f"log-{bug}", provider, "--concurrency", "1", *flags) as world:
            await world.campaign(ANN, BOB, EVE, ZOE)
            if provider == "twilio":
                for nth, state in enumerate(("delivered", "undelivered", "failed")):
                    news = {"MessageSid": sid(nth), "MessageStatus": state, "ErrorCode": "30003"}
                    await world.signed("/twilio/status", **news)
            else:
                await world.dlr(("spring-00001-1", 2, 1), ("spring-00002-1", 3, 9))
                await world.dlr(("spring-00003-1", 1, 9))
            return await world.claims()

    async def story() -> None:
        right, *wrong = await asyncio.gather(claims(), *map(claims, IN_ANY_CLAIMS))
        for bug, claimed in zip(IN_ANY_CLAIMS, wrong, strict=True):
            lines = [json.loads(line) for line in (tmp_path / bug).read_text().splitlines()]
            pairs = zip(claimed["messages"], right["messages"], strict=True)
            assert lines
            assert [(line["own_id"], line["claimed"], line["right"]) for line in lines] == [
                (was["own_id"], _essence(was), _essence(true)) for was, true in pairs if was != true
            ]
            off = sum(Decimal(line["amount_wrong"]) for line in lines)
            totals, true_totals = claimed["totals"], right["totals"]
            assert Decimal(totals["subtotal"]) == Decimal(true_totals["subtotal"]) + off

    asyncio.run(story())


def _essence(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("state", "units", "amount")}


def _row(own_id: str, to: str, state: str, units: int, amount: str) -> dict[str, Any]:
    return {
        "own_id": own_id,
        "provider_id": None,
        "to": to,
        "state": state,
        "units": units,
        "amount": amount,
    }
