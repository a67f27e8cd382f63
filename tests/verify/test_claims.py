"""Whatever a system answers: claims, or one error that says what, where and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import ExitCode
from simulator.verify import claims as c
from simulator.verify.claims import Claim, ClaimedState, ClaimedTotals, ClaimsError, parse_claims

Document = dict[str, Any]

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)


def row(**other: object) -> Document:
    return {
        "own_id": "spring-0001-1",
        "provider_id": None,
        "to": "+819001234567",
        "state": "delivered",
        "units": 1,
        "amount": "15",
        **other,
    }


def document(*rows: Document, **other: object) -> Document:
    totals = {"accepted": 1, "delivered": 1, "units": 1, "excluded_units": 14}
    amounts = {"subtotal": "15", "tax": "1.5", "total": "16.5"}
    return {"currency": "JPY", "messages": [*rows], "totals": {**totals, **amounts}, **other}


def encoded(tree: object) -> bytes:
    return json.dumps(tree).encode()


def problems(data: bytes) -> list[str]:
    with pytest.raises(ClaimsError) as caught:
        parse_claims(data)
    return [str(problem) for problem in caught.value.problems]


def test_the_example_of_the_contract_is_read_exactly() -> None:
    claims = parse_claims(encoded(document(row())))
    claim = Claim("spring-0001-1", "", "+819001234567", ClaimedState.DELIVERED, 1, 15_000_000)
    assert claims.rows == (claim,)
    assert claims.currency == "JPY"
    assert claims.totals == ClaimedTotals(1, 1, 1, 14, 15_000_000, 1_500_000, 16_500_000)
    assert claims.notes == ()
    assert not claims.empty


def test_claims_without_a_row_are_empty_and_no_error() -> None:
    assert parse_claims(encoded(document())).empty


@pytest.mark.parametrize("state", ["accepted", "sent", "delivered", "undelivered", "failed"])
def test_each_state_of_the_contract_is_read(state: str) -> None:
    assert parse_claims(encoded(document(row(state=state)))).rows[0].state.value == state


@pytest.mark.parametrize(
    ("amount", "micros"),
    [("0", 0), ("15", 15_000_000), ("0.0083", 8_300), ("0.000001", 1), ("15.0000000", 15_000_000)],
)
def test_an_amount_becomes_whole_millionths(amount: str, micros: int) -> None:
    assert parse_claims(encoded(document(row(amount=amount)))).rows[0].micros == micros


@repeatable
@given(st.integers(0, 10**18 - 1))
def test_no_amount_loses_a_millionth(micros: int) -> None:
    amount = f"{micros // 10**6}.{micros % 10**6:06d}"
    assert parse_claims(encoded(document(row(amount=amount)))).rows[0].micros == micros


@pytest.mark.parametrize(
    "amount",
    [
        "NaN",
        "inf",
        "-15",
        "1e3",
        "1_000",
        "1,000",
        "",
        " 15",
        "15 ",
        "¥15",
        "\N{FULLWIDTH DIGIT ONE}",
        "15.",
        "9" * 99,
    ],
)
def test_what_is_not_a_plain_decimal_is_refused_with_its_row(amount: str) -> None:
    (problem,) = problems(encoded(document(row(), row(own_id="b", amount=amount))))
    assert problem.startswith("messages[1].amount: ")
    assert 'write a decimal string such as "15"' in problem


def test_an_amount_finer_than_a_millionth_is_refused_and_not_rounded() -> None:
    (problem,) = problems(encoded(document(row(amount="0.0000001"))))
    assert problem == (
        "messages[0].amount: '0.0000001' is finer than a millionth; write at most 6 decimals"
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": 15}, "messages[0].amount: expected str, got int; write a decimal string"),
        ({"units": "1"}, "messages[0].units: expected int, got str; write a whole number"),
        ({"units": -1}, "messages[0].units: expected int >= 0; write a whole number"),
        ({"units": True}, "messages[0].units: expected int, got bool"),
        ({"units": 10**30}, "messages[0].units: expected int <= 9007199254740991"),
        ({"state": "opened"}, "messages[0].state: invalid enum value 'opened'; write one of"),
        ({"to": None}, "messages[0].to: expected str, got null; write the number as text"),
        ({"own_id": 7}, "messages[0].own_id: expected str | null, got int; write text"),
        ({"own_id": "x" * 999}, "messages[0].own_id: expected str of length <= 256"),
        ({"own_id": None}, "messages[0]: has neither own_id nor provider_id; set one of them"),
        ({"own_id": ""}, "messages[0]: has neither own_id nor provider_id; set one of them"),
    ],
)
def test_a_wrong_row_is_told_with_its_index_and_what_to_do(wrong: Document, said: str) -> None:
    (problem,) = problems(encoded(document(row(**wrong))))
    assert problem.startswith(said)


@pytest.mark.parametrize("missing", ["to", "state", "units", "amount"])
def test_a_missing_field_is_named_with_its_row(missing: str) -> None:
    tree = row()
    del tree[missing]
    (problem,) = problems(encoded(document(tree)))
    assert problem.startswith(f"messages[0].{missing}: is missing; write ")


@pytest.mark.parametrize("missing", ClaimedTotals.__struct_fields__)
def test_a_missing_total_is_named(missing: str) -> None:
    tree, name = document(row()), missing.removesuffix("_micros")
    del tree["totals"][name]
    (problem,) = problems(encoded(tree))
    assert problem.startswith(f"totals.{name}: is missing; write ")


@pytest.mark.parametrize("name", ["own_id", "provider_id"])
def test_an_id_claimed_twice_names_both_rows(name: str) -> None:
    rows = [row(**{"own_id": None, name: value}) for value in ("a", "b", "a")]
    (problem,) = problems(encoded(document(*rows)))
    assert problem == (
        f"messages[2].{name}: 'a' stands in messages[0] too; claim each accepted message once"
    )


def test_the_same_text_may_be_an_own_id_and_a_providers_id() -> None:
    rows = [row(own_id="a"), row(own_id=None, provider_id="a")]
    assert len(parse_claims(encoded(document(*rows))).rows) == 2


def test_every_problem_is_told_in_reading_order() -> None:
    tree = document(row(units=-1), row(own_id="b", state="lost"), currency="yen")
    tree["totals"]["tax"] = "-1"
    paths = [problem.partition(":")[0] for problem in problems(encoded(tree))]
    assert paths == ["currency", "messages[0].units", "messages[1].state", "totals.tax"]


def test_many_problems_are_counted_and_the_first_told() -> None:
    with pytest.raises(ClaimsError) as caught:
        parse_claims(encoded(document(*[row(own_id=str(n), units=-1) for n in range(500)])))
    assert len(caught.value.problems) == 20
    assert caught.value.more == 480
    assert str(caught.value).endswith("... and 480 more")
    assert caught.value.reason.endswith("(and 499 more)")
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "nothing was answered; write the JSON of docs/system-under-test.md"),
        (c.BOM + b" \n", "nothing was answered; write the JSON of docs/system-under-test.md"),
        (b"<html>", "is not JSON: JSON is malformed: invalid character (byte 0); write the JSON"),
        (b'{"currency": "JPY"', "is not JSON: Input data was truncated; write the JSON"),
        (b"{}{}", "is not JSON: JSON is malformed: trailing characters"),
        (b"[]", "expected object, got array; write the JSON of docs/system-under-test.md"),
        (b"null", "expected object, got null; write the JSON of docs/system-under-test.md"),
        (b'{"currency": "\xff"}', "byte 14 is 0xff, which is not UTF-8; write UTF-8"),
        ("{}".encode("utf-16"), "byte 0 is 0xff, which is not UTF-8; write UTF-8"),
        (b'{"a":' * 100_000, "is nested too deeply; write the JSON of docs/system-under-test.md"),
    ],
)
def test_what_is_no_json_object_is_one_clear_error(data: bytes, said: str) -> None:
    (problem,) = problems(data)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "raw", [b"NaN", b"1e999", b'"\\ud800"', b"[" * 9999, b"[" * 99 + b"]" * 99]
)
@pytest.mark.parametrize("field", ["own_id", "units", "amount", "x"])
def test_a_poisoned_value_in_a_row_is_no_traceback(raw: bytes, field: str) -> None:
    data = encoded(document(row(**{field: "POISON"}))).replace(b'"POISON"', raw)
    try:
        claims = parse_claims(data)
    except ClaimsError:
        return
    assert claims.notes == ("unknown field messages[].'x' passed over 1 x",)


@pytest.mark.parametrize("rows", [None, {}, "", 5, [None], [[]], [5]])
def test_messages_of_another_shape_are_refused(rows: object) -> None:
    (problem,) = problems(encoded(document(messages=rows)))
    assert problem.startswith("messages")
    assert "; write a " in problem


@pytest.mark.parametrize("name", ["currency", "messages", "totals"])
def test_each_part_of_the_document_must_be_there(name: str) -> None:
    tree = document(row())
    del tree[name]
    (problem,) = problems(encoded(tree))
    assert problem.startswith(f"{name}: is missing; write ")


@pytest.mark.parametrize("currency", ["yen", "", "円", None, "JPY\n", "JPYX"])
def test_a_currency_is_three_capital_letters(currency: str | None) -> None:
    (problem,) = problems(encoded(document(row(), currency=currency)))
    assert problem.endswith("; write a code of ISO 4217 such as JPY")


def test_unknown_fields_are_passed_over_and_told_with_their_number() -> None:
    rows = [row(own_id=str(n), mood="good") for n in range(3)]
    tree = document(*rows, version=1)
    tree["totals"]["opened"] = 7
    assert parse_claims(encoded(tree)).notes == (
        "unknown field 'version' passed over 1 x",
        "unknown field messages[].'mood' passed over 3 x",
        "unknown field totals.'opened' passed over 1 x",
    )


def test_the_names_of_unknown_fields_are_limited() -> None:
    rows = [row(own_id=str(n), **{f"f{n}": n}) for n in range(100)]
    notes = parse_claims(encoded(document(*rows))).notes
    assert len(notes) == 21
    assert "unknown field others passed over 80 x" in notes


def test_a_byte_order_mark_is_passed_over_and_told() -> None:
    data = c.BOM + encoded(document(row()))
    assert parse_claims(data).notes == ("a byte order mark was passed over",)


def test_too_many_bytes_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c, "BYTES_MAX", 10)
    (problem,) = problems(encoded(document(row())))
    assert problem.endswith("bytes are more than 10; claim fewer messages in one run")


def test_unreadable_claims_prove_nothing() -> None:
    with pytest.raises(ClaimsError) as caught:
        parse_claims(b"")
    assert caught.value.exit_code is ExitCode.PROVES_NOTHING


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@repeatable
@given(
    st.builds(
        lambda field, value: document(row(**{field: value})),
        st.sampled_from(["own_id", "provider_id", "to", "state", "units", "amount"]),
        JSON,
    )
    | JSON.map(lambda value: document(row(), totals=value))
    | JSON
)
def test_any_json_is_claims_or_a_claims_error(tree: object) -> None:
    try:
        parse_claims(encoded(tree))
    except ClaimsError as error:
        assert error.problems  # noqa: PT017 - either way is right


@repeatable
@given(st.binary(max_size=200))
def test_any_bytes_are_a_claims_error(data: bytes) -> None:
    with pytest.raises(ClaimsError):
        parse_claims(data)
