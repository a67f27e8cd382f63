"""When the customer heard what, read from a run's folder; what was never told is open."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from simulator.core.account import Retry
from simulator.core.message import FINAL, Outcome, OutcomeKind
from simulator.engine.log import Recorded, encode_recorded
from simulator.run.load_join import Pair
from simulator.run.load_receipts import Pace, heard_in, receipts, wants_receipt
from tests.worlds import (
    EVERY_STATE,
    LONG_US,
    OK,
    START_US,
    URL,
    account,
    advance,
    phone,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.core.message import Call
    from simulator.engine.world import World

BROKEN = Outcome(OutcomeKind.ANSWERED, 500)
PACE = Pace(epoch_us=0, mono_us=0, virtual_us=START_US, rate=1.0)
TOOK_US = 2_000  # each answer
OVER_US = LONG_US


def told(folder: Path, bad: dict[int, int], *notify: int) -> tuple[World, list[int]]:
    """Send messages, the n-th one's final callback refused so often; keep it as a run does."""
    chunks: list[bytes] = []
    commands: list[bytes] = []
    arrivals = array("q")

    def record(item: Recorded) -> None:
        commands.append(encode_recorded(item))
        arrivals.append(item.at_us - START_US + TOOK_US)

    def answer(call: Call) -> Outcome:
        refused = call.state in FINAL and call.nth < bad.get(keys.index(call.message.key), 0)
        return BROKEN if refused else OK

    again = Retry(delays_us=(5_000_000, 300_000_000))
    made = world(account(retry=again), sink=chunks.append, record=record)
    keys: list[int] = []
    for n, states in enumerate(notify):
        asked = sms(phone(n), notify=states, callback_url=URL if states else "")
        keys.append(send(made, asked).key)
    advance(made, START_US + LONG_US, answer)
    made.log.close()
    (folder / "events.bin").write_bytes(b"".join(chunks))
    (folder / "commands.bin").write_bytes(b"".join(commands))
    (folder / "arrivals.bin").write_bytes(arrivals.tobytes())
    return made, keys


def pairs(keys: list[int], *warm: int) -> list[Pair]:
    return [Pair(n, n in warm, 0, 0, key) for n, key in enumerate(keys)]


def test_a_callback_counts_from_its_first_due_across_its_attempts(tmp_path: Path) -> None:
    told(tmp_path, {0: 2}, EVERY_STATE, EVERY_STATE)
    found = heard_in(tmp_path, PACE, 0, OVER_US)
    assert found.tries == found.answered + 2
    assert (found.callback.n, found.callback.open) == (found.answered, 0)
    assert found.callback.p50_us == TOOK_US
    assert found.callback.max_us == pytest.approx(305_000_000, abs=10_000)  # at its third attempt


def test_what_was_due_before_the_load_is_its_warm_ups(tmp_path: Path) -> None:
    told(tmp_path, {}, EVERY_STATE)
    assert heard_in(tmp_path, PACE, OVER_US, OVER_US).callback.n == 0
    assert heard_in(tmp_path, PACE, 0, OVER_US).callback.n > 0


def test_a_receipt_that_never_came_is_open_and_has_waited_until_the_end(tmp_path: Path) -> None:
    made, keys = told(tmp_path, {1: 99}, *[EVERY_STATE] * 4)
    heard = heard_in(tmp_path, PACE, 0, OVER_US)
    assert (heard.callback.open, set(heard.final)) == (1, {keys[0], keys[2], keys[3]})
    found = receipts(pairs(keys), heard, [], PACE, OVER_US, wants_receipt(made))
    assert (found.n, found.open) == (3, 1)
    assert (found.p99_us, found.least_us["p99"]) == (None, OVER_US)
    assert found.p50_us is not None


def test_the_warm_up_and_who_asks_for_no_receipt_are_left_out(tmp_path: Path) -> None:
    made, keys = told(tmp_path, {0: 99}, EVERY_STATE, EVERY_STATE, 0)
    heard = heard_in(tmp_path, PACE, 0, OVER_US)
    found = receipts(pairs(keys, 0), heard, [], PACE, OVER_US, wants_receipt(made))
    assert (found.n, found.open) == (1, 0)
