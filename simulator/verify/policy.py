"""Policy: what the system did to people, held against the rules that a scenario asks for.

    asked (scenario_policy.py) + traffic (touch.py) --judged--> one Judgement for each check

The one rule: a check that had nothing to look at has not passed. It is "cannot be judged", with the
reason, whether the channel does not exist, the occasion did not arise or the fact is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from simulator.verify import policy_calls as calls
from simulator.verify import policy_pace as pace
from simulator.verify import policy_people as people
from simulator.verify import policy_text as text
from simulator.verify import policy_time as hours
from simulator.verify.findings import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from simulator.policy_checks import Check
    from simulator.scenario_policy import Asked
    from simulator.verify.touch import Breach, Channel, Found, Traffic

    Judge = Callable[[Any, Traffic], Found]

JUDGES: Mapping[str, Judge] = {
    "no_send_after_opt_out": people.no_send_after_opt_out,
    "quiet_hours": hours.quiet_hours,
    "no_holidays": hours.no_holidays,
    "at_most_per_window": people.at_most_per_window,
    "no_duplicate_text": people.no_duplicate_text,
    "no_send_to_gone": people.no_send_to_gone,
    "no_send_to_landline": people.no_send_to_landline,
    "backs_off": pace.backs_off,
    "at_most_rate": pace.at_most_rate,
    "signatures_verified": pace.signatures_verified,
    "consent_on_record": people.consent_on_record,
    "names_sender": text.names_sender,
    "offers_refusal": text.offers_refusal,
    "reaches_contact": text.reaches_contact,
    "mail_first": calls.mail_first,
    "sms_before_first_call": calls.sms_before_first_call,
    "sms_after_unanswered_call": calls.sms_after_unanswered_call,
    "one_caller_number": calls.one_caller_number,
    "in_chosen_band": hours.in_chosen_band,
    "stop_after_unanswered": people.stop_after_unanswered,
    "stop_after": people.stop_after,
}


class Standing(Enum):
    """How a check ended."""

    HELD = "held"
    BROKEN = "broken"
    NOT_JUDGED = "cannot be judged"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One check, judged.

    Attributes:
        asked: the check, with its name and its source.
        breaches: in the order of their instants.
        words: all of it in one sentence.
    """

    asked: Asked
    standing: Standing
    breaches: tuple[Breach, ...]
    occasions: int
    words: str

    @property
    def fails(self) -> bool:
        """Whether it fails the run; a warning never does."""
        if self.asked.level == "warn":
            return False
        if self.standing is Standing.NOT_JUDGED:
            return self.asked.if_not_judged == "fail"
        return self.standing is Standing.BROKEN

    @property
    def findings(self) -> int:
        """How many findings it adds to the run's."""
        return len(self.breaches) if self.asked.level == "fail" else 0


@dataclass(frozen=True, slots=True)
class Policy:
    """All checks of a run, judged."""

    judgements: Sequence[Judgement]

    @property
    def findings(self) -> int:
        """How many findings there are, warnings aside."""
        return sum(judgement.findings for judgement in self.judgements)

    @property
    def judged(self) -> int:
        """How many checks had something to look at."""
        return sum(j.standing is not Standing.NOT_JUDGED for j in self.judgements)

    @property
    def demanded(self) -> int:
        """How many could not be judged although the scenario demands it."""
        return sum(j.fails and j.standing is Standing.NOT_JUDGED for j in self.judgements)

    @property
    def words(self) -> str:
        """The part of the verdict's line: "policy: 3 of 5 checks hold, 1 cannot be judged"."""
        of = dict.fromkeys(Standing, 0)
        for judgement in self.judgements:
            of[judgement.standing] += 1
        found = f"policy: {of[Standing.HELD]} of {counted(len(self.judgements), 'check')} held"
        if of[Standing.BROKEN]:
            names = [j.asked.name for j in self.judgements if j.standing is Standing.BROKEN]
            found += f", {of[Standing.BROKEN]} broken ({_listed(names)})"
            found += f", {counted(self.findings, 'finding')}" if self.findings else ""
        if of[Standing.NOT_JUDGED]:
            found += f", {of[Standing.NOT_JUDGED]} cannot be judged"
        return found


def judge_policy(asked: Iterable[Asked], traffic: Traffic) -> Policy:
    """Judge every check that was asked for."""
    return Policy([_judged(each, traffic) for each in asked])


def _judged(asked: Asked, traffic: Traffic) -> Judgement:
    if missing := lacking(asked.check, traffic.channels):
        words = f"no such channel in this run ({', '.join(missing)})"
        return Judgement(asked, Standing.NOT_JUDGED, (), 0, _sentence(asked, None, words))
    found = JUDGES[asked.kind](asked.check, traffic)
    aside = ", ".join(f"{n:,} times {why}" for why, n in sorted(found.unjudged.items()))
    if not found.occasions:
        words = _sentence(asked, None, aside or found.without)
        return Judgement(asked, Standing.NOT_JUDGED, (), 0, words)
    breaches = tuple(sorted(found.breaches, key=lambda b: (b.at_us, b.to, b.own_id)))
    standing = Standing.BROKEN if breaches else Standing.HELD
    words = _sentence(asked, found, aside)
    return Judgement(asked, standing, breaches, found.occasions, words)


def lacking(check: Check, channels: frozenset[Channel]) -> list[str]:
    """Return the channels that a check needs and the run does not have."""
    wanted: list[str] = [*type(check).channels]
    channel: str = getattr(check, "channel", "any")
    wanted += [channel] if channel != "any" else []
    have = {each.value for each in channels}
    return [each for each in dict.fromkeys(wanted) if each not in have]


def _sentence(asked: Asked, found: Found | None, more: str) -> str:
    if found is None:
        return f"{asked.name}: cannot be judged: {more}"
    times = counted(found.occasions, "occasion")
    if not found.breaches:
        said = f"held on {times}"
    else:
        said = f"broken {len(found.breaches):,} times on {times}"
    aside = f"; not judged: {more}" if more else ""
    return f"{asked.name}: {said}{aside} [{asked.source}]"


def _listed(names: Sequence[str]) -> str:
    most = 3
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])
