"""Named rates: one meaning each, and claims of them judged by what could be known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulator.core.message import State
from simulator.verify.claim_codes import ClaimCode, ClaimsError
from simulator.verify.claims import ClaimedState, Claims, parse_claims
from simulator.verify.findings import FindingKind
from simulator.verify.rates import DENOMINATORS, RATES, Counts, by_any_name, value_of
from simulator.verify.reconcile import Evidence, reconcile
from tests.verify.honest_books import books_of, with_row

PAGE = (Path(__file__).parents[2] / "docs/rates.md").read_text("utf-8")
COUNTS = Counts(
    accepted=1000,
    sent=990,
    delivered=930,
    reachable=950,
    ended=980,
    people=900,
    replied=93,
    contacts=90,
    units=1100,
    cost=Fraction(16500),
)
DIFFERS, DEFINITION, UNKNOWN = (
    FindingKind.RATE_DIFFERS,
    FindingKind.DEFINITION_DIFFERS,
    FindingKind.CANNOT_BE_KNOWN,
)


def claimed(*rates: dict[str, Any]) -> Claims:
    tree = {"currency": "JPY", "totals": {}, "rates": rates}
    return parse_claims(json.dumps(tree).encode(), aggregates=True)


def judge(counts: Counts = COUNTS, **rate: Any) -> FindingKind | None:
    found = reconcile(claimed(rate), (), None, Evidence(counts=counts)).findings
    assert len(found) <= 1
    return found[0].kind if found else None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delivery_rate", "93%"),
        ("delivery_rate", "0.93"),
        ("到達率", "93.0%"),
        ("delivery_rate_reachable", "97.89%"),
        ("delivery_rate_reachable", "97.9%"),
        ("delivery_rate_reachable", "97.8%"),  # cut instead of rounded
        ("reply_rate", "10%"),
        ("touches_per_contact", "11.11"),
        ("cost_per_contact", "183.33"),
    ],
)
def test_a_right_rate_is_no_finding_however_many_digits_it_has(name: str, value: str) -> None:
    assert judge(name=name, value=value) is None


def test_a_count_over_another_is_compared_exactly() -> None:
    assert judge(name="delivery_rate", count=930, of=1000) is None
    assert judge(name="delivery_rate", count=931, of=1000) is DIFFERS
    assert judge(name="delivery_rate", count=930, of=950) is DEFINITION
    assert judge(name="delivery_rate", count=930, of=999) is DEFINITION
    assert judge(name="delivery_rate", count=930, of=1000, value="97.9%") is DIFFERS


def test_the_right_count_over_another_denominator_is_another_definition() -> None:
    for name in set(DENOMINATORS) - {"accepted", "delivered"}:
        value = Fraction(930, getattr(COUNTS, name))
        kind = judge(name="delivery_rate", value=f"{float(value):.6f}")
        assert kind is DEFINITION, name
    assert judge(name="delivery_rate", value="50%") is DIFFERS


def test_a_claim_may_name_its_formula_and_is_held_to_it() -> None:
    reachable = RATES["delivery_rate_reachable"].formula
    assert judge(name="到達率", formula=reachable, value="97.9%") is None
    assert judge(name="到達率", formula=reachable, value="93%") is DEFINITION
    assert judge(name="到達率", formula="delivered / accepted", value="97.9%") is DEFINITION


@pytest.mark.parametrize(
    "name", ["open_rate", "開封率", "認識率", "click_rate", "接続率", "応答率"]
)
def test_what_no_plain_sms_can_tell_cannot_be_known(name: str) -> None:
    assert judge(name=name, value="86%") is UNKNOWN


def test_a_rate_of_clicks_is_judged_where_there_were_links() -> None:
    linked = msgspec.structs.replace(COUNTS, clicked=31)
    assert judge(linked, name="click_rate", value="3.3%") is None
    assert judge(linked, name="クリック率", count=31, of=930) is None
    assert judge(linked, name="クリック率", count=31, of=1000) is DEFINITION
    assert judge(linked, name="クリック率", value="12%") is DIFFERS
    assert judge(linked, name="開封率", value="86%") is UNKNOWN


def test_a_rate_over_nothing_cannot_be_known() -> None:
    nobody = msgspec.structs.replace(COUNTS, delivered=0, contacts=0)
    assert judge(nobody, name="reply_rate", value="0%") is UNKNOWN
    assert judge(nobody, name="cost_per_contact", value="1") is UNKNOWN


def test_a_finding_says_both_numbers_and_names_the_rate_in_japanese() -> None:
    (found,) = reconcile(
        claimed({"name": "delivery_rate", "value": "97.9%"}), (), None, Evidence(counts=COUNTS)
    ).findings
    assert found.words == (
        "delivery_rate (到達率): claims 97.9%, which is delivered 930 / reachable 950; "
        "delivered / accepted is delivered 930 / accepted 1,000"
    )
    assert (found.total, found.kind.code) == ("rates.delivery_rate", "definition-differs")


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (
            {"name": "delivery"},
            "rates[0].name: unknown rate 'delivery'; did you mean delivery_rate",
        ),
        ({"name": "到達率", "value": "many"}, "rates[0].value: 'many' is not a rate"),
        ({"name": "到達率", "value": "9" * 60}, "rates[0].value: "),
        ({"name": "到達率"}, "rates[0]: has neither a value nor a count and an `of`"),
        ({"name": "到達率", "count": 5}, "rates[0]: has neither a value nor a count and an `of`"),
        (
            {"name": "到達率", "value": "1%", "formula": "x"},
            "rates[0].formula: unknown formula 'x'",
        ),
        (
            {"name": "到達率", "value": 0.9},
            "rates[0].value: expected str | null, got float; write the number as text, such as",
        ),
        ({"name": "到達率", "valeu": "1%"}, "rates[0]: object contains unknown field valeu"),
    ],
)
def test_a_rate_that_nobody_has_defined_is_an_error(rate: dict[str, Any], said: str) -> None:
    with pytest.raises(ClaimsError) as caught:
        claimed(rate)
    assert str(caught.value.problems[0]).startswith(said)


def test_every_rate_has_a_formula_a_denominator_and_a_japanese_name() -> None:
    for rate in RATES.values():
        assert by_any_name(rate.japanese) is rate
        assert rate.formula.endswith(rate.denominator) or rate.denominator == "reachable"
        assert value_of(rate, COUNTS) is None or not rate.needs


def test_the_page_is_the_table() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \| `([^|`]+)` \|", PAGE, re.MULTILINE)
    assert rows == [(rate.name, rate.japanese, rate.formula) for rate in RATES.values()]


CLAIMS_PAGE = (Path(__file__).parents[2] / "docs/claims.md").read_text("utf-8")


def test_the_page_on_claims_has_every_finding_and_every_code_in_order() -> None:
    rows = re.findall(r"^\| `([a-z -]+)` \|", CLAIMS_PAGE, re.MULTILINE)
    kinds = [kind.value for kind in FindingKind]
    codes = [code.value for code in ClaimCode]
    assert [row for row in rows if row in {*kinds, *codes}] == [*kinds, *codes]


def test_a_rate_that_is_wrong_only_because_its_rows_are_is_no_second_finding() -> None:
    honest = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 1), (State.SENT, 1))
    wrong = with_row(honest, 1, state=ClaimedState.DELIVERED)
    counts = msgspec.structs.replace(COUNTS, accepted=3, delivered=1, reachable=2)
    for written, kinds in (
        ({"count": 2, "of": 3}, [FindingKind.STATE_DIFFERS]),
        ({"count": 2, "of": 2}, [FindingKind.STATE_DIFFERS, DEFINITION]),
        ({"count": 1, "of": 3}, [FindingKind.STATE_DIFFERS, DIFFERS]),
    ):
        claims = replace(wrong, rates=claimed({"name": "delivery_rate", **written}).rates)
        judged = reconcile(claims, honest.facts, honest.totals, Evidence(counts=counts))
        assert [f.kind for f in judged.findings] == kinds
