"""The order of channels: no run has calls or mails yet, and the rules are ready for them."""

from __future__ import annotations

import pytest

from simulator.verify.touch import Traffic
from tests.verify.touches import DAY, HOUR, KEN, MINUTE, MONDAY, broken, call, found, mail, sms

NAMING = "お電話しました。03-1234-5678"


def test_a_mail_comes_first() -> None:
    touches = [mail(MONDAY), sms(MONDAY + 1), sms(MONDAY, KEN), mail(MONDAY + 1, KEN)]
    judged = found("mail_first", Traffic(touches))
    assert [(b.to, b.words) for b in judged.breaches] == [(KEN, "the first touch is by sms")]
    assert judged.occasions == 2


def test_an_sms_comes_before_the_first_call() -> None:
    touches = [sms(MONDAY), call(MONDAY + 1), call(MONDAY, KEN), sms(MONDAY + 1, KEN)]
    judged = found("sms_before_first_call", Traffic(touches))
    assert [b.to for b in judged.breaches] == [KEN]
    assert found("sms_before_first_call", Traffic([sms(MONDAY)])).occasions == 0


@pytest.mark.parametrize(
    ("after", "text", "fault"),
    [
        (10 * MINUTE, NAMING, ""),
        (10 * MINUTE, "+81 3 1234 5678 です", ""),
        (10 * MINUTE, "03-1234-5678", ""),
        (10 * MINUTE, "お電話しました。", "no SMS names the calling number in time"),
        (10 * MINUTE + 1, NAMING, "no SMS followed the unanswered call in time"),
    ],
)
def test_an_unanswered_call_is_explained_soon(after: int, text: str, fault: str) -> None:
    traffic = Traffic([call(MONDAY), sms(MONDAY + after, text=text)])
    words = [b.words for b in found("sms_after_unanswered_call", traffic).breaches]
    assert words == ([fault] if fault else [])


def test_an_answered_call_needs_no_sms_and_an_unknown_text_is_not_judged() -> None:
    answered = found("sms_after_unanswered_call", Traffic([call(MONDAY, answered=True)]))
    assert answered.occasions == 0
    unknown = Traffic([call(MONDAY), sms(MONDAY + 1, text=None)])
    judged = found("sms_after_unanswered_call", unknown)
    assert (judged.occasions, sum(judged.unjudged.values())) == (0, 1)


def test_all_calls_come_from_one_number() -> None:
    other = call(MONDAY + DAY)
    changed = type(other)(
        nth=other.nth, at_us=other.at_us, to=other.to, channel=other.channel, sender="+81612345678"
    )
    assert broken("one_caller_number", call(MONDAY), call(MONDAY + HOUR)) == []
    assert broken("one_caller_number", call(MONDAY), changed) == [MONDAY + DAY]
