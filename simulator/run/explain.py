"""`todoku explain`: what a scenario means, before it runs.

    defaults expanded, what to expect of chance, where each figure is from, what the run can and
    cannot judge, and which of two overlapping things goes first

Nothing is started and nothing is sent; the lives it counts on are lived on a gateway in memory.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from simulator.core.carrier import CONGESTION, NETWORKS, PORTED
from simulator.core.handset import DAILY_LENGTH, WEEKLY_LENGTH
from simulator.core.person import PRESETS, RATE_NAMES, rates_of
from simulator.core.sources import LAWS, PATIENCE
from simulator.run.expanded import duration, percent, secrets_of, settings_of, swept
from simulator.run.foresee import METHOD, carries_replies, foresee, prospects
from simulator.run.load_explain import load_can, load_cannot
from simulator.run.policy_explain import policy_asked, policy_can, policy_cannot
from simulator.run.report import decimal
from simulator.run.rules_explain import rules_asked, rules_cannot, rules_precedence
from simulator.run.world import account_of
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.carrier import Carrier
    from simulator.core.chance import Law
    from simulator.core.preset import Figure
    from simulator.scenario import Scenario

SCHEMA = "todoku/explain/1"


def explained(scenario: Scenario) -> dict[str, Any]:
    """Return all that can be said of a scenario before it runs, as plain values."""
    found = foresee(scenario)
    totals = [decimal(micros) for micros in found.totals_micros]
    document = {
        "schema": SCHEMA,
        "scenario": {"name": scenario.name, "title": scenario.title, "seed": scenario.seed},
        "settings": [setting._asdict() for setting in settings_of(scenario)],
        "rates": list(_rates(scenario)),
        "expected": {
            "method": METHOD,
            "lives": found.lives,
            "seeds": found.worlds,
            "people": found.people,
            "account": scenario.sut_account.name,
            "confidence": 0.95,
            "counts": [asdict(count) for count in found.counts.values()],
            "total": {**dict(zip(_ENDS, totals, strict=True)), "currency": found.currency},
        },
        "expectations": [asdict(prospect) for prospect in prospects(scenario, found)],
        "figures": list(_figures(scenario)),
        "rules": list(rules_asked(scenario)),
        "policy": list(policy_asked(scenario)),
        "judges": {"can": list(_can(scenario)), "cannot": list(_cannot(scenario))},
        "precedence": list(_precedence(scenario)),
    }
    return swept(document, secrets_of(scenario))  # type: ignore[no-any-return]


_RAISED = "raised with a later stage"
_ENDS = ("low", "expected", "high")


def _rates(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Yield each segment's rates, and for each where it is from."""
    people = scenario.people
    preset = PRESETS[people.preset]
    for segment in people.segments or (None,):
        own = {**segment.rates} if segment else {}
        over = {**people.rates, **own}
        for name, value in rates_of(preset, over).items():
            by = f"preset {preset.name}"
            if name in over:
                by = f"segment {segment.name}" if segment and name in own else "people.with"
            elif value != getattr(preset, name).value:
                by = "lowered with an earlier stage" if name == "click" else _RAISED
            name_of = segment.name if segment else "everybody"
            yield {"segment": name_of, "rate": name, "value": percent(value), "by": by}


def _figures(scenario: Scenario) -> Iterator[dict[str, str]]:
    """Yield every figure and law that the scenario's world is made of."""
    preset = PRESETS[scenario.people.preset]
    network = NETWORKS[scenario.people.country.upper()]
    for name in RATE_NAMES:
        yield _figure(f"{preset.name}: {name}", getattr(preset, name))
    for carrier in network.carriers:
        yield _figure(f"{carrier.name}: share", carrier.share)
        source = PATIENCE[carrier.name]
        yield _row(source.what, _patience(carrier), source.cite, source.certainty.value)
    yield _figure("ported to another carrier", PORTED)
    yield _figure("congestion", CONGESTION)
    laws = [preset.notice_delay, preset.open_delay, preset.click_delay, preset.reply_delay]
    laws += [DAILY_LENGTH, WEEKLY_LENGTH]
    for carrier in network.carriers:
        laws += [carrier.transit, carrier.receipt_delivered, carrier.receipt_failed]
    for law in {law.name: law for law in laws}.values():
        source = LAWS[law.name]
        yield _row(source.what, _quantiles(law), source.cite, source.certainty.value)
    for written in scenario.accounts:
        policy = policy_of(account_of(scenario, written, lambda _: ""))
        price = f"{decimal(policy.price_micros)} {policy.currency} a {policy.unit.value}"
        what = f"billing of {written.name}: {policy.name} ({policy.label})"
        yield _row(what, price, policy.cite, "example")


def _figure(what: str, figure: Figure) -> dict[str, str]:
    value = f"{percent(figure.value)} of each {figure.per}"
    return _row(what, value, figure.cite, figure.certainty.value)


def _row(what: str, value: str, cite: str, certainty: str) -> dict[str, str]:
    return {"what": what, "value": value, "certainty": certainty, "cite": cite}


def _patience(carrier: Carrier) -> str:
    gaps = ", ".join(duration(us) for us in carrier.retry_us)
    times = "until validity ends" if carrier.retries is None else f"at most {carrier.retries} more"
    return f"again after {gaps}; {times}; validity {duration(carrier.validity_us)}"


def _quantiles(law: Law) -> str:
    half, most = (law.at(round(share * 2**64)) for share in (0.5, 0.9))
    return f"median {_about(half)}, 90% within {_about(most)}"


def _about(us: int) -> str:
    return duration(us) if us < 1_000_000 else duration(round(us / 1_000_000) * 1_000_000)


def _can(scenario: Scenario) -> Iterator[str]:
    sut = scenario.sut
    if sut is not None and sut.claims is not None:
        yield "every message it claims: state, units and amount, against what it was told"
        yield "the totals it claims, against the sums of its rows and the simulated invoice"
    if scenario.expect:
        count = len(scenario.expect)
        yield f"{count} expectation(s), exactly or at their confidence, once for this seed"
    if scenario.time.mode == "stepped":
        yield "the same again: in stepped time the same seed gives the same facts"
    yield from load_can(scenario)
    yield from policy_can(scenario)
    yield "whether the books balance: each accepted message ends in exactly one net outcome"


def _cannot(scenario: Scenario) -> Iterator[str]:
    sut = scenario.sut
    if sut is None and scenario.load is None:
        yield "anything: no system under test is named; give --sut, or add `sut:`"
    elif sut is not None and sut.claims is None:
        yield "what the system believes and expects to pay: `sut.claims` is missing"
        if not scenario.expect and not scenario.policy:
            yield "anything: neither claims nor expectations, so the run proves nothing (exit 3)"
    if sut is not None and sut.idle is None and scenario.time.mode == "stepped":
        yield "a system that thinks long: without `sut.idle` a short real grace decides it is done"
    if scenario.time.mode != "stepped":
        yield f"the same again: in {scenario.time.mode} time the system's own pace decides"
    if not carries_replies(scenario):
        yield f"replies and STOP: {scenario.sut_account.dialect} carries none here"
    yield from rules_cannot(scenario)
    yield from policy_cannot(scenario)
    if scenario.people.count > scenario.world.retention:
        yield "each message: more people than `world.retention`, so some are forgotten (exit 3)"
    if scenario.people.numbers == "assignable":
        yield "a system elsewhere: numbers that look like people's stay on private networks"
    yield "one seed's luck: see the intervals above, and `todoku run --seeds N`"
    yield from load_cannot(scenario)
    yield "real prices and real people: figures marked assumed or example are ours"


def _precedence(scenario: Scenario) -> Iterator[str]:
    people = scenario.people
    yield "flags go before the file: --sut, --seed, --timeout before sut.command, seed, sut.timeout"
    yield (
        "rates: a segment's `with`, then people.with, then the preset; a later stage of reading "
        "(reply, stop, click, opened) that is raised raises an earlier one that nobody gave"
    )
    both = [f"{s.name}.{name}" for s in people.segments for name in s.rates if name in people.rates]
    if both:
        yield f"here segments overrule people.with: {', '.join(both)}"
    yield from rules_precedence(scenario)
    priced = [account.name for account in scenario.accounts if account.price is not None]
    yield "an account's price (unit, currency, tax) goes before its billing policy's own" + (
        f"; here: {', '.join(priced)}" if priced else ""
    )
    yield "the system's environment: sut.env, then the contract's variables, then ours"
    yield "findings fail a run, unless an expectation on `findings` has an upper end that lets them"
    yield (
        "exit codes, the gravest first: 130 interrupted > 2 wrong scenario or command line > 3 "
        "proves nothing > 1 failed > 0 passed"
    )
