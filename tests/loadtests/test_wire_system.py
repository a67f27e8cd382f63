"""What is sent to a system under test at each arrival."""

from __future__ import annotations

import json

from loadtests.wire import SystemRequests
from simulator.load.offer import Ask, Offer, SystemAsks
from simulator.load.shape import Constant

PEOPLE = ("+819001234567", "+819001234568")


def test_each_start_has_its_own_recipient_and_its_own_id() -> None:
    body = '{"name": "load-$arrival", "recipients": "$recipients", "again": "$arrival"}'
    asks = SystemAsks(Ask("POST", "/campaigns", body))
    offer = Offer(
        run="r7",
        seed=1,
        url="http://127.0.0.1:9",
        shape=Constant(1, 1_000_000),
        against="system",
        system=asks,
    )
    requests = SystemRequests(offer, PEOPLE)
    sent = [requests.build(n, 0).split(b"\r\n\r\n") for n in (0, 1, 12)]
    assert [json.loads(body) for _, body in sent] == [
        {"name": "load-r7-0", "recipients": [PEOPLE[0]], "again": "r7-0"},
        {"name": "load-r7-1", "recipients": [PEOPLE[1]], "again": "r7-1"},
        {"name": "load-r7-12", "recipients": [PEOPLE[0]], "again": "r7-12"},
    ]
    assert all(f"Content-Length: {len(body)}".encode() in head for head, body in sent)
