from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from simulator.errors import (
    PROBLEMS_LISTED_MAX,
    ConfigError,
    ExitCode,
    Problem,
    ProvesNothing,
    TodokuError,
    UsageError,
    did_you_mean,
    dotted,
    gravest,
    problems_of,
    shown,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such command"), 2),
        (ConfigError([Problem("a", "is wrong")]), 2),
        (ProvesNothing("nothing was sent"), 3),
    ],
)
def test_each_error_knows_its_exit_code(error: TodokuError, code: int) -> None:
    assert error.exit_code == code
    assert isinstance(error, TodokuError)


def test_the_exit_codes_are_those_of_the_design() -> None:
    assert {c.name: c.value for c in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "PROVES_NOTHING": 3,
        "INTERRUPTED": 130,
    }


def test_the_gravest_code_stands_for_several() -> None:
    order = [0, 1, 3, 2, 130]
    for place, code in enumerate(order):
        assert gravest(ExitCode(c) for c in reversed(order[: place + 1])) == code


def test_no_codes_at_all_are_ok() -> None:
    assert gravest([]) is ExitCode.OK


def test_a_config_error_lists_every_problem_once_in_reading_order() -> None:
    late = Problem("time.rate", "is wrong", "a.yaml", 12, 3)
    early = Problem("name", "is missing", "a.yaml", 2, 1)
    error = ConfigError([late, early, late])
    assert error.problems == (early, late)
    assert str(error) == (
        "2 problems:\n  a.yaml:2:1: name: is missing\n  a.yaml:12:3: time.rate: is wrong"
    )


def test_a_flood_of_problems_is_cut_and_counted() -> None:
    error = ConfigError(Problem(f"k{n:04}", "is wrong") for n in range(PROBLEMS_LISTED_MAX + 7))
    assert str(error).endswith("... and 7 more")
    assert len(error.problems) == PROBLEMS_LISTED_MAX + 7


def test_a_problem_without_a_place_is_only_its_message() -> None:
    assert str(Problem("", "is wrong")) == "is wrong"


def test_what_proves_nothing_says_why() -> None:
    assert ProvesNothing("nothing was sent").reason == "nothing was sent"


def test_a_path_is_written_as_people_say_it() -> None:
    assert dotted(("accounts", 0, "price", "tax")) == "accounts[0].price.tax"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "nothing"),
        ({}, "a mapping"),
        ([1], "a list"),
        ("日本", "'日本'"),
        ("\x1b]0;x", r"'\x1b]0;x'"),
        ("x" * 99, f"'{'x' * 60}'... (99 characters)"),
        pytest.param(1 << 20_000, "a huge number", id="huge"),
    ],
)
def test_what_was_seen_is_short_and_harmless(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_near_word_is_suggested_and_otherwise_the_known_ones_are_listed() -> None:
    assert did_you_mean("cuont", ["count", "country"]) == "did you mean count?"
    assert did_you_mean("zzz", ["b", "a"]) == "known: a, b"
    assert did_you_mean("z" * 100_000, ["z"]) == "known: z"
    assert did_you_mean("z", []) == "none is known here"


class Inner(BaseModel, extra="forbid"):
    secret: str = ""
    colour: str = ""


class Outer(BaseModel):
    inner: list[Inner]


def said(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    return [str(p) for p in problems_of(caught.value, Outer.model_json_schema(), at)]


def at(path: tuple[str | int, ...], message: str) -> Problem:
    return Problem(dotted(path), message)


def test_an_unknown_key_deep_inside_gets_a_suggestion_from_its_own_level() -> None:
    assert said({"inner": [{}, {"color": "red"}]}) == [
        "inner[1].color: unknown key 'color'; did you mean colour?"
    ]


def test_a_secret_is_never_echoed() -> None:
    [line] = said({"inner": [{"secret": 12345}]})
    assert "12345" not in line
    assert "not shown" in line
