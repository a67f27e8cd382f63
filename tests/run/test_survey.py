"""One walk over a world: what each message is, what was told, and what rates are made of."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from simulator.core.command import Inject
from simulator.core.message import FINAL, State
from simulator.core.number import us_fictional
from simulator.run.facts import evidence_of, surveyed
from simulator.run.survey import survey, tellings_of
from simulator.verify.rates import RATES, value_of
from tests.run.runs import AMERICA, JAPAN
from tests.run.test_facts import made, written_to
from tests.worlds import LONG_US, START_US, advance, phone, sms

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.engine.world import World
    from simulator.run.survey import Survey

PEOPLE = {"count": 200, "with": {"reply": "40%", "stop": "10%", "gone": "5%", "refuses": "5%"}}


def lived(
    tmp_path: Path, base: dict[str, Any] = JAPAN, body: str = "Hello", **sections: Any
) -> tuple[World, Survey]:
    scenario, world = made(tmp_path, base, **sections)
    (name,) = world.store.shelves
    for n in range(200):
        to = us_fictional(n) if base is AMERICA else phone(n)
        world.gateway.submit(
            sms(to, body, account=name, reference=f"letter {n}", can_reply=True), START_US
        )
    advance(world, START_US + LONG_US)
    return world, surveyed(world, scenario)


def test_the_counts_are_those_of_the_truth(tmp_path: Path) -> None:
    world, known = lived(tmp_path, AMERICA, people=PEOPLE)
    (tally,) = world.truth.tallies.values()
    counts = known.truth
    assert len(known.facts) == counts.accepted == tally.accepted == 200
    assert counts.delivered == tally.fated(State.DELIVERED)
    assert counts.ended == sum(tally.fated(state) for state in FINAL)
    assert (counts.opened, counts.replied) == (tally.opened, tally.replied)
    assert 0 < (counts.noticed or 0) <= tally.noticed
    assert counts.delivered < counts.reachable < counts.accepted
    assert counts.people == 200
    rates = {name: value_of(rate, counts) for name, rate in RATES.items()}
    assert (rates["delivery_rate"] or 0) < (rates["delivery_rate_reachable"] or 0)
    assert {name for name, value in rates.items() if value is None} == {
        name for name, rate in RATES.items() if rate.needs in ("links", "calls")
    }


def test_clicks_are_counted_where_a_text_has_a_link_and_only_there(tmp_path: Path) -> None:
    people = {"count": 200, "with": {"click": "40%"}}
    world, known = lived(tmp_path, AMERICA, people=people, body="See https://example.com/a")
    (tally,) = world.truth.tallies.values()
    assert known.truth.clicked == known.told.clicked == tally.clicked > 0
    rate = value_of(RATES["click_rate"], known.truth)
    assert rate == Fraction(tally.clicked, tally.fated(State.DELIVERED))
    _, plain = lived(tmp_path, AMERICA, people=people)
    assert (plain.truth.clicked, plain.told.clicked) == (None, None)


def test_what_nobody_can_know_is_not_among_what_was_told(tmp_path: Path) -> None:
    _, known = lived(tmp_path, AMERICA, people=PEOPLE)
    assert (known.told.noticed, known.told.opened) == (None, None)
    assert known.told.accepted == 200


def test_a_fact_says_when_it_was_accepted_and_what_its_text_was(tmp_path: Path) -> None:
    world, known = lived(tmp_path)
    assert {fact.accepted_us for fact in known.facts} == {START_US}
    assert len({fact.text for fact in known.facts}) == 1
    assert all(fact.text for fact in known.facts)
    told = [tellings_of(world, fact.key) for fact in known.facts]
    for fact, tellings in zip(known.facts, told, strict=True):
        assert fact.told_us == (tellings[-1][0] if tellings else START_US)
    assert tellings_of(world, 12345) == ()


def test_an_opt_out_is_known_once_it_was_told(tmp_path: Path) -> None:
    scenario, world = made(tmp_path, AMERICA)
    written_to(world, 2)
    (name,) = world.store.shelves
    sender = world.store.get(world.store.shelves[name].keys[0])
    assert sender is not None
    world.gateway.submit(Inject(name, phone(0), sender.sender, "STOP"), START_US + 1)
    by_person = {fact.to: fact.opted_out for fact in surveyed(world, scenario).facts}
    assert by_person == {phone(0): None, phone(1): False}  # nobody was called back in this test


def test_an_account_that_is_not_there_has_no_messages(tmp_path: Path) -> None:
    scenario, world = made(tmp_path)
    assert len(survey(world, "nobody").facts) == 0
    evidence = evidence_of(world, scenario, survey(world, "nobody").told, {})
    assert (evidence.late_us, evidence.twice_us) == (24 * 3_600_000_000, 600_000_000)
