"""What a text says."""

from __future__ import annotations

import pytest

from simulator.verify.touch import Traffic
from tests.verify.touches import MONDAY, call, found, sms

OPENING = "【とどく歯科】検診の時期です。ご予約・配信停止は https://example.jp/t よりどうぞ。"


def wrong(check: str, text: str | None, *, two_way: bool = True, **given: object) -> list[str]:
    traffic = Traffic([sms(MONDAY, text=text)], two_way=two_way)
    return [b.words for b in found(check, traffic, **given).breaches]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (OPENING, True),
        ("Todoku Dental: see you", True),
        ("TODOKU dental: see you", True),
        ("Todoku Dental: in full width", True),
        ("Your dentist: see you", False),
    ],
)
def test_the_senders_name_is_found_in_any_width_and_case(text: str, named: bool) -> None:
    names = ["とどく歯科", "Todoku Dental"]
    assert bool(wrong("names_sender", text, any_of=names)) != named


@pytest.mark.parametrize(
    ("text", "two_way", "fault"),
    [
        (OPENING, False, ""),
        ("配信停止は0120-123-456まで", False, ""),
        ("配信停止は stop@example.jp まで", False, ""),
        ("Reply STOP to end.", True, ""),
        ("Reply STOP to end.", False, "by reply, and this route carries no replies"),
        ("See you non-stop-fun", True, ""),
        ("We are stopping by tomorrow", True, "does not say how to refuse"),
        ("Hello", True, "does not say how to refuse"),
    ],
)
def test_a_refusal_needs_a_word_and_a_way(text: str, two_way: bool, fault: str) -> None:
    found_words = wrong("offers_refusal", text, two_way=two_way)
    assert bool(found_words) == bool(fault)
    assert all(fault in words for words in found_words)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (OPENING, ""),
        ("詳しくは example.jp/todoku へ", ""),
        ("東京都港区1-2-3 電話03-1234-5678", ""),
        ("東京都港区1-2-3", "no contact"),
        ("電話03-1234-5678", "no address"),
        ("電話は12時から", "no address and no contact"),
    ],
)
def test_address_and_contact_are_in_the_text_or_behind_a_link(text: str, fault: str) -> None:
    words = wrong("reaches_contact", text, address="東京都港区1-2-3")
    assert bool(words) == bool(fault)
    assert all(fault in each for each in words)


def test_a_text_that_is_not_known_is_not_judged_and_a_call_has_none() -> None:
    judged = found("names_sender", Traffic([sms(MONDAY, text=None), call(MONDAY)]), any_of=["x"])
    assert (judged.occasions, judged.unjudged) == (0, {"its text is not known": 1})


def test_the_words_of_refusal_can_be_given() -> None:
    assert wrong("offers_refusal", "Arrêt: répondez FIN", any_of=["FIN"]) == []
    assert wrong("offers_refusal", "Finally here", any_of=["FIN"])
