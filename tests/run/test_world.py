"""From a scenario's account to the gateway's: what Twilio's customers may declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.account import ApiKey, Service
from simulator.dialects.twilio_door import SCHEDULE
from simulator.errors import ConfigError
from simulator.run.world import account_of
from simulator.scenario import load_scenario
from tests.run.runs import AMERICA, written

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.core.message import Account

SERVICE = {"id": "MG" + "1" * 32, "senders": ["+12025550100", "Clinic"], "callback": "{sut_url}/s"}
KEY = {"id": "SK" + "2" * 32, "secret": "hunter3"}


def made(folder: Path, **declared: Any) -> Account:
    accounts = [{"name": "one", "dialect": "twilio", **declared}]
    scenario = load_scenario(written(folder, AMERICA, accounts=accounts), needs_sut=False)
    (account,) = scenario.accounts
    assert KEY["secret"] not in repr(account)
    return account_of(scenario, account, lambda text: text.replace("{sut_url}", "http://sut.test"))


def test_what_an_account_declares_reaches_the_gateway(tmp_path: Path) -> None:
    account = made(
        tmp_path,
        services=[SERVICE, {"id": "MG" + "3" * 32, "enabled": False}],
        api_keys=[KEY],
        countries=["US"],
        verified=["+12025550123"],
        scheduled_max=3,
        test_credentials=True,
    )
    assert account.services == (
        Service(SERVICE["id"], ("+12025550100", "Clinic"), "http://sut.test/s"),
        Service("MG" + "3" * 32, enabled=False),
    )
    assert account.api_keys == (ApiKey(**KEY),)
    assert (account.countries, account.verified, account.test) == (("US",), ("+12025550123",), True)
    assert (account.schedule.most, account.schedule.lead_us_min) == (3, SCHEDULE.lead_us_min)


def test_an_account_that_declares_nothing_has_twilios_own_limits(tmp_path: Path) -> None:
    account = made(tmp_path)
    assert (account.services, account.api_keys, account.test) == ((), (), False)
    assert account.schedule == SCHEDULE


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        ({"services": [{"id": "MG1"}]}, "accounts[0].services[0].id"),
        ({"services": [{**SERVICE, "sender": "1"}]}, "accounts[0].services[0].sender"),
        ({"api_keys": [{"id": KEY["id"]}]}, "accounts[0].api_keys[0].secret"),
        ({"api_keys": [{**KEY, "id": KEY["secret"]}]}, "accounts[0].api_keys[0].id"),
        ({"countries": ["Japan"]}, "accounts[0].countries[0]"),
        ({"scheduled_max": -1}, "accounts[0].scheduled_max"),
        ({"dialect": "zettai_reach", "services": []}, "accounts[0].services"),
    ],
)
def test_a_wrong_declaration_is_told_by_its_place(
    tmp_path: Path, declared: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        made(tmp_path, **declared)
    assert key in str(refused.value)
    assert KEY["secret"] not in str(refused.value)
