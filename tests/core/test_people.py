"""The population: shares are kept, and a prefix never tells the carrier for sure."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.core.carrier import NO_ROUTE, PORTED
from simulator.core.chance import key_bytes, key_of
from simulator.core.number import japan_assignable, japan_unassigned, us_fictional
from simulator.core.people import Habits, People, Segment

ONE_BLOCK = [japan_unassigned(i) for i in range(1000)]  # +81 70 0000 xxx


def person8(number: str) -> bytes:
    return key_bytes(key_of(number))


def carrier_of(people: People, number: str, country: str = "JP") -> str:
    return people.carrier(number, country, person8(number)).name


def shares(people: People, numbers: list[str]) -> dict[str, float]:
    found = Counter(carrier_of(people, number) for number in numbers)
    return {name: n / len(numbers) for name, n in found.items()}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("number", [japan_unassigned, japan_assignable])
def test_carriers_keep_their_shares_of_the_population(seed: int, number: object) -> None:
    spread = [japan_assignable(i) for i in range(60_000)]
    if number is japan_unassigned:
        spread = [japan_unassigned(i * 333) for i in range(60_000)]
    found = shares(People(seed), spread)
    official = {"docomo": 0.399, "kddi": 0.312, "softbank": 0.247, "rakuten": 0.041}
    assert found == pytest.approx(official, abs=0.015)


def test_portability_moves_people_while_the_prefix_stays() -> None:
    people = People(1)
    found = shares(people, ONE_BLOCK)
    original = max(found, key=lambda name: found[name])
    stayed = 1 - PORTED.value
    assert found[original] > stayed  # some of those who moved came back to the same carrier
    moved = sum(share for name, share in found.items() if name != original)
    assert 0.05 < moved < PORTED.value
    assert len(found) == 4


def test_without_portability_a_whole_block_is_of_one_carrier() -> None:
    people = People(1)
    people._ported_limit = 0
    assert list(shares(people, ONE_BLOCK).values()) == [1.0]
    blocks = [japan_unassigned(i * 1000) for i in range(5000)]
    assert shares(people, blocks)["docomo"] == pytest.approx(0.399, abs=0.03)


def test_another_seed_ports_other_people() -> None:
    both = zip(
        (carrier_of(People(1), n) for n in ONE_BLOCK[:300]),
        (carrier_of(People(2), n) for n in ONE_BLOCK[:300]),
        strict=True,
    )
    assert len({a == b for a, b in both}) == 2


def test_a_country_of_one_carrier_needs_no_draw_and_one_of_none_has_no_route() -> None:
    people = People(1)
    assert carrier_of(people, us_fictional(3), "US") == "us-generic"
    assert carrier_of(people, "+33612345678", "FR") == NO_ROUTE.name
    assert carrier_of(people, "+9999999999", "ZZ") == NO_ROUTE.name


def test_everyone_lives_by_the_preset_of_their_country() -> None:
    people = People(1)
    names = {c: people.persona(c, person8("+81700")).name for c in ("JP", "US", "FR", "ZZ")}
    assert names == {
        "JP": "jp-direct",
        "US": "us-generic",
        "FR": "us-generic",
        "ZZ": "us-generic",
    }


def test_segments_keep_their_shares_and_their_rates() -> None:
    parts = (Segment("busy", 1, {"opened": 0.2}), Segment("idle", 3, {"opened": 0.95}))
    people = People(1, {"JP": Habits("jp-direct", {"gone": 0.0}, parts)})
    drawn = [people.persona("JP", person8(japan_unassigned(i))) for i in range(20_000)]
    named = Counter(persona.name for persona in drawn)
    assert named["idle"] / len(drawn) == pytest.approx(0.75, abs=0.01)
    busy, idle = (next(p for p in drawn if p.name == name) for name in ("busy", "idle"))
    assert busy.opened_of_noticed < idle.opened_of_noticed
    assert busy.gone == idle.gone == 0


def test_a_segments_rate_goes_before_the_countrys() -> None:
    parts = (Segment("all", 1, {"gone": 0.5}),)
    people = People(1, {"JP": Habits("jp-direct", {"gone": 0.1}, parts)})
    assert people.persona("JP", person8("x")).gone == 2**63


@pytest.mark.parametrize(
    ("habits", "words"),
    [
        (Habits("jp-dircet", {}), "unknown preset 'jp-dircet'; known are jp-direct"),
        (Habits("jp-direct", {"openend": 0.1}), "unknown rate 'openend'"),
        (Habits("jp-direct", {}, (Segment("a", 1, {"stopp": 1}),)), "unknown rate 'stopp'"),
    ],
)
def test_unknown_names_are_refused(habits: Habits, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        People(1, {"JP": habits})
