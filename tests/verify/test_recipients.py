"""One number, written in many ways, is one number; what was mended is counted."""

from __future__ import annotations

import pytest

from simulator.verify.recipients import Recipients

NUMBER = "+819012345678"


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (NUMBER, {}),
        ("09012345678", {"national form": 1}),
        ("090-1234-5678", {"hyphens or spaces": 1, "national form": 1}),
        ("+81 90 1234 5678", {"hyphens or spaces": 1}),
        ("+81-(0)90-1234-5678", {"hyphens or spaces": 1}),
        ("\uff10\uff19\uff10" + "12345678", {"full-width": 1, "national form": 1}),
        ("9012345678", {"a lost zero": 1}),
        ("9012345678.0", {"a lost zero": 1, "a spreadsheet's .0": 1}),
        ("90-1234-5678", {"a lost zero": 1, "hyphens or spaces": 1}),
        ("819012345678", {"national form": 1}),
        ("'09012345678", {"an apostrophe": 1, "national form": 1}),
    ],
)
def test_a_recipient_is_the_same_however_it_is_written(raw: str, mended: dict[str, int]) -> None:
    recipients = Recipients("JP")
    assert recipients.read(raw) == NUMBER
    assert recipients.mended == mended
    assert recipients.unread == 0


@pytest.mark.parametrize("raw", ["12015550123", "2015550123", "+1 (201) 555-0123"])
def test_the_region_decides_what_a_national_form_is(raw: str) -> None:
    assert Recipients("US").read(raw) == "+12015550123"


@pytest.mark.parametrize("raw", ["abc", "12", "+", "x" * 500, "090-1234-56"])
def test_what_is_no_number_stays_as_it_is_and_is_counted(raw: str) -> None:
    recipients = Recipients("JP")
    assert recipients.read(raw) == raw
    assert list(recipients.notes()) == ["recipients that are no phone number, left as they are: 1"]


def test_what_was_mended_is_said_with_its_number() -> None:
    recipients = Recipients("JP")
    for raw in ("9012345678", "8012345678", "090-1234-5678", "", NUMBER):
        recipients.read(raw)
    assert list(recipients.notes()) == [
        "recipients normalised: a lost zero 2 x, hyphens or spaces 1 x, national form 1 x"
    ]
