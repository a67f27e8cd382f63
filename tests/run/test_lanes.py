"""Behind every provider the same people live: a shared lane makes two accounts twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from simulator.core.message import State
from simulator.run.people import numbers_of
from simulator.run.world import account_of, options_of
from simulator.scenario import load_scenario
from tests.run.runs import JAPAN, written
from tests.servers import basic, request, running
from tests.worlds import fates

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.core.message import Account
    from tests.servers import Running

    Fates = dict[tuple[str, int], tuple[object, ...]]

PEOPLE, LETTERS = 120, 2
SID, SECRET = "AC" + "0" * 32, "0123456789abcdef" * 2
RATES = {"gone": "5%", "refuses": "5%", "absent": "20%", "opened": "80%"}
ACCOUNTS = [
    {"name": "one", "dialect": "zettai_reach", "id": "12345", "secret": SECRET},
    {"name": "other", "dialect": "twilio", "id": SID, "secret": SECRET},
]


def write_to(server: Running, number: str) -> None:
    """Send one letter through either provider."""
    letter = {"smsCode": "12345", "message": "Hello", "phoneNumber": number}
    form = urlencode({"token": SECRET, "clientId": "12345", **letter}).encode()
    answer = request("POST", f"{server.url}/p5/api/mt.json", form)
    assert answer.json["responseCode"] == 0, answer
    url = f"{server.url}/2010-04-01/Accounts/{SID}/Messages.json"
    form = urlencode({"To": number, "From": "+12025550100", "Body": "Hello"}).encode()
    assert request("POST", url, form, basic(SID, SECRET)).status == 201


def lived(folder: Path, lane: str) -> tuple[Fates, Fates]:
    """Send the same people the same through both; return what befell them, by account."""
    people = {"count": PEOPLE, "with": RATES}
    world = {"lane": lane}
    scenario = load_scenario(
        written(folder, JAPAN, world=world, people=people, accounts=ACCOUNTS), needs_sut=False
    )
    accounts: list[Account] = [
        account_of(scenario, a, lambda text: text) for a in scenario.accounts
    ]
    with running(options=options_of(scenario), open_accounts=False) as server:
        for account in accounts:
            server.call(server.server.worlds.configure, account)
        for _ in range(LETTERS):
            for number in numbers_of(scenario):
                write_to(server, number)
        server.post("/v1/worlds/default/clock/advance", {"by": "30d"})
        found = server.call(fates, server.world)
    one, other = (
        {(to, k): fate for (name, to, k), fate in found.items() if name == account.id}
        for account in accounts
    )
    assert len(one) == len(other) == PEOPLE * LETTERS
    return one, other


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return {lane: lived(tmp_path_factory.mktemp(lane), lane) for lane in ("shared", "own")}


def test_the_same_people_meet_the_same_fates_through_twilio_and_zettai_reach(lanes: Any) -> None:
    one, other = lanes["shared"]
    differing = [place for place in one if one[place] != other[place]]
    assert differing == []
    assert len({fate[1] for fate in one.values()}) >= 2


def test_in_lanes_of_their_own_the_same_people_fare_differently(lanes: Any) -> None:
    one, other = lanes["own"]
    assert sum(one[place] == other[place] for place in one) < len(one) / 10


def test_who_is_gone_is_gone_behind_every_provider(lanes: Any) -> None:
    gone = []
    for fared in (*lanes["shared"], *lanes["own"]):
        lost = {to for (to, _), fate in fared.items() if fate[1:3] == (State.UNDELIVERED, 1)}
        gone.append(lost)
    assert gone[0]
    assert gone[0] == gone[1] == gone[2] == gone[3]
