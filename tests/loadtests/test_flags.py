"""From options to an offer; whatever cannot be is refused in one line, before anything is sent."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.flags import HOUR_S, add_options, offer_of
from simulator.errors import ExitCode, TodokuError
from simulator.load.offer import Offer
from simulator.load.offer import write as write_offer
from simulator.load.shape import US, Constant, Poisson, Ramp, Spike
from simulator.load.tenants import GROWTH

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:1"


class _Parser(argparse.ArgumentParser):
    """As locust's: an option may be taken from the environment, and be a secret."""

    def add_argument(
        self, *names: Any, env_var: str = "", is_secret: bool = False, **rest: Any
    ) -> Any:
        return super().add_argument(*names, **rest)


def offered(*words: str, against: Any = "gateway", workers: int = 1, **common: Any) -> Offer:
    parser = _Parser()
    add_options(parser, against)
    options = parser.parse_args(words)
    vars(options).update({"num_users": None, "run_time": None, **common})
    return offer_of(options, against, URL, workers, lambda url: url)


def test_the_rate_is_what_was_asked_or_as_many_as_there_are_users() -> None:
    assert offered("--rate", "20", run_time=3, num_users=5).shape == Constant(20, 3 * US)
    assert offered(run_time=3, num_users=5).shape == Constant(5, 3 * US)
    assert offered(num_users=0).shape == Constant(0, round(HOUR_S * US))
    assert offered().shape == Constant(1, round(HOUR_S * US))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--in-flight", "0"), "--in-flight: expected 1 to 20,000; seen 0"),
        (("--in-flight", "90000"), "--in-flight: expected 1 to 20,000; seen 90000"),
        (("--warm-up", "-1"), "--warm-up: expected 0 to 86,400; seen -1"),
        (("--warm-up", "inf"), "--warm-up: expected 0 to 86,400; seen inf"),
        (("--tenants", "-4"), "--tenants: expected 0 to 10,000; seen -4"),
    ],
)
def test_an_absurd_number_is_one_line(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(TodokuError) as error:
        offered(*words)
    assert str(error.value) == says
    assert error.value.exit_code == ExitCode.USAGE


def test_a_load_of_no_time_and_campaigns_for_nobody_are_refused() -> None:
    with pytest.raises(TodokuError, match="--run-time: expected more than 0"):
        offered(run_time=0)
    for flag in ("--batch", "--poll-every"):
        with pytest.raises(TodokuError, match=f"{flag}: expected"):
            offered(flag, "0", against="system")


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below"):
        with pytest.raises(TodokuError, match=f"--out: cannot write to {folder}: .*another"):
            offered("--out", str(folder))
    assert offered("--out", str(tmp_path / "new")).out == str(tmp_path / "new")
    assert not [*(tmp_path / "new").iterdir()]


def test_arrivals_have_a_name_or_a_shape_in_json() -> None:
    def shape(arrivals: str) -> Any:
        return offered("--arrivals", arrivals, "--rate", "10", run_time=2).shape

    assert shape("poisson") == Poisson(10, 2 * US)
    growing = shape("growing")
    assert isinstance(growing, Ramp)
    assert growing.to_rate == pytest.approx(GROWTH * growing.from_rate)
    text = '{"shape":"spike","base":1,"peak":9,"at_us":1,"spike_us":2,"for_us":4}'
    assert shape(text) == Spike(1, 9, 1, 2, 4)


def test_who_sends_is_one_account_or_many() -> None:
    [one] = offered("--dialect", "native", "--account", "me").accounts
    assert (one.dialect, one.id) == ("native", "me")
    many = offered("--tenants", "300").accounts
    assert len({account.id for account in many}) == 300
    assert sum(account.weight > 0 for account in many) >= 225


def test_a_system_has_requests_instead() -> None:
    offer = offered(
        *("--start", "PUT /go", "--batch", "7", "--poll", "GET /now", "--poll-every", "0.5"),
        against="system",
    )
    assert offer.accounts == ()
    assert offer.system is not None
    assert (offer.system.start.method, offer.system.start.path) == ("PUT", "/go")
    assert (offer.system.batch, offer.system.polls[0].every_us) == (7, 500_000)


@pytest.mark.parametrize(
    ("words", "against", "says"),
    [
        (("--arrivals", "fast"), "gateway", "--arrivals: expected constant, poisson, growing"),
        (("--arrivals", '{"shape":"ramp"}'), "gateway", "missing required field"),
        (("--rate", "nan"), "gateway", "expected a rate"),
        (("--rate", "-5"), "gateway", "expected a rate of 0/s"),
        (("--rate", "900000"), "gateway", "arrivals are more than"),
        (("--people", "/nowhere.csv"), "gateway", "/nowhere.csv: cannot be read"),
        (("--offer", "/nowhere.json"), "gateway", "/nowhere.json: not an offer"),
        (("--start", "/go"), "system", "--start: expected a request such as"),
        (("--account", "a\r\nb"), "gateway", "cannot stand in the head of a request"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: tuple[str, ...], against: str, says: str
) -> None:
    with pytest.raises(TodokuError) as refused:
        offered(*words, against=against)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE


def test_an_offer_for_another_target_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "offer.json"
    write_offer(offered(run_time=1), file)
    assert offered("--offer", str(file)).shape == Constant(1, US)
    with pytest.raises(TodokuError, match=r"use loadtests/gateway\.py"):
        offered("--offer", str(file), against="system")
