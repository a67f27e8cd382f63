"""The recipients of a scenario: distinct, the same for the same seed, and told who they are."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.message import State
from simulator.core.number import US_FICTIONAL_COUNT, Number, is_fictional, parse
from simulator.engine.world import World
from simulator.errors import ConfigError
from simulator.run.people import COLUMNS, numbers_of, recipients, write_csv
from simulator.run.world import options_of
from simulator.scenario import Scenario, load_scenario
from tests.run.runs import AMERICA, JAPAN, written
from tests.worlds import LONG_US, START_US, account, fates, run, send, sms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Scenario]

each_country = pytest.mark.parametrize("base", [JAPAN, AMERICA], ids=["jp", "us"])


@pytest.fixture
def scenario(tmp_path: Path) -> Make:
    def make(base: dict[str, Any] = JAPAN, seed: int = 1, **people: Any) -> Scenario:
        return load_scenario(written(tmp_path, base, seed=seed, people=people), needs_sut=False)

    return make


@each_country
def test_numbers_are_distinct_and_the_same_for_the_same_seed(
    scenario: Make, base: dict[str, Any]
) -> None:
    count = 20_000
    numbers = list(numbers_of(scenario(base, count=count)))
    assert len(set(numbers)) == count
    assert numbers == list(numbers_of(scenario(base, count=count)))
    assert numbers[:10] == list(numbers_of(scenario(base, count=10)))
    assert numbers != list(numbers_of(scenario(base, seed=2, count=count)))


def test_a_range_may_be_used_up_to_its_last_number(scenario: Make) -> None:
    numbers = set(numbers_of(scenario(AMERICA, count=US_FICTIONAL_COUNT)))
    assert len(numbers) == US_FICTIONAL_COUNT
    assert all(map(is_fictional, numbers))


def test_more_people_than_numbers_are_refused_in_words(scenario: Make) -> None:
    with pytest.raises(ConfigError, match=r"people\.count: reserved numbers of us are 61,200, not"):
        numbers_of(scenario(AMERICA, count=US_FICTIONAL_COUNT + 1))


def test_numbers_are_of_the_kind_that_was_asked_for(scenario: Make) -> None:
    for number in numbers_of(scenario(count=200)):
        assert re.fullmatch(r"\+81[789]0[1-9]\d{7}", number)
        assert isinstance(parse(number), Number)
    shop = [{"name": "shop", "dialect": "twilio"}]
    unassigned = {**JAPAN, "accounts": shop}
    for number in numbers_of(scenario(unassigned, count=200, numbers="unassigned")):
        assert re.fullmatch(r"\+81[79]00\d{7}", number)


def test_the_list_is_a_table_with_a_header(scenario: Make, tmp_path: Path) -> None:
    made = scenario(count=50)
    write_csv(made, tmp_path / "people.csv")
    with (tmp_path / "people.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert [tuple(row) for row in rows] == list(recipients(made))


def test_names_are_the_countrys_and_belong_to_their_numbers(scenario: Make) -> None:
    few, more = (
        {r.number: r.name for r in recipients(scenario(count=count))} for count in (600, 1_000)
    )
    assert all(re.search(r"[\u3040-\u9fff]", name) for name in few.values())
    assert few.items() <= more.items()
    assert len(set(few.values())) > 200


def test_the_segment_in_the_list_is_the_one_that_the_person_lives_by(scenario: Make) -> None:
    """Whoever is listed as gone is gone, and nobody else."""
    never = dict.fromkeys(("gone", "refuses", "absent", "away"), "0%")
    segments = [
        {"name": "gone", "share": "30%", "with": {**never, "gone": "100%"}},
        {"name": "there", "share": "70%", "with": never},
    ]
    made = scenario(count=300, segments=segments)
    listed = {person.number: person.segment for person in recipients(made)}
    assert 60 < Counter(listed.values())["gone"] < 120
    world = World("test", options_of(made))
    world.configure(account(), START_US)
    for number in listed:
        send(world, sms(number))
    run(world, START_US + LONG_US)
    fared = {to: fate[1] for (_, to, _), fate in fates(world).items()}
    ends = {"gone": State.UNDELIVERED, "there": State.DELIVERED}
    assert fared == {number: ends[segment] for number, segment in listed.items()}
