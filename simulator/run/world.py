"""From a scenario to the world it describes: options, accounts, and the instant it begins at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from simulator.core.account import ApiKey, Service
from simulator.core.chance import key_of
from simulator.core.ids import public_id
from simulator.dialects import DIALECTS
from simulator.engine.world import Options
from simulator.run.given import Given
from simulator.run.people import habits_of, segment_in
from simulator.verify.expect_counts import Counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulator.accounts import Account as Written
    from simulator.core.faults import Rule
    from simulator.core.message import Account
    from simulator.engine.log import Recorded
    from simulator.scenario import Scenario

_CLIENT_ID_DIGITS = 5


def options_of(
    scenario: Scenario,
    sink: Callable[[bytes], object] | None = None,
    record: Callable[[Recorded], None] | None = None,
) -> Options:
    """Return what the scenario's world is made of."""
    return Options(
        seed=scenario.seed,
        habits=habits_of(scenario),
        by_content=scenario.world.identity == "content",
        retention=scenario.world.retention,
        sink=sink,
        record=record,
        also=lambda: (Counts(segment_in(scenario)),),
    )


def begins_at(scenario: Scenario) -> tuple[int, float]:
    """Return the first instant, microseconds since 1970, and the rate of the clock."""
    start_us = scenario.time.start_us
    if start_us is None:
        start_us = time.time_ns() // 1000
    rates = {"stepped": 0.0, "real": 1.0, "scaled": scenario.time.rate or 1.0}
    return start_us, rates[scenario.time.mode]


def credentials(written: Written) -> tuple[str, str]:
    """Return an account's id and secret: as written, else derived from its name."""
    key = key_of("account", written.name)
    token = public_id(key, 0)
    if written.dialect == "twilio":
        return written.id or f"AC{public_id(key, 1)}", written.secret or token
    if written.dialect == "native":
        return written.id or written.name, written.secret or token
    number = str(10 ** (_CLIENT_ID_DIGITS - 1) + key % (9 * 10 ** (_CLIENT_ID_DIGITS - 1)))
    return written.id or number, written.secret or token


def account_of(scenario: Scenario, written: Written, fill: Callable[[str], str]) -> Account:
    """Return the account as the gateway wants it.

    Args:
        scenario: whose account it is.
        written: as the file has it.
        fill: replaces the placeholders of its URLs.
    """
    name, secret = credentials(written)
    account: Account = DIALECTS[written.dialect].new_account(name, secret)
    price = written.price
    priced = (
        {}
        if price is None
        else {
            "price_micros": price.unit_micros,
            "currency": price.currency,
            "tax_bp": int(price.tax * 10_000),
        }
    )
    return msgspec.structs.replace(
        account,
        lane=written.name if scenario.world.lane == "own" else "",
        policy=written.billing,
        push_url=fill(written.push or ""),
        inbound_url=fill(written.inbound or ""),
        senders=(written.sender,) if written.sender else (),
        two_way=written.two_way,
        fallback_url=fill(written.fallback or ""),
        keywords=written.keywords.keywords() if written.keywords else account.keywords,
        limits=tuple(limit.throughput() for limit in written.limits),
        concurrency=-1 if written.concurrency is None else written.concurrency,
        signature_time=written.signature_time,
        services=tuple(
            Service(each.id, each.senders, fill(each.callback or ""), each.enabled)
            for each in written.services
        ),
        api_keys=tuple(ApiKey(each.id, each.secret) for each in written.api_keys),
        countries=written.countries,
        verified=written.verified,
        test=written.test_credentials,
        schedule=account.schedule
        if written.scheduled_max is None
        else msgspec.structs.replace(account.schedule, most=written.scheduled_max),
        **priced,
    )


def rules_of(scenario: Scenario, start_us: int) -> tuple[Rule, ...]:
    """Return the scenario's rules as the gateway wants them; their durations count from a start."""
    ids = {written.name: credentials(written)[0] for written in scenario.accounts}
    return tuple(body.rule(start_us, ids.__getitem__) for body in scenario.rules)


def given_to(  # noqa: PLR0913, PLR0917 - the contract's first table
    scenario: Scenario, url: str, control_url: str, token: str, out: Path, run: str
) -> Given:
    """Return what the system under test is told; `out` is the run's folder, `run` its id."""
    name, secret = credentials(scenario.sut_account)
    clock_url = f"{control_url}/v1/worlds/default/clock"
    people, folder = str(out / "people.csv"), str(out.resolve())
    return Given(url, control_url, token, clock_url, name, secret, people, run, folder)
