"""No request could be meant for two providers: by path, or, where a path is shared, by one teller.

Ours are the registry's. Those that are not simulated yet are here as their documentation has them,
so that nobody takes their place. Amazon has one path, `POST /`, for every call of every service:
there the `X-Amz-Target` header (JSON protocols) or the form's `Action` (the query protocol) tells
which, and since no other provider uses `/`, a dialect of Amazon's would have one route, whose
parser looks at these two.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import pytest

from simulator.dialects import DIALECTS
from simulator.dialects.shape import Route
from simulator.web.routes import Match, Table


class Call(NamedTuple):
    """An endpoint; `teller` is what tells it from others of the same method and path."""

    provider: str
    method: str
    path: str
    teller: tuple[str, str] = ("", "")


OURS = [Call(name, r.method, r.path) for name, d in DIALECTS.items() for r in d.ROUTES]
TARGET, ACTION = "header X-Amz-Target", "form field Action"
VONAGE = [  # rest.nexmo.com, api.nexmo.com
    Call("vonage", "POST", "/sms/json"),
    Call("vonage", "POST", "/sms/xml"),
    Call("vonage", "POST", "/v1/messages"),
    Call("vonage", "PATCH", "/v1/messages/*"),
]
AWS = [
    *(
        Call("aws", "POST", "/", (TARGET, f"PinpointSMSVoiceV2.{name}"))
        for name in ("SendTextMessage", "PutMessageFeedback", "DescribePhoneNumbers")
    ),
    *(
        Call("aws", "POST", "/", (ACTION, name))
        for name in ("Publish", "PublishBatch", "CheckIfPhoneNumberIsOptedOut")
    ),
]
ALL = [*OURS, *VONAGE, *AWS]


def overlap(one: Call, other: Call) -> bool:
    """Tell whether a request could be meant for both."""
    mine, theirs = one.path.split("/"), other.path.split("/")
    return (
        one.method == other.method
        and len(mine) == len(theirs)
        and all(a == b or "*" in (a, b) for a, b in zip(mine, theirs, strict=True))
        and one.teller == other.teller
    )


def test_no_request_could_be_meant_for_two() -> None:
    assert {call.provider for call in ALL} == {*DIALECTS, "vonage", "aws"}
    assert [(a, b) for a, b in combinations(ALL, 2) if overlap(a, b)] == []


def test_a_path_of_two_providers_would_be_found() -> None:
    taken = Call("somebody", "GET", "/todoku/v1/messages/list")
    assert any(overlap(taken, call) for call in OURS)
    assert overlap(AWS[0], AWS[0]._replace(provider="somebody"))


def test_only_amazon_shares_a_path_and_it_has_that_path_alone() -> None:
    paths: dict[tuple[str, str], set[str]] = {}
    for call in ALL:
        paths.setdefault((call.method, call.path), set()).add(call.provider)
    assert all(len(providers) == 1 for providers in paths.values())
    shared = {call.path for call in ALL if call.teller != ("", "")}
    assert shared == {"/"}
    assert len({call.teller for call in AWS}) == len(AWS)


@pytest.mark.parametrize("call", ALL, ids=lambda c: f"{c.provider} {c.method} {c.path}")
def test_each_path_leads_to_its_own_provider(call: Call) -> None:
    """In the table that the server uses, with the absent providers put in."""

    def never(*_: object) -> None:
        raise AssertionError

    absent = {(c.method, c.path): c.provider for c in (*VONAGE, *AWS)}
    routes = [(name, route) for name, d in DIALECTS.items() for route in d.ROUTES]
    routes += [(name, Route(*where, never, never)) for where, name in absent.items()]
    found = Table(routes).find(call.method, call.path.replace("*", "x"))
    assert isinstance(found, Match)
    assert found.dialect == call.provider
