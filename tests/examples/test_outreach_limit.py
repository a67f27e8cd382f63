"""What `--limit` refuses: the bucket by itself, and outreach with one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.outreach import settings
from examples.outreach.bucket import BURST_S, Bucket
from tests.examples.outreach_world import SECRET, TOKYO, World, at

if TYPE_CHECKING:
    from pathlib import Path

ENVIRON = {"TODOKU_URL": "http://127.0.0.1:1", "TODOKU_ACCOUNT": "1", "TODOKU_SECRET": SECRET}


@pytest.mark.parametrize("offered", [350, 699, 701, 1400, 7000])
def test_of_any_load_the_limit_is_taken_and_the_rest_refused(offered: int) -> None:
    bucket = Bucket(700)
    seconds = 10
    taken = sum(bucket.take(1, n / offered) == 0 for n in range(seconds * offered))
    assert taken == pytest.approx(min(offered, 700 * (1 + BURST_S / seconds)) * seconds, abs=2)


@given(
    rate=st.floats(1, 10_000),
    asked=st.lists(st.tuples(st.floats(0, 2), st.integers(0, 500)), max_size=60),
)
def test_whatever_is_asked_no_more_is_taken_than_the_rate_and_one_campaign(
    rate: float, asked: list[tuple[float, int]]
) -> None:
    bucket, now_s, taken = Bucket(rate), 0.0, 0
    for gap_s, count in asked:
        now_s += gap_s
        if bucket.take(count, now_s) == 0:
            taken += count
    largest = max((count for _, count in asked), default=0)
    assert taken <= rate * now_s + max(1, rate * BURST_S) + largest


@given(rate=st.floats(1, 10_000), count=st.integers(1, 5_000))
def test_who_comes_back_when_told_is_taken(rate: float, count: int) -> None:
    bucket = Bucket(rate)
    assert bucket.take(count + 2_500, 0.0) == 0
    wait_s = bucket.take(1, 0.0)
    assert wait_s > 0
    assert bucket.take(1, wait_s * 1.000001) == 0


@pytest.mark.parametrize("limit", ["fast", "700", "0/s", "-1/s", "7.5/s", "700/m", "\u0667/s"])
def test_a_limit_that_is_none_is_named_in_one_line(
    limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        settings.read([f"--limit={limit}"], ENVIRON)
    assert left.value.code == 2
    assert capsys.readouterr().err == (
        f"outreach: --limit is {limit!r}, not so many a second, such as 700/s\n"
    )


def test_above_its_limit_outreach_refuses_a_campaign_and_keeps_nothing_of_it(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        now_us = at("2026-03-02 10:00", TOKYO)
        async with World(tmp_path / "log", flags=("--limit", "1/s"), now_us=now_us) as world:
            numbers = [f"+8190123400{n:02}" for n in range(20)]
            await world.campaign(*numbers)  # more than the bucket holds: a debt of 19 s
            order = {"name": "second", "recipients": ["+819012340099"]}
            status, said = await world.call("POST", "/campaigns", json=order)
            assert status == 429
            assert "come again in" in str(said)
            assert len((await world.claims())["messages"]) == len(world.sent) == 20

    asyncio.run(story())
