"""The bottleneck: who it was, and never somebody that was out of breath's word for it."""

from __future__ import annotations

import pytest

from simulator.load.bottleneck import Signs, Who, bottleneck, overwhelmed

IDLE = {"generator": 0.2, "simulator": 0.3}


@pytest.mark.parametrize(
    ("signs", "p99_ms", "who", "said"),
    [
        (Signs(against="system", throttled=0.12, **IDLE), (9, 9), Who.SYSTEM, "12.0% were"),
        (Signs(against="gateway", throttled=0.12, **IDLE), (9, 9), Who.PROVIDER, "429"),
        (Signs(against="system", limited=0.05, throttled=0.01, **IDLE), (9, 9), Who.PROVIDER, "5"),
        (Signs(against="system", broken=0.02, **IDLE), (9, 9), Who.SYSTEM, "got 5xx"),
        (Signs(against="system", **IDLE), (9, 900), Who.SYSTEM, "from 9 ms at the knee to 900 ms"),
        (Signs(against="system", **IDLE), (9, 10), Who.UNKNOWN, "too few arrived"),
        (Signs(against="system", **IDLE), (None, 10), Who.UNKNOWN, "too few arrived"),
        (Signs(throttled=0.5, generator=0.97, simulator=0.3), (9, 9), Who.GENERATOR, "97%"),
        (Signs(throttled=0.5, generator=0.97, simulator=0.9), (9, 9), Who.SIMULATOR, "90%"),
        (Signs(against="system", broken=0.5), (9, 9), Who.SYSTEM, "or no answer"),
    ],
)
def test_each_sign_names_its_bottleneck(
    signs: Signs, p99_ms: tuple[float | None, float | None], who: Who, said: str
) -> None:
    found = bottleneck(signs, "too few arrived", p99_ms)
    assert found.who is who
    assert said in found.words


def test_the_idle_are_named_beside_the_one_that_was_not() -> None:
    words = bottleneck(Signs(against="system", throttled=0.1, **IDLE), "", (9, 9)).words
    assert words == (
        "the system refuses: 10.0% were answered 429 while others had time left "
        "(generator 20%, simulator 30% of a core)"
    )


def test_what_was_so_at_the_knee_as_well_stood_in_nobody_s_way() -> None:
    here, knee = (Signs(against="system", throttled=share, **IDLE) for share in (0.0055, 0.005))
    assert "p99 from 35 ms" in bottleneck(here, "", (35, 990), knee).words
    assert "refuses: 0.5%" in bottleneck(here, "", (35, 990)).words
    more = Signs(against="system", throttled=0.03, **IDLE)
    assert "refuses: 3.0%" in bottleneck(more, "", (35, 990), knee).words


@pytest.mark.parametrize(
    ("signs", "is_so"),
    [
        (Signs(places=1.0, generator=0.3, simulator=0.2), True),
        (Signs(places=1.0, generator=0.3), True),
        (Signs(places=0.9, generator=0.3, simulator=0.2), False),
        (Signs(places=1.0, generator=0.9, simulator=0.2), False),
        (Signs(places=1.0, generator=0.3, simulator=0.8), False),
        (Signs(places=1.0), False),
    ],
)
def test_a_target_that_holds_every_place_while_others_idle_has_failed(
    signs: Signs, is_so: bool
) -> None:
    assert overwhelmed(signs) is is_so
