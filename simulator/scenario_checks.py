"""The closed lists of a scenario's words, and what must hold between its fields.

The one rule: the checks read the file's text, not the finished values, and pass over whatever has
another shape than they expect: that is reported by the models. So no mistake hides another. Each
check yields where, and what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

from simulator.core.person import RATE_NAMES, PersonPreset, compile_persona
from simulator.core.tariff import POLICIES
from simulator.errors import KeyPath, did_you_mean, shown
from simulator.quantities import duration_us, exact_ratio, ratio
from simulator.scenario_claims_checks import claims_checks
from simulator.scenario_expect_checks import Around, expect_checks

if TYPE_CHECKING:
    from simulator.strict_yaml import Node

Found: TypeAlias = Iterator[tuple[KeyPath, str]]

UNTIL, START = "7d", "2026-03-02T09:00:00+09:00"  # of `time`, where the file does not say
ITEMS_MAX = 1000  # the models refuse longer lists

Dialect = Literal["zettai_reach", "twilio", "native"]
Billing = Literal["jp-success-billed", "jp-request-billed", "jp-flat-15", "twilio"]
Numbers = Literal["unassigned", "assignable", "reserved"]

COUNTRY_NUMBERS: Mapping[str, tuple[Numbers, ...]] = {
    "jp": ("unassigned", "assignable"),
    "us": ("reserved",),
}
COUNTRY_PRESET: Mapping[str, str] = {"jp": "jp-direct", "us": "us-generic"}
DIALECT_BILLING: Mapping[str, Billing] = {
    "zettai_reach": "jp-success-billed",
    "twilio": "twilio",
    "native": "jp-success-billed",
}
DIALECT_KEYS: Mapping[str, tuple[Dialect, ...]] = {
    "push": ("zettai_reach", "native"),
    "inbound": ("twilio", "native"),
    "signature_time": ("native",),
    "scheduled_max": ("twilio", "native"),
    **dict.fromkeys(
        ("fallback", "two_way", "services", "api_keys", "countries", "verified"), ("twilio",)
    ),
    "test_credentials": ("twilio",),
}


def rate_name(value: str) -> str:
    """Let the name of a rate of `people.with` pass."""
    if value not in RATE_NAMES:
        raise ValueError(f"unknown key {shown(value)}; {did_you_mean(value, RATE_NAMES)}")
    return value


def cross_checks(tree: Node, presets: Mapping[str, PersonPreset], *, needs_sut: bool) -> Found:
    """Yield the path and the message of everything that is wrong between fields.

    Args:
        tree: the file, as `strict_yaml` read it.
        presets: the kinds of people that `people.preset` may name.
        needs_sut: whether the run starts or calls a system under test.
    """
    yield from _time(tree)
    yield from _people(tree, presets)
    yield from _accounts(tree)
    yield from _sut(tree, needs_sut=needs_sut)
    yield from _expect(tree)


def _at(tree: Node, *path: str | int) -> Node | None:
    node: Node | None = tree
    for step in path:
        if isinstance(node, dict):
            node = node.get(str(step))
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node


def _mapping(tree: Node, *path: str | int) -> dict[str, Node]:
    found = _at(tree, *path)
    return found if isinstance(found, dict) else {}


def _items(tree: Node, *path: str | int) -> list[dict[str, Node]]:
    found = _at(tree, *path)
    items = found if isinstance(found, list) else []
    return [item if isinstance(item, dict) else {} for item in items[:ITEMS_MAX]]


def _time(tree: Node) -> Found:
    time = _mapping(tree, "time")
    mode = time.get("mode", "stepped")
    if mode not in ("stepped", "scaled", "real"):
        return
    if mode != "scaled" and "rate" in time:
        yield ("time", "rate"), f"belongs to mode: scaled; seen mode: {mode}; remove it"
    if mode == "scaled" and "rate" not in time:
        yield ("time", "mode"), "scaled needs a rate: add `rate: 60` (virtual seconds per second)"
    if mode != "stepped" and "quantum" in time:
        yield ("time", "quantum"), f"belongs to mode: stepped; seen mode: {mode}; remove it"
    if mode == "stepped" and time.get("start") == "now":
        said = "stepped time is repeatable, `now` is not: write an instant, or mode: real or scaled"
        yield ("time", "start"), said


def _people(tree: Node, presets: Mapping[str, PersonPreset]) -> Found:
    people = _mapping(tree, "people")
    country, numbers = people.get("country", "jp"), people.get("numbers")
    allowed = COUNTRY_NUMBERS.get(country, ()) if isinstance(country, str) else ()
    if isinstance(numbers, str) and allowed and numbers not in allowed:
        said = f"{shown(numbers)} is not for country {country}: write {' or '.join(allowed)}"
        yield ("people", "numbers"), said
    if people.get("with_060") == "true" and numbers != "assignable":
        yield ("people", "with_060"), "060 numbers look like people's: write `numbers: assignable`"
    preset = people.get("preset", COUNTRY_PRESET.get(country) if isinstance(country, str) else None)
    if isinstance(preset, str) and preset not in presets:
        said = f"unknown preset {shown(preset)}; {did_you_mean(preset, presets)}"
        yield ("people", "preset"), said
    elif isinstance(preset, str):
        yield from _rates(tree, presets[preset])
    segments = _items(tree, "people", "segments")
    yield from _twice(segments, "name", ("people", "segments"))
    try:
        total = sum((exact_ratio(segment.get("share")) for segment in segments), Fraction(0))
    except ValueError:
        return
    if segments and total != 1:
        said = f"the shares sum to {_percent(total)}: make them sum to 100% exactly"
        yield ("people", "segments"), said


def _rates(tree: Node, preset: PersonPreset) -> Found:
    everyone = _mapping(tree, "people", "with")
    segments = range(len(_items(tree, "people", "segments")))
    places: list[KeyPath] = [("people", "with")]
    places += [("people", "segments", index, "with") for index in segments]
    for place in places:
        written = {**everyone, **_mapping(tree, *place)}
        try:
            rates = {name: ratio(text) for name, text in written.items() if name in RATE_NAMES}
        except ValueError:
            continue
        try:
            compile_persona(0, preset.name, preset, rates)
        except ValueError as error:
            yield place, str(error)


def _percent(share: Fraction) -> str:
    exact = Context(prec=100).divide(Decimal(share.numerator * 100), Decimal(share.denominator))
    return f"{exact:f}%"


def _twice(items: list[dict[str, Node]], key: str, where: KeyPath) -> Found:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        value = item.get(key)
        if isinstance(value, str) and first.setdefault(value, index) != index:
            said = f"{shown(value)} is taken by number {first[value] + 1}: choose another"
            yield (*where, index, key), said


def _accounts(tree: Node) -> Found:
    accounts = _items(tree, "accounts")
    yield from _twice(accounts, "name", ("accounts",))
    yield from _twice(accounts, "id", ("accounts",))
    if len(accounts) > 1 and "lane" not in _mapping(tree, "world"):
        said = (
            "several accounts need `world.lane`: `shared` (the same fates behind each, to compare) "
            "or `own` (independent, for failover)"
        )
        yield ("accounts",), said
    for index, account in enumerate(accounts):
        dialect = account.get("dialect")
        if not isinstance(dialect, str) or dialect not in DIALECT_BILLING:
            continue
        for key, owners in DIALECT_KEYS.items():
            if key in account and dialect not in owners:
                said = f"belongs to dialect {' or '.join(owners)}; seen {shown(dialect)}; remove it"
                yield ("accounts", index, key), said
    dialects = [account.get("dialect") for account in accounts]
    if "zettai_reach" in dialects:
        yield from _zettai_numbers(tree, dialects.index("zettai_reach"))


def _zettai_numbers(tree: Node, index: int) -> Found:
    people = _mapping(tree, "people")
    if people.get("country", "jp") == "us":
        said = "絶対リーチ! takes Japanese numbers only, and would refuse all: write `country: jp`"
        yield ("people", "country"), f"{said} (accounts[{index}] is zettai_reach)"
    elif people.get("numbers", "unassigned") == "unassigned":
        said = (
            f"絶対リーチ! (accounts[{index}]) validates numbers and would refuse every unassigned "
            "one: write `numbers: assignable` (they have the form of real ones; nothing is sent)"
        )
        yield ("people", "numbers"), said


def _sut(tree: Node, *, needs_sut: bool) -> Found:
    if _at(tree, "sut") is None:
        if needs_sut and _at(tree, "load") is None:
            yield (), "no system under test: add `sut:` to the file, or give --sut CMD_OR_URL"
        return
    sut = _mapping(tree, "sut")
    yield from claims_checks(sut.get("claims"))
    ways = [key for key in ("command", "url") if key in sut]
    if len(ways) > 1:
        yield ("sut", "url"), "both command and url are given: keep one"
    if str(sut.get("url")).startswith("{"):
        yield ("sut", "url"), "{sut_url} is this address itself: write http://HOST:PORT"
    if not ways and needs_sut:
        yield ("sut",), "neither command nor url: add one, or give --sut CMD_OR_URL"
    names = [name for a in _items(tree, "accounts") if isinstance(name := a.get("name"), str)]
    account = sut.get("account")
    if isinstance(account, str) and account not in names:
        said = f"no account is called {shown(account)}; {did_you_mean(account, names)}"
        yield ("sut", "account"), said


def _expect(tree: Node) -> Found:
    expectations = _items(tree, "expect")
    yield from _twice(expectations, "name", ("expect",))
    load = _at(tree, "load") is not None
    named = load or _at(tree, "sut") is not None  # else one is given by --sut, with claims
    blind = named and "claims" not in _mapping(tree, "sut")
    accounts = [a for a in _items(tree, "accounts") if isinstance(a.get("name"), str)]
    segments = [s.get("name") for s in _items(tree, "people", "segments")]
    try:
        until_us = duration_us(_mapping(tree, "time").get("until", UNTIL))
    except ValueError:
        until_us = None
    around = Around(
        blind=blind,
        policy=_at(tree, "policy") is not None,
        currencies={str(a["name"]): _currency(a) for a in accounts},
        segments=tuple(s for s in segments if isinstance(s, str)),
        until_us=until_us,
        load=load,
    )
    yield from expect_checks(expectations, around)


def _currency(account: dict[str, Node]) -> str:
    """Return what an account is billed in, or nothing where it cannot be read."""
    dialect, billing = account.get("dialect"), account.get("billing")
    own = _mapping(account, "price").get("currency")
    if isinstance(own, str):
        return own
    if not isinstance(billing, str) and isinstance(dialect, str):
        billing = DIALECT_BILLING.get(dialect)
    policy = POLICIES.get(billing) if isinstance(billing, str) else None
    return policy.currency if policy else ""
