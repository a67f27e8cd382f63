"""Whatever has rows becomes claims by a mapping; whatever is wrong is one error with a code."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.verify.claim_codes import ClaimCode, ClaimsError
from simulator.verify.claim_map import Reading
from simulator.verify.claim_records import value_at
from simulator.verify.claim_rows import FIELDS, Claim, ClaimedState
from simulator.verify.claim_table import TableReader
from simulator.verify.claims import ClaimedTotals, Claims
from tests.verify.honest_books import YEN, repeatable

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = {name: name for name in ("own_id", "provider_id", "to", "state", "units", "amount")}
ROW = {"own_id": "a", "provider_id": "SM1", "to": "09012345678", "state": "sent"} | {
    "units": 2,
    "amount": "30",
}
HEADER = b"own_id,provider_id,to,state,units,amount\n"
CLAIM = Claim("a", "SM1", "+819012345678", ClaimedState.SENT, 2, 30 * YEN)


def read(*pages: bytes, kind: str = "", **how: Any) -> Claims:
    reader = TableReader(Reading(**{"fields": NAMES, "currency": "JPY", **how}))
    for page in pages:
        reader.page(page, kind)
    return reader.claims()


def problem(*pages: bytes, **how: Any) -> tuple[str, str]:
    with pytest.raises(ClaimsError) as caught:
        read(*pages, **how)
    first = caught.value.problems[0]
    return first.code, str(first)


def sheet(*rows: dict[str, Any], delimiter: str = ",", columns: Sequence[str] = tuple(ROW)) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


DOCUMENTS = {
    "json": json.dumps([ROW]).encode(),
    "json in an object": json.dumps({"page": 1, "items": [ROW]}).encode(),
    "json lines": json.dumps(ROW).encode() + b"\n\n",
    "csv": sheet(ROW).encode(),
    "csv with a mark": b"\xef\xbb\xbf" + sheet(ROW).encode(),
    "csv in cp932": sheet(ROW, {**ROW, "own_id": "通", "provider_id": ""}).encode("cp932"),
    "csv in utf-16": sheet(ROW).encode("utf-16"),
    "tabs": sheet(ROW, delimiter="\t").encode(),
    "semicolons": sheet(ROW, delimiter=";").encode(),
    "json in utf-16": json.dumps([ROW]).encode("utf-16"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_row_is_the_same_claim_in_every_form(name: str) -> None:
    claims = read(DOCUMENTS[name])
    assert claims.rows[0] == CLAIM
    assert claims.currency == "JPY"
    assert any(note.startswith("the format was found out to be") for note in claims.notes)
    assert "recipients normalised: national form" in claims.notes[-1]


def test_what_is_named_is_not_guessed_and_not_said() -> None:
    data = sheet({**ROW, "to": "+819012345678"}).encode("cp932")
    claims = read(data, format="csv", encoding="cp932", delimiter=",")
    assert claims.notes == ()


def test_a_document_says_its_format_by_its_type() -> None:
    assert "the format" not in " ".join(read(DOCUMENTS["csv"], kind="csv").notes)


def test_pages_are_one_claim_and_their_rows_are_counted_through() -> None:
    rows = [{**ROW, "own_id": str(n), "provider_id": ""} for n in range(5)]
    claims = read(*(json.dumps(rows[n : n + 2]).encode() for n in (0, 2, 4)))
    assert [claim.own_id for claim in claims.rows] == list("01234")
    rows[4]["units"] = "many"
    code, said = problem(*(json.dumps(rows[n : n + 2]).encode() for n in (0, 2, 4)))
    assert (code, said.partition(":")[0]) == ("claims-shape", "row 5, units")


def test_nested_fields_are_found_by_their_path() -> None:
    data = json.dumps({"data": {"rows": [{"id": "x", "cost": {"amount": 15.5}}]}}).encode()
    fields = {"own_id": "id", "amount": "cost.amount"}
    claims = read(data, fields=fields, rows="data.rows")
    assert (claims.rows[0].own_id, claims.rows[0].micros) == ("x", 15_500_000)


def test_a_value_map_gives_their_words_our_states() -> None:
    states = {"着信済": ClaimedState.DELIVERED, "3": ClaimedState.UNDELIVERED}
    rows = [{"id": "a", "s": "着信済"}, {"id": "b", "s": 3}]
    fields = {"own_id": "id", "state": "s"}
    claims = read(json.dumps(rows).encode(), fields=fields, states=states)
    assert [c.state for c in claims.rows] == [ClaimedState.DELIVERED, ClaimedState.UNDELIVERED]
    code, said = problem(
        b'[{"id": "a", "s": "\xe7\x9d\x80\xe4\xbf\xa1"}]', fields=fields, states=states
    )
    assert code == "claims-state"
    assert said.startswith("row 1, s: '着信' is no state of the value map; did you mean 着信済?")


def test_what_is_not_mapped_is_not_claimed() -> None:
    claims = read(DOCUMENTS["csv"], fields={"own_id": "own_id", "state": "state"})
    assert claims.rows.said == {"own_id", "state"}  # type: ignore[attr-defined]
    assert claims.totals == ClaimedTotals(accepted=1, delivered=0)


def test_opting_out_is_read_in_the_usual_words_or_in_mapped_ones() -> None:
    fields = {"own_id": "own_id", "opted_out": "stop"}
    rows = [{"own_id": str(n), "stop": s} for n, s in enumerate(["TRUE", 0, None, "1", ""])]
    claims = read(json.dumps(rows).encode(), fields=fields)
    assert [c.opted_out for c in claims.rows] == [True, False, None, True, False]
    mapped = read(b"own_id,stop\na,x\n", fields=fields, opted_out={"x": True})
    assert mapped.rows[0].opted_out is True
    assert problem(b"own_id,stop\na,maybe\n", fields=fields)[0] == "claims-shape"


@pytest.mark.parametrize(
    ("value", "micros"),
    [("15", 15 * YEN), (15, 15 * YEN), ("0.0083", 8_300), (1e3, 1000 * YEN), ("", 0), (None, 0)],
)
def test_an_amount_is_exact_whether_text_or_number(value: object, micros: int) -> None:
    claims = read(json.dumps([{**ROW, "amount": value}]).encode())
    assert claims.rows[0].micros == micros
    empty = "amount: empty in 1 row, read as 0"
    assert (empty in claims.notes) == (value in ("", None))


@pytest.mark.parametrize("value", ["1,500", "¥15", "-15", "1e3", "NaN", "15円", "9" * 99, [], {}])
def test_what_is_no_amount_is_refused_with_its_row_and_column(value: object) -> None:
    code, said = problem(json.dumps([ROW, {**ROW, "own_id": "b", "amount": value}]).encode())
    assert code == "claims-amount"
    assert said.startswith("row 2, amount: ")


@pytest.mark.parametrize("raw", ["1e999999999", "-1e-999999999", "1" * 5000, "1e400"])
def test_a_monstrous_number_is_an_error_and_takes_no_time(raw: str) -> None:
    data = json.dumps([{**ROW, "amount": "X"}]).replace('"X"', raw).encode()
    assert problem(data)[0] in {"claims-amount", "claims-not-json"}


def test_the_currency_may_stand_in_each_row_and_must_be_one() -> None:
    fields = {**NAMES, "currency": "cur"}
    rows = [
        {**ROW, "own_id": str(n), "provider_id": "", "cur": c} for n, c in enumerate(("USD",) * 2)
    ]
    assert read(json.dumps(rows).encode(), fields=fields, currency="JPY").currency == "USD"
    rows[1]["cur"] = "JPY"
    code, said = problem(json.dumps(rows).encode(), fields=fields)
    assert code == "claims-currency"
    assert said.startswith("row 2: amounts in 'JPY', and in 'USD' before; claim one currency")
    rows[0]["cur"] = "yen"
    assert problem(json.dumps(rows).encode(), fields=fields)[0] == "claims-currency"


TOTALS = {"accepted": "sent", "delivered": "arrived", "total": "bill"}


@pytest.mark.parametrize(
    "data", [b"sent,arrived,bill\n10,9,148.5\n", b'{"sent": 10, "arrived": 9, "bill": "148.5"}']
)
def test_totals_alone_may_be_claimed(data: bytes) -> None:
    claims = read(
        data, fields={}, totals=TOTALS, format="csv" if data[:1] == b"s" else "json", rows=""
    )
    assert claims.totals == ClaimedTotals(accepted=10, delivered=9, total_micros=148_500_000)
    assert (claims.aggregates, claims.empty, len(claims.rows)) == (True, False, 0)


def test_totals_are_one_row() -> None:
    for data in (b"sent,arrived,bill\n1,1,1\n1,1,1\n", b"sent,arrived,bill\n"):
        assert problem(data, fields={}, totals=TOTALS)[0] in {"claims-shape", "claims-empty"}


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "claims-empty", "nothing was answered"),
        (b" \n", "claims-empty", "nothing was answered"),
        (b"<html>no</html>", "claims-unmapped", "the mapping names 'own_id', which is no column"),
        (b'[{"own_id": ', "claims-not-json", "is not JSON as it should be"),
        (b"[[1]]", "claims-shape", "row 1 is a list, not an object"),
        (b"[{}, 5]", "claims-shape", "row 2 is 5, not an object"),
        (b'{"error": 1}', "claims-unmapped", "'own_id', which no row has; known: error"),
        (b'{"a": [], "b": []}', "claims-unmapped", "which list are the rows? (lists: 'a', 'b')"),
        (b'{"a":1}\n{"a":', "claims-not-json", "row 2 is not JSON"),
        (b"[" * 100_000, "claims-not-json", "is not JSON"),
        (b'[{"own_id": "x"}]', "claims-unmapped", "'provider_id', which no row has; known: own_id"),
        (b"own_id,to\n", "claims-unmapped", "the mapping names 'provider_id', which is no column"),
        (b"own_id,own_id\n", "claims-unmapped", "the column 'own_id' is there 2 times"),
        (
            b"own_id,provider_id,to,state,units,amount\na,b\n",
            "claims-not-csv",
            "line 2 has 2 cells",
        ),
        (HEADER + b'"a\n', "claims-not-csv", "is not CSV"),
        (HEADER + b",,,sent,1,1\n", "claims-no-id", "row 1: has"),
        (b"a\x00b,c\n", "claims-unmapped", "is no column"),
        (b"own_id\n" + b"x" * 200_000, "claims-unmapped", "is no column"),
    ],
)
def test_what_cannot_be_read_is_one_error_with_a_code(data: bytes, code: str, words: str) -> None:
    found, said = problem(data)
    assert (found, words in said) == (code, True), said


def test_an_id_in_two_rows_names_both() -> None:
    code, said = problem(sheet(ROW, {**ROW, "provider_id": ""}).encode())
    assert code == "claims-duplicate-id"
    assert said.startswith("row 2.own_id: 'a' stands in row 1 too; claim each accepted message")


def test_every_problem_is_counted_and_the_first_are_told() -> None:
    rows = [{**ROW, "own_id": str(n), "provider_id": "", "units": "x"} for n in range(50)]
    with pytest.raises(ClaimsError) as caught:
        read(json.dumps(rows).encode())
    assert (len(caught.value.problems), caught.value.more) == (20, 30)


def test_the_value_at_a_path_leads_to_the_next_page() -> None:
    data = b'{"paging": {"next": "/claims?page=2"}, "items": []}'
    assert value_at(data, "paging.next") == "/claims?page=2"
    assert value_at(data, "paging.last") is None
    assert value_at(b"[]", "paging.next") is None


def codes(data: bytes, **how: Any) -> set[str]:
    """Read, and return the codes of whatever is wrong; a traceback is the test's end."""
    try:
        read(data, **how)
    except ClaimsError as error:
        return {problem.code for problem in error.problems}
    return set()


@repeatable
@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(data: bytes) -> None:
    assert codes(data) <= {code.value for code in ClaimCode}


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats(), st.just({})
)


@repeatable
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES), max_size=4))
def test_no_rows_are_a_traceback(rows: list[dict[str, Any]]) -> None:
    fields = {name: name for name in FIELDS}
    for text in (json.dumps(rows), "\n".join(map(json.dumps, rows)), sheet(*rows, columns=FIELDS)):
        found = codes(text.encode("utf-8", "surrogatepass"), fields=fields)
        assert found <= {code.value for code in ClaimCode}
