"""Opt-out words count as the single word of a message, in any case."""

from __future__ import annotations

import pytest

from simulator.core.consent import SILENT, SPOKEN, Keywords, Wish


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop", " Stop\n", "STOPALL", "unsubscribe", "CANCEL", "End", "QUIT", "REVOKE"],
)
def test_a_word_that_means_stop_is_heard(body: str) -> None:
    assert SILENT.wish_of(body) is Wish.STOP


@pytest.mark.parametrize("body", ["START", "start ", "Yes", "UNSTOP"])
def test_a_word_that_means_start_is_heard(body: str) -> None:
    assert SILENT.wish_of(body) is Wish.START


@pytest.mark.parametrize("body", ["HELP", "info"])
def test_a_word_that_asks_for_help_is_heard(body: str) -> None:
    assert SILENT.wish_of(body) is Wish.HELP


@pytest.mark.parametrize(
    "body",
    ["", "please stop", "stop it", "STOP.", "S T O P", "はい、お願いします。", "yes, thanks"],
)
def test_anything_else_is_only_a_message(body: str) -> None:
    assert SILENT.wish_of(body) is Wish.NOTHING


def test_each_wish_has_its_own_answer_and_anything_else_none() -> None:
    answers = [SPOKEN.answer_to(wish) for wish in (Wish.STOP, Wish.START, Wish.HELP)]
    assert len({*answers, ""}) == 4
    assert SPOKEN.answer_to(Wish.NOTHING) == ""
    assert {SILENT.answer_to(wish) for wish in Wish} == {""}


def test_an_account_may_have_words_of_its_own() -> None:
    french = Keywords(stop=("ARRET",), on_stop="C'est fini.")
    assert french.wish_of(" arret") is Wish.STOP
    assert french.wish_of("STOP") is french.wish_of("HELP") is Wish.NOTHING
