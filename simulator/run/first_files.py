"""What `todoku init` asks and writes: a scenario with comments that runs, and a CI workflow.

Nothing that is there is overwritten without --force, and either all files are written or none.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from simulator.core.tariff import POLICIES
from simulator.dialects import DIALECTS
from simulator.errors import UsageError, did_you_mean
from simulator.run.bundled import EXAMPLE
from simulator.run.ci_files import WORKFLOWS
from simulator.run.report import decimal
from simulator.scenario import parse_scenario
from simulator.scenario_checks import DIALECT_BILLING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCENARIO = Path("scenarios/outreach.yaml")
NO_CI = "none"


@dataclass(frozen=True, slots=True)
class Answers:
    """The three things that are asked."""

    dialect: str
    billing: str
    sut: str


class Question(NamedTuple):
    """One of them: the words, what may be answered (nothing: anything)."""

    name: str
    words: str
    choices: Sequence[str]

    def default(self, so_far: Mapping[str, str]) -> str:
        """Return what is most likely, by the answers before."""
        dialect = so_far.get("dialect", next(iter(DIALECT_BILLING)))
        if self.name == "billing":
            return DIALECT_BILLING.get(dialect, next(iter(POLICIES)))
        return dialect if self.name == "dialect" else f"python -m {EXAMPLE} --provider {dialect}"


QUESTIONS = (
    Question("dialect", "Which provider does your system speak to?", sorted(DIALECTS)),
    Question("billing", "How does that provider bill?", sorted(POLICIES)),
    Question("sut", "How does your system start (a command, or the URL where it runs)?", ()),
)


def checked(*, ci: str, **given: str | None) -> dict[str, str | None]:
    """Return the answers that were given as flags.

    Raises:
        UsageError: one of them is not among the choices.
    """
    choices = {question.name: question.choices for question in QUESTIONS}
    for name, value, known in (
        *((name, value, choices[name]) for name, value in given.items()),
        ("ci", ci, (*WORKFLOWS, NO_CI)),
    ):
        if value is not None and known and value not in known:
            raise UsageError(f"--{name}: unknown value {value!r}; {did_you_mean(value, known)}")
    return dict(given)


class _Place(NamedTuple):
    """What a dialect's scenario wants besides: people, first instant, and an address of ours."""

    people: str
    start: str
    address: str


_JAPAN = """\
  country: jp
  # This provider validates numbers, so these have the form of real ones; nothing leaves us.
  numbers: assignable"""
_NOBODYS = """\
  country: jp                         # numbers that are nobody's: 070-0XXX-XXXX"""
_AMERICA = """\
  country: us                         # numbers reserved for fiction: +1 NXX 555 01XX"""
_PLACES: Mapping[str, _Place] = {
    "zettai_reach": _Place(
        _JAPAN,
        "2026-03-02T09:00:00+09:00",
        '    push: "{sut_url}/receipts"          # where your system takes receipts',
    ),
    "native": _Place(
        _NOBODYS,
        "2026-03-02T09:00:00+09:00",
        '    inbound: "{sut_url}/inbound"         # where your system takes replies',
    ),
    "twilio": _Place(
        _AMERICA,
        "2026-03-02T09:00:00-05:00",
        '    inbound: "{sut_url}/twilio/inbound" # where your system takes replies',
    ),
}
_ELSEWHERE = _Place(_AMERICA, "2026-03-02T09:00:00-05:00", "")  # addresses come with each message

_TEXT = """\
# Written by `todoku init`. What it means, before anything runs:
#
#   todoku explain {file}
#   todoku run {file}
#
# The exit code is the verdict: 0 pass, 1 failed, 2 this file is wrong, 3 the run proves nothing.
version: 1
name: outreach
title: A week of our system against a simulated provider
seed: 1                               # the same seed, the same people and the same luck

time:
  mode: stepped                       # time waits for your system; a week takes seconds
  start: {start}
  until: 7d                           # the horizon: what is open then is counted as such

people:
  count: 100
{people}
  # with: {{reply: 25%, stop: 4%}}      # how they are; `todoku explain` shows all rates

accounts:
  - name: main
    dialect: {dialect}
    billing: {billing}
    # An example price, tax excluded. Write your own contract's.
    price: {{unit: "{unit}", currency: {currency}, tax: {tax}}}
{address}

sut:
  # It finds PORT, TODOKU_URL, TODOKU_ACCOUNT, TODOKU_SECRET and more in its environment. Names of
  # your own: `env: {{SMS_API: "{{url}}", SMS_KEY: "{{secret}}"}}`.
  {way}: {sut}
  ready: GET /health                  # 2xx once it can work
  start: {{request: POST /campaigns, body: {{name: first, recipients: $recipients}}}}
  claims: GET /claims                 # what it believes; without it, only `expect` is judged
  idle: GET /idle                     # 204: nothing left to do now; 409: busy
  timeout: 5m                         # of real time

expect:
  - {{name: everybody was written to, that: accepted, at_least: 100}}
  - {{name: delivered, that: delivered / accepted, at_least: 90%}}
  - {{name: every callback was answered 2xx, that: callbacks_failed, equals: 0}}
  - {{name: claims equal what it was told and owes, that: findings, equals: 0}}
"""


def scenario_text(answers: Answers) -> str:
    """Return the scenario; it reads without a problem.

    Raises:
        ConfigError: the command or the URL cannot be.
    """
    place, policy = _PLACES.get(answers.dialect, _ELSEWHERE), POLICIES[answers.billing]
    is_url = answers.sut.startswith(("http://", "https://"))
    text = _TEXT.format(
        file=SCENARIO,
        start=place.start,
        people=place.people,
        dialect=answers.dialect,
        billing=answers.billing,
        unit=decimal(policy.price_micros),
        currency=policy.currency,
        tax=f"{decimal(policy.tax_bp * 10_000)}%",
        address=place.address,
        way="url" if is_url else "command",
        sut=json.dumps(answers.sut, ensure_ascii=False),
    )
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    parse_scenario(text, "--sut")
    return text


def write(folder: Path, answers: Answers, ci: str, *, force: bool) -> list[Path]:
    """Write the files; return their paths.

    Raises:
        UsageError: one of them is there already, or cannot be written.
    """
    texts = {folder / SCENARIO: scenario_text(answers)}
    if ci != NO_CI:
        texts[folder / WORKFLOWS[ci].path] = WORKFLOWS[ci].text
    there = [str(file) for file in texts if file.exists() or file.is_symlink()]
    if there and not force:
        verb = "is" if len(there) == 1 else "are"
        raise UsageError(f"{' and '.join(there)} {verb} there already: --force overwrites")
    for file, text in texts.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("w" if force else "x", encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}") from None
    return list(texts)


def shown(file: Path) -> str:
    """Write a path as it can be given to a shell."""
    return shlex.quote(str(file))
