"""Carriers: every figure is cited, and the tables say what the sources say."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import pytest

from simulator.core import carrier, person
from simulator.core.carrier import (
    CARRIERS,
    DOCOMO,
    HOUR_US,
    KDDI,
    MINUTE_US,
    NETWORKS,
    RAKUTEN,
    SECOND_US,
    SOFTBANK,
    Carrier,
)
from simulator.core.chance import MASK
from simulator.core.preset import Certainty, Figure

FIGURES = {
    f"{owner.name}.{field.name}": figure
    for owner in (*CARRIERS.values(), *person.PRESETS.values())
    for field in fields(owner)
    if isinstance(figure := getattr(owner, field.name), Figure)
} | {
    name: figure
    for module in (carrier, person)
    for name, figure in vars(module).items()
    if isinstance(figure, Figure)
}
each_carrier = pytest.mark.parametrize("one", CARRIERS.values(), ids=lambda c: c.name)


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_no_figure_stands_without_citation_denominator_and_certainty(figure: Figure) -> None:
    assert len(figure.cite) > 20
    assert figure.cite.endswith((".", "Q1"))
    assert figure.per
    assert figure.unit == "share"
    assert 0.0 <= figure.value <= 1.0
    assert isinstance(figure.certainty, Certainty)


@pytest.mark.parametrize(
    "figure",
    [f for f in FIGURES.values() if f.certainty is not Certainty.ASSUMED],
    ids=lambda f: f.cite[:30],
)
def test_what_is_not_assumed_names_its_source(figure: Figure) -> None:
    assert "ssumed:" not in figure.cite


def test_the_shares_in_japan_are_the_ministrys() -> None:
    shares = {c.name: c.share.value for c in NETWORKS["JP"].carriers}
    assert shares == pytest.approx(
        {"docomo": 0.399, "kddi": 0.312, "softbank": 0.247, "rakuten": 0.041}
    )
    assert all(c.share.certainty is Certainty.MEASURED for c in NETWORKS["JP"].carriers)
    assert all("FY2025 Q1" in c.share.cite for c in NETWORKS["JP"].carriers)


def test_a_network_draws_its_carriers_by_their_shares() -> None:
    jp = NETWORKS["JP"]
    drawn = [(b - a) / 2**64 for a, b in pairwise((0, *jp.shares))]
    assert drawn == pytest.approx([p / 99.9 for p in (39.9, 31.2, 24.7, 4.1)])


@each_carrier
def test_a_carriers_tables_make_sense(one: Carrier) -> None:
    assert CARRIERS[one.index] is one
    assert one.retry_us
    assert min(one.retry_us) > 0
    assert one.validity_us > 0
    assert one.retries is None or one.retries >= 0
    for law in (one.transit, one.receipt_delivered, one.receipt_failed):
        assert 0 <= law.at(0) <= law.at(MASK)


def test_kddi_reports_failures_about_twenty_minutes_late_and_nobody_else_does() -> None:
    assert KDDI.receipt_failed.at(0) == 18 * MINUTE_US
    assert KDDI.receipt_failed.at(2**63) == pytest.approx(20 * MINUTE_US, rel=1e-3)
    assert KDDI.receipt_failed.at(MASK) <= 22 * MINUTE_US
    assert KDDI.receipt_delivered.at(MASK) <= 2 * SECOND_US
    for other in (DOCOMO, SOFTBANK, RAKUTEN):
        assert other.receipt_failed.at(MASK) <= 2 * SECOND_US


def test_transit_in_japan_is_one_to_five_seconds_as_the_central_nine_tenths() -> None:
    for quantile, seconds in ((0.05, 1.0), (0.95, 5.0)):
        assert DOCOMO.transit.at(int(quantile * 2**64)) == pytest.approx(seconds * 1e6, rel=0.01)


def test_validity_in_japan_is_three_days_but_one_with_softbank() -> None:
    days = {c.name: c.validity_us // (24 * HOUR_US) for c in NETWORKS["JP"].carriers}
    assert days == {"docomo": 3, "kddi": 3, "softbank": 1, "rakuten": 3}
    assert (KDDI.retries, KDDI.retry_us) == (1, (HOUR_US,))
