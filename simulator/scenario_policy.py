"""`policy:` of a scenario: rule sets and single checks, read, expanded, held against the clock.

    policy: [jp-courtesy, {jp-advertising: {sender: とどく歯科}}, {no_duplicate_text: {in: 24h}}]

The one rule: an item is one name, alone or with its parameters. What the run's clock cannot judge
is an error before the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from simulator import policy_checks as checks
from simulator.accounts import Section
from simulator.errors import shown
from simulator.policy_checks import Advertising, Check, Rated
from simulator.policy_sets import RULE_SETS, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

    from simulator.errors import KeyPath
    from simulator.strict_yaml import Node


class PolicyItem(Section):
    """One item: exactly one of these."""

    no_send_after_opt_out: checks.NoSendAfterOptOut | None = None
    quiet_hours: checks.QuietHours | None = None
    no_holidays: checks.NoHolidays | None = None
    at_most_per_window: checks.AtMostPerWindow | None = None
    no_duplicate_text: checks.NoDuplicateText | None = None
    no_send_to_gone: checks.NoSendToGone | None = None
    no_send_to_landline: checks.NoSendToLandline | None = None
    backs_off: checks.BacksOff | None = None
    at_most_rate: checks.AtMostRate | None = None
    signatures_verified: checks.SignaturesVerified | None = None
    consent_on_record: checks.ConsentOnRecord | None = None
    names_sender: checks.NamesSender | None = None
    offers_refusal: checks.OffersRefusal | None = None
    reaches_contact: checks.ReachesContact | None = None
    mail_first: checks.MailFirst | None = None
    sms_before_first_call: checks.SmsBeforeFirstCall | None = None
    sms_after_unanswered_call: checks.SmsAfterUnansweredCall | None = None
    one_caller_number: checks.OneCallerNumber | None = None
    in_chosen_band: checks.InChosenBand | None = None
    stop_after_unanswered: checks.StopAfterUnanswered | None = None
    stop_after: checks.StopAfter | None = None
    jp_advertising: Advertising | None = Field(None, alias="jp-advertising")
    jp_lender: Rated | None = Field(None, alias="jp-lender")
    jp_courtesy: Rated | None = Field(None, alias="jp-courtesy")
    us_tcpa_hours: Rated | None = Field(None, alias="us-tcpa-hours")
    us_tcpa_opt_out: Rated | None = Field(None, alias="us-tcpa-opt-out")
    cadence: Rated | None = None
    outreach_practice: Rated | None = Field(None, alias="outreach-practice")

    @property
    def only(self) -> tuple[str, Rated]:
        """The one name that is given, as in the file, and its parameters."""
        for field, info in type(self).model_fields.items():
            given: Rated | None = getattr(self, field)
            if given is not None:
                return info.alias or field, given
        raise AssertionError("the scenario's checks let no empty item through")


NAMES = tuple(info.alias or field for field, info in PolicyItem.model_fields.items())
CHECKS: dict[str, type[Check]] = {
    name: info.annotation.__args__[0]  # type: ignore[union-attr]
    for name, info in PolicyItem.model_fields.items()
    if (info.alias or name) not in RULE_SETS
}


class _ByName:
    """In a schema: an item may be its name alone."""

    @staticmethod
    def __get_pydantic_json_schema__(
        core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(core_schema), {"enum": list(NAMES)}]}


def _named(value: object) -> object:
    return {value: {}} if isinstance(value, str) else value


Item = Annotated[PolicyItem, BeforeValidator(_named), _ByName]
Policy = tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One check that a scenario asks for.

    Attributes:
        name: how the report calls it, "jp-courtesy: quiet_hours".
        kind: the check's own name.
        source: the law, or that it is custom.
    """

    name: str
    kind: str
    source: str
    check: Check
    level: str
    if_not_judged: str


def asked_of(policy: Iterable[PolicyItem]) -> Iterator[Asked]:
    """Yield every check of a policy, its rule sets expanded."""
    for item in policy:
        name, given = item.only
        if isinstance(given, Check):
            label = given.name or name
            source = "custom: asked for by the scenario"
            yield Asked(label, name, source, given, given.level, given.if_not_judged)
            continue
        for rule in RULE_SETS[name].rules:
            check = _check_of(rule, given.model_dump())
            label = f"{name}: {rule.check}{_told_apart(check)}"
            yield Asked(label, rule.check, rule.source, check, given.level, given.if_not_judged)


def _check_of(rule: Rule, given: dict[str, Any]) -> Check:
    """Fill in what the scenario gave with the set."""
    filled = {
        key: [given.get(word.removeprefix("$"), word) for word in value]
        if isinstance(value, list)
        else value
        for key, value in rule.given.items()
    }
    return CHECKS[rule.check].model_validate(filled)


def _told_apart(check: Check) -> str:
    """Name the channel where a set has the same check for several."""
    return f" ({check.channel})" if isinstance(check, checks.AtMostPerWindow) else ""


def policy_problems(tree: Node) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with `policy:` beyond its types: see `cross_checks`."""
    items = tree.get("policy") if isinstance(tree, dict) else None
    labels: dict[str, int] = {}
    for index, item in enumerate(items[:100] if isinstance(items, list) else ()):
        label = _label(item)
        first = labels.setdefault(label, index)
        if label and first != index:
            said = f"{shown(label)} stands in number {first + 1} too"
            yield ("policy", index), f"{said}: give one of them another `name`, or remove it"
        names = [item] if isinstance(item, str) else [*item] if isinstance(item, dict) else []
        if isinstance(item, dict) and len(names) != 1:
            seen = " and ".join(names) or "none"
            yield ("policy", index), f"needs exactly one name; seen {seen}: write an item for each"
        for name in names:
            rules = RULE_SETS[name].rules if name in RULE_SETS else ()
            kinds = [rule.check for rule in rules] or [name]
            needed = {CHECKS[kind].needs for kind in kinds if kind in CHECKS}
            for needs in sorted(needed):
                said = _blind(tree, needs)
                if said:
                    yield ("policy", index), f"{name} cannot be judged here: {said}"


def _label(item: Node) -> str:
    """Return what the report calls an item, as far as that can be read."""
    if not isinstance(item, dict):
        return item if isinstance(item, str) else ""
    name, given = next(iter(item.items()), ("", None))
    own = given.get("name") if isinstance(given, dict) else None
    return own if isinstance(own, str) else name


def _blind(tree: Node, needs: str) -> str:
    """Say why the run's clock cannot judge it, or nothing."""
    mode, start, clock, idle = _clock(tree)
    if needs == "order" or clock == "todoku":
        return ""
    if mode == "stepped":
        blind = clock == "own" or (needs == "pace" and not idle)
        return _STEPPED[clock == "own"] if blind else ""
    live = mode == "real" and start == "now"
    blind = (needs == "calendar" and not live) or (needs == "span" and mode == "scaled")
    return _FLOWING[needs].format(mode=mode) if blind else ""


_STEPPED = {
    True: "a system with a clock of its own does not know the hour of a stepped world; write "
    "time.mode: scaled or real, or have it use TODOKU_CLOCK_URL",
    False: "without sut.idle nobody knows whether the system waits by this world's clock; write "
    "sut.clock: todoku if it does, or time.mode: scaled if it does not",
}
_FLOWING = {
    "calendar": "in {mode} time a system with a clock of its own does not know this world's hour; "
    "write sut.clock: todoku if it uses ours, or time.mode: real with start: now",
    "span": "in {mode} time a system with a clock of its own does not know this world's days; "
    "write sut.clock: todoku if it uses ours, or time.mode: stepped or real",
}


def _clock(tree: Node) -> tuple[object, object, object, bool]:
    def section(name: str) -> dict[str, Node]:
        found = tree.get(name) if isinstance(tree, dict) else None
        return found if isinstance(found, dict) else {}

    time, sut = section("time"), section("sut")
    return time.get("mode", "stepped"), time.get("start"), sut.get("clock"), "idle" in sut
