"""The life of a message as a table: an absent entry is the error."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import product

import pytest

from simulator.core.lifecycle import FATE, KNOWN, diagram
from simulator.core.message import FINAL, State

WAYS = {(before, after) for before, following in KNOWN.items() for after in following}


def test_the_table_has_a_row_for_every_state() -> None:
    assert set(KNOWN) == set(State)


def test_the_ways_are_these_and_no_others() -> None:
    names = {f"{before.name} {after.name}" for before, after in WAYS}
    assert names == {
        "NONE ACCEPTED",
        "NONE RECEIVED",
        "NONE SCHEDULED",
        "SCHEDULED ACCEPTED",
        "SCHEDULED CANCELED",
        "ACCEPTED QUEUED",
        "QUEUED SENDING",
        "QUEUED FAILED",
        "QUEUED CANCELED",
        "ACCEPTED SENDING",
        "ACCEPTED FAILED",
        "ACCEPTED CANCELED",
        "SENDING SENT",
        "SENDING FAILED",
        "SENT DELIVERED",
        "SENT UNDELIVERED",
        "SENT EXPIRED",
        "UNDELIVERED DELIVERED",
        "EXPIRED DELIVERED",
    }


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_leads_at_most_to_a_corrected_receipt(state: State) -> None:
    assert KNOWN[state] <= {State.DELIVERED}


def test_every_state_can_be_reached_and_none_twice() -> None:
    seen, edge = {State.NONE}, {State.NONE}
    while edge:
        edge = {after for before in edge for after in KNOWN[before]} - seen
        seen |= edge
    assert seen == set(State)
    TopologicalSorter({state: KNOWN[state] for state in KNOWN}).prepare()  # raises in a circle


def test_a_fate_comes_once() -> None:
    assert set(FATE) == {State.NONE}
    assert FATE[State.NONE] == FINAL


def test_the_diagram_draws_every_way_and_nothing_else() -> None:
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> ACCEPTED" in lines
    drawn = {tuple(line.strip().split(" --> ")) for line in lines[1:]}
    named = {(("[*]" if a is State.NONE else a.name), b.name) for a, b in product(State, State)}
    assert drawn == {
        pair
        for pair in named
        if (State.NONE if pair[0] == "[*]" else State[pair[0]], State[pair[1]]) in WAYS
    }
    assert diagram() == diagram()
