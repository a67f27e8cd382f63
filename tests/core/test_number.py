"""Numbers: what people write, what is refused and why, and ranges that are nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import number
from simulator.core.number import Number, NumberFault, NumberKind, NumberProblem, parse

if TYPE_CHECKING:
    from collections.abc import Callable

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)

WIDE = {ord(a): b for a, b in zip("+()-0123456789", "＋（）－０１２３４５６７８９", strict=True)}  # noqa: RUF001 - full-width on purpose
GENERATORS = [
    (number.japan_unassigned, number.JAPAN_UNASSIGNED_COUNT),
    (number.japan_assignable, number.JAPAN_ASSIGNABLE_COUNT),
    (number.us_fictional, number.US_FICTIONAL_COUNT),
    (number.uk_fictional, number.UK_FICTIONAL_COUNT),
]


def read(raw: str) -> Number:
    found = parse(raw)
    assert isinstance(found, Number), found
    return found


def refused(raw: str, region: str = "JP") -> NumberFault:
    fault = parse(raw, region)
    assert isinstance(fault, NumberFault), fault
    return fault


@pytest.mark.parametrize(
    "raw",
    [
        *("+819012345678", "09012345678", "090-1234-5678", "090 1234 5678", "090.1234.5678"),
        *("(090)1234-5678", " 090-1234-5678\r\n", "09012345678.0"),
        *("090\u30fc1234\u30fc5678", "090\uff701234\uff705678"),  # long-vowel marks
        *("090\u20121234\u20145678", "090\u22121234\u22125678", "090\u30001234\u00a05678"),
        *("090-1234-5678".translate(WIDE), "+81(0)90-1234-5678".translate(WIDE)),
        *("+81 90-1234-5678", "+81(0)90-1234-5678", "(+81)90-1234-5678", "+8109012345678"),
        *("8109012345678", "819012345678", "0081-90-1234-5678"),
        *("010-81-90-1234-5678", "010-81-(0)90-1234-5678"),
    ],
)
def test_one_japanese_mobile_is_read_from_every_way_people_write_it(raw: str) -> None:
    assert parse(raw) == Number("+819012345678", "JP", NumberKind.MOBILE)


@pytest.mark.parametrize(
    ("raw", "region", "e164", "country", "kind"),
    [
        ("2025550123", "US", "+12025550123", "US", NumberKind.MOBILE),
        ("1 (202) 555-0123", "US", "+12025550123", "US", NumberKind.MOBILE),
        ("011 81 90 1234 5678", "US", "+819012345678", "JP", NumberKind.MOBILE),
        ("07700 900123", "GB", "+447700900123", "GB", NumberKind.MOBILE),
        ("0044 7700 900123", "GB", "+447700900123", "GB", NumberKind.MOBILE),
        ("+44 (0)20 7946 0018", "JP", "+442079460018", "GB", NumberKind.UNKNOWN),
        ("+49 (0)30 123456", "JP", "+4930123456", "DE", NumberKind.UNKNOWN),
        ("+886912345678", "JP", "+886912345678", "TW", NumberKind.UNKNOWN),
        ("+3726123456", "JP", "+3726123456", "ZZ", NumberKind.UNKNOWN),
        ("+12025550123", "FR", "+12025550123", "US", NumberKind.MOBILE),
    ],
)
def test_other_countries_and_regions_are_read(
    raw: str, region: str, e164: str, country: str, kind: NumberKind
) -> None:
    assert parse(raw, region) == Number(e164, country, kind)


KINDS = {
    # 070-0 is unassigned, and still of a mobile's form
    NumberKind.MOBILE: "060-1234-5678 070-1234-5678 080-1234-5678 090-1234-5678 070-0123-4567",
    NumberKind.TOLL_FREE: "0800-123-4567 0120-123-456 +18005550199 +18885550199",
    NumberKind.LANDLINE: "03-1234-5678 0123-45-6789",
    NumberKind.IP_PHONE: "050-1234-5678",
    NumberKind.NAVI: "0570-012-345 0170-012-345 0180-99-1234",
    NumberKind.PREMIUM: "0990-123-456 +19005550123",
    NumberKind.M2M: "020-1234-5678 0200-12345-12345",
    NumberKind.UNKNOWN: "020-4123-4567 0600-123-4567 +442079460018",
}


@pytest.mark.parametrize(
    ("raw", "kind"), [(raw, kind) for kind, raws in KINDS.items() for raw in raws.split()]
)
def test_the_kind_follows_the_prefix(raw: str, kind: NumberKind) -> None:
    assert read(raw).kind is kind


REFUSED = {
    NumberProblem.EMPTY: ["", " \u3000\r\n"],
    NumberProblem.NOT_A_NUMBER: ["-", "+", "abc", "9.01E+09", "+81+9012345678", "090*1234#5678"],
    NumberProblem.INVISIBLE: [  # right-to-left marks, a zero-width space, a NUL
        *("\u200f09012345678", "090\u202e12345678", "090\u200b12345678", "09012345678\0"),
    ],
    NumberProblem.FOREIGN_DIGITS: ["\u0660\u0669\u0660", "\u3007\u4e5d\u3007", "\u2460\u2461"],
    NumberProblem.TOO_SHORT: ["110", "+81", "090-1234-567", "0120-123-45", "+12025550"],
    NumberProblem.TOO_LONG: [
        *("090-1234-56789", "03-1234-56789", "+49301234567890123", "9" * 100_000),
        "090-1234-5678\n080-1111-2222",
    ],
    NumberProblem.LOST_ZERO: ["9012345678", "90-1234-5678", "9012345678.0", "312345678"],
    NumberProblem.NO_PREFIX: ["12025550123", "1234567890"],
    NumberProblem.UNKNOWN_COUNTRY: ["+0123456789", "+2812345678"],
    NumberProblem.IMPOSSIBLE: [
        *("00-90-1234-5678", "030-1234-5678", "+81009012345678"),
        *("+10225550123", "+12021550123", "+19115550123", "+12029115555"),
    ],
    NumberProblem.SENDER_ONLY: ["00051234"],
}


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        *((raw, "JP", reason) for reason, raws in REFUSED.items() for raw in raws),
        ("7700900123", "GB", NumberProblem.LOST_ZERO),
        ("202555012", "US", NumberProblem.TOO_SHORT),
        ("20255501234", "US", NumberProblem.TOO_LONG),
        ("09012345678", "FR", NumberProblem.UNKNOWN_REGION),
    ],
)
def test_what_is_no_number_is_refused_by_name(raw: str, region: str, reason: NumberProblem) -> None:
    fault = refused(raw, region)
    assert fault.reason is reason
    assert repr(fault.seen) in fault.message


def test_a_fault_says_what_was_wrong_what_was_seen_and_what_to_do() -> None:
    assert refused("9012345678").message == (
        "the leading zero is missing (saw '9012345678', it was 09012345678); "
        "a spreadsheet dropped it: export again, as text"
    )
    assert "9 digits after +81, not 10" in refused("090-1234-567").message


def test_every_problem_has_a_refusal_here_and_says_what_to_do() -> None:
    assert {*REFUSED, NumberProblem.UNKNOWN_REGION} == set(NumberProblem)
    assert all(problem.value.partition("; ")[2] for problem in NumberProblem)


@repeatable
@given(st.text(max_size=80), st.sampled_from(["JP", "US", "GB", "FR", ""]))
def test_any_text_is_a_number_or_a_fault_that_can_be_printed(raw: str, region: str) -> None:
    found = parse(raw, region)
    if isinstance(found, NumberFault):
        assert found.message.isprintable()
        assert len(found.seen) <= number.RAW_CHARS_MAX


@repeatable
@given(
    st.sampled_from(["", "+", "0", "+81", "+81(0)", "010", "0081", "81", "+1", "+44", "0120"]),
    st.text("0123456789-() ", min_size=7, max_size=15),
    st.sampled_from(["JP", "US", "GB"]),
)
def test_what_was_read_once_reads_the_same_again(head: str, tail: str, region: str) -> None:
    found = parse(head + tail, region)
    if isinstance(found, Number):
        assert parse(found.e164, region) == found
        assert parse(found.e164, "JP") == found
        assert number._read(found.e164, region) == found  # the slow road agrees with the fast


@repeatable
@given(st.integers(0, number.JAPAN_ASSIGNABLE_COUNT - 1))
def test_a_japanese_number_survives_being_displayed(i: int) -> None:
    e164 = number.japan_assignable(i)
    assert read(number.display_jp(e164)).e164 == e164
    assert read(number.display_jp(e164).translate(WIDE)).e164 == e164


@pytest.mark.parametrize(
    "shown",
    [
        *("090-0123-4567", "020-1234-5678", "050-1234-5678", "0200-12345-12345"),
        *("0800-123-4567", "0120-123-456", "0570-012-345", "0990-123-456"),
        *("03-1234-5678", "06-1234-5678", "0421234567", "+12025550123"),
    ],
)
def test_japanese_numbers_are_shown_as_in_japan(shown: str) -> None:
    assert number.display_jp(read(shown).e164) == shown


@pytest.mark.parametrize(("generate", "capacity"), GENERATORS)
def test_generated_numbers_are_normal_distinct_mobiles(
    generate: Callable[[int], str], capacity: int
) -> None:
    first, spread = range(min(capacity, 2_000)), range(0, capacity, 997 + capacity // 2_000)
    indexes = {*first, *spread, capacity - 1}
    made = {generate(i) for i in indexes}
    assert len(made) == len(indexes)
    for e164 in made:
        assert (read(e164).e164, read(e164).kind) == (e164, NumberKind.MOBILE)


def test_beyond_its_capacity_a_range_says_how_much_it_holds() -> None:
    for generate, capacity in GENERATORS:
        for i in (-1, capacity):
            with pytest.raises(ValueError, match=f"holds {capacity:,} numbers.*saw {i};"):
                generate(i)


def test_unassigned_numbers_come_in_order() -> None:
    assert number.japan_unassigned(0) == "+817000000000"
    assert number.japan_unassigned(9_999_999) == "+817009999999"
    assert number.japan_unassigned(10_000_000) == "+819000000000"
    assert number.japan_unassigned(19_999_999) == "+819009999999"


def test_assignable_numbers_are_one_to_one_and_spread_over_the_prefixes() -> None:
    assert pow(number._SPREAD, -1, number.JAPAN_ASSIGNABLE_COUNT)  # invertible: one to one
    heads = [number.japan_assignable(i)[:6] for i in range(2_700)]
    counts = {head: heads.count(head) for head in heads}
    assert len(counts) == 27
    assert max(counts.values()) - min(counts.values()) <= 4


def test_the_us_range_is_large_and_touches_no_service_code() -> None:
    assert number.US_FICTIONAL_COUNT > 60_000
    areas = {number.us_fictional(i)[2:5] for i in range(number.US_FICTIONAL_COUNT)}
    assert {"212", "310", "415", "647"} <= areas
    assert not areas & {"911", "411", "555", "800", "888", "880", "900", "500", "521", "710"}


@repeatable
@given(st.data())
def test_what_is_nobodys_is_known_as_such(data: st.DataObject) -> None:
    for generate, capacity in GENERATORS:
        e164 = generate(data.draw(st.integers(0, capacity - 1)))
        assert number.is_fictional(e164) is (generate is not number.japan_assignable)


@pytest.mark.parametrize(
    "e164",
    [
        "",
        *("+819012345678", "+8170000000000", "+8170000000", "819000000000"),
        *("+818001234567", "+816001234567"),  # toll-free and FMC are not unassigned
        *("+12025550200", "+12025550099", "+15005550100", "+447700901000"),
        "+18005550100",  # only 800-555-0199 is kept for fiction
        "+81700" + "\u0660" * 7,
    ],
)
def test_what_may_be_somebodys_is_not_fictional(e164: str) -> None:
    assert not number.is_fictional(e164)


@repeatable
@given(st.integers(0, number.JAPAN_ASSIGNABLE_COUNT - 1))
def test_libphonenumber_finds_assignable_numbers_valid_mobiles(i: int) -> None:
    theirs = phonenumbers.parse(number.japan_assignable(i))
    assert phonenumbers.is_valid_number(theirs)
    assert phonenumbers.number_type(theirs) == phonenumbers.PhoneNumberType.MOBILE


@repeatable
@given(st.integers(0, number.JAPAN_UNASSIGNED_COUNT - 1))
def test_libphonenumber_finds_unassigned_numbers_possible_but_not_valid(i: int) -> None:
    theirs = phonenumbers.parse(number.japan_unassigned(i))
    assert phonenumbers.is_possible_number(theirs)
    assert not phonenumbers.is_valid_number(theirs)


def test_libphonenumber_finds_us_fiction_possible_and_valid_where_the_area_exists() -> None:
    types = phonenumbers.PhoneNumberType  # the Caribbean tells them apart
    ordinary = (types.FIXED_LINE, types.MOBILE, types.FIXED_LINE_OR_MOBILE)
    valid = 0
    for i in range(number.US_FICTIONAL_COUNT // 100):  # once through the area codes
        theirs = phonenumbers.parse(number.us_fictional(i))
        assert phonenumbers.is_possible_number(theirs)
        if phonenumbers.is_valid_number(theirs):
            valid += 1
            assert phonenumbers.number_type(theirs) in ordinary
    assert valid > 300


def test_libphonenumber_reads_a_kept_trunk_zero_as_we_do() -> None:
    theirs = phonenumbers.parse("+8109012345678")
    e164 = phonenumbers.format_number(theirs, phonenumbers.PhoneNumberFormat.E164)
    assert read("+8109012345678").e164 == e164


def test_libphonenumber_knows_our_calling_codes_and_we_know_all_of_its() -> None:
    for code, (first, *_) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        assert number._COUNTRIES.get(f"+{code}", "ZZ") in ("ZZ", first)
        found = parse(f"+{code}2345678901"[:13])
        assert isinstance(found, Number) or found.reason is not NumberProblem.UNKNOWN_COUNTRY
    ours = {int(code) for code in number._COUNTRIES}
    assert ours <= set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
