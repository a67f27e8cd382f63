"""The agenda against the simplest one there is: a list that is sorted at every look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simulator.engine.agenda import Agenda

if TYPE_CHECKING:
    from random import Random

    from simulator.engine.agenda import Entry

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)
BUCKET_US = 1 << 20
far_and_near = st.one_of(
    st.integers(0, 50),
    st.integers(0, 20 * BUCKET_US),
    st.integers(0, 40).map(lambda n: n * BUCKET_US // 2),
    st.integers(0, 2**45),
)
entries = st.tuples(far_and_near, st.integers(0, 3), st.integers(0, 3))


class Against(RuleBasedStateMachine):
    """Push, look and pop in any order: into the bucket under way, into the past, far ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda()
        self.model: list[Entry] = []

    @rule(place=entries)
    def push(self, place: tuple[int, int, int]) -> None:
        self.add_new(place)

    @rule(ahead=st.just(0) | st.integers(-2 * BUCKET_US, 2 * BUCKET_US), key=st.integers(0, 9))
    def push_beside_the_first(self, ahead: int, key: int) -> None:
        due_us = max(0, self.first() + ahead)
        self.add_new((due_us, key, 9))

    @rule(until_us=far_and_near)
    def pop(self, until_us: int) -> None:
        self.take(until_us)

    @rule()
    def pop_the_first(self) -> None:
        self.take(self.first())

    @rule()
    def look(self) -> None:
        assert self.agenda.next_due() == min((e[0] for e in self.model), default=None)

    @invariant()
    def as_long_as_the_model(self) -> None:
        assert len(self.agenda) == len(self.model)

    def first(self) -> int:
        return min((e[0] for e in self.model), default=5 * BUCKET_US)

    def add_new(self, place: tuple[int, int, int]) -> None:
        if not any(entry[:3] == place for entry in self.model):
            entry = (*place, object())
            self.agenda.push(entry)
            self.model.append(entry)

    def take(self, until_us: int) -> None:
        due = sorted(entry[:3] for entry in self.model if entry[0] <= until_us)
        found = self.agenda.pop(until_us)
        assert (found and found[:3]) == (due[0] if due else None)
        if found:
            self.model.remove(found)


TestAgainstASortedList = Against.TestCase
TestAgainstASortedList.settings = settings(
    derandomize=True, database=None, deadline=None, max_examples=150, stateful_step_count=40
)


def drained(agenda: Agenda, until_us: int = 2**60) -> list[tuple[int, int, int]]:
    found = []
    while (entry := agenda.pop(until_us)) is not None:
        found.append(entry[:3])
    return found


@repeatable
@given(st.lists(entries, unique=True, max_size=60), st.randoms(use_true_random=False))
def test_order_of_arrival_never_shows(places: list[tuple[int, int, int]], shuffle: Random) -> None:
    agenda = Agenda()
    shuffle.shuffle(places)
    for place in places:
        agenda.push((*place, object()))
    assert drained(agenda) == sorted(places)


def test_what_is_never_compared_may_be_anything() -> None:
    agenda = Agenda()
    for key in range(100):
        agenda.push((7, key, 0, object()))
    assert [key for _, key, _ in drained(agenda)] == list(range(100))


def test_an_empty_agenda_has_nothing_due() -> None:
    agenda = Agenda()
    assert agenda.next_due() is None
    assert agenda.pop(2**60) is None
    assert len(agenda) == 0


def test_nothing_comes_out_before_it_is_due() -> None:
    agenda = Agenda()
    agenda.push((10 * BUCKET_US, 1, 1, None))
    assert agenda.pop(10 * BUCKET_US - 1) is None
    assert len(agenda) == 1
    assert agenda.pop(10 * BUCKET_US) == (10 * BUCKET_US, 1, 1, None)


def test_a_step_into_the_past_comes_next() -> None:
    agenda = Agenda()
    agenda.push((10 * BUCKET_US, 1, 1, None))
    agenda.push((12 * BUCKET_US, 1, 1, None))
    assert agenda.pop(2**60) == (10 * BUCKET_US, 1, 1, None)
    agenda.push((3, 1, 1, None))
    assert agenda.next_due() == 3
    assert drained(agenda) == [(3, 1, 1), (12 * BUCKET_US, 1, 1)]


def test_a_step_into_the_bucket_under_way_keeps_its_place() -> None:
    agenda = Agenda()
    for at_us in (100, 300, 500):
        agenda.push((at_us, 0, 0, None))
    assert agenda.pop(2**60) == (100, 0, 0, None)
    agenda.push((200, 0, 0, None))
    agenda.push((400, 0, 0, None))
    assert [at_us for at_us, _, _ in drained(agenda)] == [200, 300, 400, 500]


def test_what_is_due_at_one_instant_comes_by_key_even_if_it_was_planned_late() -> None:
    agenda = Agenda()
    for key in (1, 3, 5):
        agenda.push((100, key, 0, None))
    assert agenda.pop(2**60) == (100, 1, 0, None)
    for key in (4, 2, 6, 0):
        agenda.push((100, key, 0, None))
    assert [key for _, key, _ in drained(agenda)] == [0, 2, 3, 4, 5, 6]
