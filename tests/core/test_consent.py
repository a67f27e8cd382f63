"""Opt-out words count as the single word of a message, in any case."""

from __future__ import annotations

import pytest

from simulator.core.consent import Wish, wish_of


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop", " Stop\n", "STOPALL", "unsubscribe", "CANCEL", "End", "QUIT", "REVOKE"],
)
def test_a_word_that_means_stop_is_heard(body: str) -> None:
    assert wish_of(body) is Wish.STOP


@pytest.mark.parametrize("body", ["START", "start ", "Yes", "UNSTOP"])
def test_a_word_that_means_start_is_heard(body: str) -> None:
    assert wish_of(body) is Wish.START


@pytest.mark.parametrize("body", ["HELP", "info"])
def test_a_word_that_asks_for_help_is_heard(body: str) -> None:
    assert wish_of(body) is Wish.HELP


@pytest.mark.parametrize(
    "body",
    ["", "please stop", "stop it", "STOP.", "S T O P", "はい、お願いします。", "yes, thanks"],
)
def test_anything_else_is_only_a_message(body: str) -> None:
    assert wish_of(body) is Wish.NOTHING
