"""`/metrics`: what Prometheus' own parser reads from it, held against the truth and the words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from simulator.core.message import OutcomeKind, Reason
from simulator.web import metrics
from simulator.web.latency import OTHER
from tests.servers import MESSAGES, SECRET, SID, basic, request, running, until_true, us
from tests.worlds import DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from tests.servers import Running

WORDS = (Path(__file__).parents[2] / "docs/metrics.md").read_text("utf-8")
SECOND = "AC" + "d" * 32  # is billed by success


@pytest.fixture(scope="module")
def lived() -> Iterator[Running]:
    """A server on which everything has happened that is counted."""
    with running(open_accounts=True) as server:
        sink = f"{server.url}/nobody"  # answers 404
        forger = {"name": "forger", "seam": "callback", "then": "corrupt", "chance": "20%"}
        path = "/v1/worlds/default/rules"
        assert server.control("PUT", path, {"rules": [forger]}).status == 200
        for i in range(60):
            server.accepted(us(i), StatusCallback=sink)
        server.accepted("+819012345678")
        server.twilio(Body="")
        request("GET", f"{server.url}/no/such/path")
        reply = {"account": SID, "from": us(0), "to": "+15005550006", "body": "STOP"}
        server.post("/v1/worlds/default/replies", reply)
        change = {"dialect": "twilio", "secret": SECRET, "policy": "jp-success-billed"}
        path = f"/v1/worlds/default/accounts/{SECOND}"
        assert server.control("PUT", path, change).status == 201
        url = server.url + MESSAGES.replace(SID, SECOND)
        for i in range(100):
            form = urlencode({"To": us(i), "From": "+15005550006", "Body": "Hello"}).encode()
            assert request("POST", url, form, basic(SECOND)).status in {201, 400}  # one said STOP
        server.post("/v1/worlds/default/clock/advance", {"by_us": 10 * DAY_US})
        listed = f"{server.url}{MESSAGES}?PageSize=100"
        assert request("GET", listed, headers=basic()).status == 200  # reading is telling
        yield server


def families(server: Running, accept: str = "") -> dict[str, Metric]:
    answer = request("GET", f"{server.control_url}/metrics", headers={"Accept": accept})
    assert answer.status == 200
    read = parse_openmetrics if "openmetrics" in accept else parse
    return {family.name: family for family in read(answer.body.decode())}


def value(server: Running, name: str, **labels: str) -> float:
    family = families(server)[name.removesuffix("_total")]
    found = [s for s in family.samples if s.name == name and labels.items() <= s.labels.items()]
    return sum(sample.value for sample in found)


def documented() -> dict[str, tuple[str, list[str]]]:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|[^|]*\|([^|]*)\| .+ \|$", WORDS, re.MULTILINE)
    return {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows}


def test_what_is_documented_is_scraped_and_what_is_scraped_is_documented(lived: Running) -> None:
    scraped = {}
    for family in families(lived).values():
        assert family.samples, f"nothing moved {family.name}: this test cannot check its labels"
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        suffix = "_total" if family.type == "counter" else ""
        scraped[family.name + suffix] = (family.type, sorted(labels))
    written = {name: (kind, sorted(labels)) for name, (kind, labels) in documented().items()}
    assert written == scraped


def test_the_table_in_the_code_has_the_words_labels() -> None:
    suffixes = {"counter": "_total", "gauge": "", "histogram": ""}
    assert documented() == {
        family.name + suffixes[family.kind]: (family.kind, list(family.labels))
        for family in metrics.FAMILIES
    }


def test_openmetrics_is_served_to_who_asks_for_it(lived: Running) -> None:
    wanted = "application/openmetrics-text; version=1.0.0"
    answer = request("GET", f"{lived.control_url}/metrics", headers={"Accept": wanted})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert families(lived, wanted).keys() == families(lived).keys()


def test_it_says_what_the_truth_says(lived: Running) -> None:
    total = lived.get("/v1/worlds/default/truth")["total"]
    assert value(lived, "todoku_messages_accepted_total", dialect="twilio") == total["accepted"]
    assert value(lived, "todoku_segments_accepted_total") == total["segments"]
    assert value(lived, "todoku_messages_ended_total") == sum(total["fate"].values())
    assert value(lived, "todoku_receipts_total") == sum(total["known"].values())
    assert value(lived, "todoku_callback_attempts_total") == total["callbacks"]
    assert value(lived, "todoku_requests_refused_total", reason=Reason.NO_BODY.value) == 1
    assert value(lived, "todoku_opt_outs_total") == total["opted_out"] >= 1
    assert value(lived, "todoku_inbound_messages_total") == total["inbound"] >= 1
    assert value(lived, "todoku_callbacks_abandoned_total") == total["callbacks_abandoned"]
    assert value(lived, "todoku_messages_in_flight") == total["in_flight"]
    assert value(lived, "todoku_accounts") == 2


def test_it_bills_what_the_invoices_bill(lived: Running) -> None:
    (invoice,) = lived.get("/v1/worlds/default/invoices", account=SID)["invoices"]
    assert value(lived, "todoku_billed_units", policy="twilio") == invoice["units"]
    (other,) = lived.get("/v1/worlds/default/invoices", account=SECOND)["invoices"]
    assert value(lived, "todoku_excluded_units") == other["excluded_units"] > 0
    assert value(lived, "todoku_billed_units", policy="jp-success-billed") == other["units"]
    amount = value(lived, "todoku_billed_amount", currency="USD")
    assert amount == pytest.approx(float(invoice["subtotal"]))


def test_requests_are_timed_by_route_and_class_of_status(lived: Running) -> None:
    name, created = "todoku_http_request_seconds_count", "POST /2010-04-01/Accounts/*/Messages.json"

    def n(**labels: str) -> float:
        family = families(lived)["todoku_http_request_seconds"]
        return sum(
            s.value for s in family.samples if s.name == name and labels.items() <= s.labels.items()
        )

    accepted = value(lived, "todoku_messages_accepted_total")
    assert n(port="gateway", route=created, status="2xx") == accepted == 161
    assert n(port="gateway", route=created, status="4xx") == 1
    assert n(port="gateway", route=OTHER, status="4xx") >= 1
    before = n(port="control", route="GET /v1/worlds/{world}/accounts/{id}", status="4xx")
    lived.control("GET", "/v1/worlds/default/accounts/nobody")
    lived.control("GET", "/v1/no/such/path")
    after = n(port="control", route="GET /v1/worlds/{world}/accounts/{id}", status="4xx")
    assert after == before + 1
    assert n(port="control", route=OTHER, status="4xx") >= 1


def test_no_label_holds_a_number_or_an_id(lived: Running) -> None:
    for family in families(lived).values():
        for sample in family.samples:
            for name, label in sample.labels.items():
                if name == "le":
                    continue
                assert SID not in label
                assert us(0) not in label
                assert name == "route" or not re.search(r"[0-9]{6}", label), sample


def test_callback_lateness_is_timed_and_stepped_time_is_never_late(lived: Running) -> None:
    n = sum(lived.server.lateness.counts)
    assert n == sum(lived.server.caller.outcomes.values()) > 0
    assert lived.server.caller.outcomes[OutcomeKind.ANSWERED] > 0
    assert lived.server.lateness.sum_s / n < 1  # though days of virtual time passed at once


def test_in_running_time_a_callback_that_comes_late_is_late() -> None:
    with running(rate=10_000) as server:
        server.accepted(StatusCallback=f"{server.url}/nobody")
        until_true(lambda: sum(server.server.lateness.counts))
        assert server.server.lateness.sum_s < 10


def test_worlds_beyond_a_bound_and_worlds_like_numbers_share_a_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "WORLDS_SHOWN", 3)
    with running() as server:
        for i, name in enumerate(("a", "819012345678", "c", "d")):
            account = {"dialect": "twilio", "secret": "s" * 32}
            path = f"/v1/worlds/{name}/accounts/AC{i:032x}"
            assert server.control("PUT", path, account).status == 201
        family = families(server)["todoku_accounts"]
        assert {s.labels["world"]: s.value for s in family.samples} == {
            "default": 0,
            "a": 1,
            OTHER: 3,
        }
        assert value(server, "todoku_clock_rate", world=OTHER) == 0
        assert value(server, "todoku_clock_seconds", world=OTHER) == pytest.approx(
            value(server, "todoku_clock_seconds", world="a")
        )


def test_it_needs_no_token_and_takes_no_parameters(lived: Running) -> None:
    assert request("GET", f"{lived.control_url}/metrics").status == 200
    assert request("HEAD", f"{lived.control_url}/metrics").status == 200
    assert request("GET", f"{lived.control_url}/metrics?name[]=x").status == 400
    rebound = {"Host": "evil.example"}
    assert request("GET", f"{lived.control_url}/metrics", headers=rebound).status == 403


def test_a_reset_begins_a_worlds_counters_again() -> None:
    with running() as server:
        server.accepted()
        assert value(server, "todoku_messages_accepted_total") == 1
        server.post("/v1/worlds/default/reset")
        assert value(server, "todoku_messages_accepted_total") == 0
        assert value(server, "todoku_accounts") == 1
