"""Another clock, read from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests import clocks
from loadtests.clocks import Reading, best_of, run_clock

if TYPE_CHECKING:
    import pytest


def test_the_quickest_round_trip_is_kept_with_half_of_it_as_what_it_may_be_wrong_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instants = iter([0, 100, 200, 220, 300, 390])
    there = iter([7_050, 7_209, 7_345])
    monkeypatch.setattr(clocks, "now_us", lambda: next(instants))
    found = best_of(lambda: Reading(next(there), 60.0), trips=3)
    assert (found.at_us, found.there_us, found.uncertainty_us) == (210, 7_209, 10)
    assert found.there(211) == 7_269


def test_a_clock_that_does_not_answer_is_not_guessed() -> None:
    assert run_clock("http://127.0.0.1:1/clock", "t") is None
