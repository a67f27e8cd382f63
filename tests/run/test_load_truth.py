"""The numbers of a load's report, recounted from its books and its log by other means."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core import events as ev
from simulator.core.message import FINAL
from simulator.load import books, outcome
from simulator.load import offer as offers
from simulator.load.shape import lasting_us
from tests.run.runs import SYSTEMS, Ran, begin, finish, written

if TYPE_CHECKING:
    from pathlib import Path

# Looked for, not imported: it would patch the sockets of this process.
needs_locust = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")
HELD: dict[str, Any] = {
    "version": 1,
    "name": "held",
    "time": {"mode": "scaled", "rate": "600", "start": "2026-03-02T09:00:00+09:00"},
    "people": {"count": 500, "country": "jp"},
    "accounts": [{"name": "shop", "dialect": "native"}],
    "rules": [
        {"name": "out", "seam": "receipt", "then": {"hold": "1/s"}, "chance": "90%"},
        {
            "name": "cold",
            "seam": "api",
            "when": {"request": "send"},
            "then": {"reject": 503},
            "at_most": 4,
        },
    ],
    "load": {
        "arrivals": {"constant": "40/s", "for": "1s"},
        "warm_up": "250ms",
        "drain": "500ms",
        "late": {"over": "5s", "at_most": "100%"},
    },
    "expect": [
        {"name": "told in time", "that": "receipt_p99", "at_most": "100 ms"},
        {"name": "told some day", "that": "receipt_p99", "at_most": "100000 ms"},
    ],
}
UNSURE: dict[str, Any] = {
    **HELD,
    "name": "unsure",
    "people": {"count": 60, "country": "jp", "with": {"gone": "0%", "absent": "0%"}},
    "accounts": [{"name": "shop", "dialect": "native", "push": "{sut_url}/receipts"}],
    "rules": [],
    "sut": {
        "command": f"python {SYSTEMS / 'unsure.py'}",
        "start": {"request": "POST /campaigns", "body": {"to": "$recipients"}},
    },
    "load": {
        "against": "callbacks",
        "arrivals": {"constant": "40/s", "for": "1s"},
        "drain": "20s",
    },
    "expect": [
        {"name": "told in time", "that": "receipt_p99", "at_most": "100 ms"},
        {"name": "no errors", "that": "load_errors / started", "at_most": "0%"},
    ],
}


def loaded(scenario: Path) -> Ran:
    out = scenario.parent / "out"
    return finish(begin("load", scenario, "--out", out), out)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run a load whose receipts are held back, and whose warm-up is refused in part."""
    ran = loaded(written(tmp_path_factory.mktemp("held"), HELD))
    assert ran.code == 1, ran
    return ran


@needs_locust
def test_receipts_that_were_held_back_are_open_and_speak_for_themselves(held: Ran) -> None:
    ran = held
    told = {each.key for each in ran.events if isinstance(each, ev.Told) and each.state in FINAL}
    warm = sum(row.warm for row in books.read(ran.out))
    accepted = [each.key for each in ran.events if isinstance(each, ev.Accepted)]
    assert (len(accepted), warm) == (46, 10)
    section = ran.report["load"]
    found = section["latency_ms"]["receipt"]
    assert found["count"] + found["open"] == 40
    assert found["count"] <= len(told) < 40
    assert (found["p99"], found["max"]) == (None, None)
    assert found["at_least"]["p99"] > 500  # the drain alone
    first, second = ran.report["expectations"]
    assert (first["outcome"], second["outcome"]) == ("failed", "no_data")
    words = f"p99 is not known: {found['open']} of 40 receipts had not come by the end of the drain"
    assert words in first["words"]
    assert words in second["words"]
    assert f"open    {found['open']} of 40 receipts had not come" in ran.said


@needs_locust
def test_the_rate_and_the_warm_up_are_what_the_books_say(held: Ran) -> None:
    ran = held
    rows = [*books.read(ran.out)]
    begins = outcome.read(ran.out / "outcome.json").started_at_us
    sent_us = sorted(row.started_us - begins for row in rows if not row.warm)
    lasts_us = lasting_us(offers.read(ran.out / "offer.json").shape)
    inside = Fraction(sum(us < lasts_us for us in sent_us) * 10**6, lasts_us)
    whole = Fraction(len(sent_us) * 10**6, max(lasts_us, sent_us[-1]))
    metrics, section = ran.report["metrics"], ran.report["load"]
    assert metrics["achieved_rate"] == pytest.approx(float(min(inside, whole)), abs=0.001)
    assert (metrics["load_errors"], metrics["rejected"]) == (0, 4)
    assert (section["warm_up"]["started"], section["warm_up"]["accepted"]) == (10, 6)
    said = "warm-up 10 requests before these, 6 messages accepted: the world's own counts have"
    assert said in ran.said
    mine = section["callbacks"]["due"]  # first due since the load began
    assert 40 <= mine < section["callbacks"]["attempts"]
    assert section["callbacks"]["ack_ms"]["count"] == section["callbacks"]["acknowledged"] == mine


def test_a_receipt_that_is_refused_twice_counts_until_it_is_taken(tmp_path: Path) -> None:
    ran = loaded(written(tmp_path, UNSURE))
    assert ran.code == 1, ran
    tried = [e for e in ran.events if isinstance(e, ev.CallbackTried) and e.state in FINAL]
    first = {each.key: each.at_us for each in reversed(tried)}
    waits_ms = sorted(
        (each.at_us - first[each.key]) / 600_000 for each in tried if each.status == 202
    )
    assert len(waits_ms) == 40
    again = sum(wait > 0 for wait in waits_ms)
    assert again > 20
    section = ran.report["load"]
    assert section["counts"]["results"] == {"2xx": 40}
    assert section["callbacks"]["attempts_by_result"] == {"2xx": 40, "5xx": 2 * again}
    assert (section["callbacks"]["acknowledged"], section["callbacks"]["repeated"]) == (40, again)
    assert (section["callbacks"]["given_up"], section["callbacks"]["open"]) == (0, 0)
    whole = section["latency_ms"]["whole"]
    assert (whole["count"], whole["open"]) == (40, 0)
    assert whole["p99"] >= waits_ms[math.ceil(0.99 * 40) - 1] > 100  # ms, and the answer itself
    assert section["callbacks"]["drained_s"] > 0.1
    assert ran.report["metrics"]["load_errors"] == 0
    late, clean = ran.report["expectations"]
    assert (late["outcome"], clean["outcome"]) == ("failed", "passed")
