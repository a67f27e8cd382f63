"""The verdict: one exit code, and the last line that says which, in words.

The one rule: 130 > 2 > 3 > 1 > 0, and nothing passes by accident. A run that judged nothing proves
nothing; findings fail a run unless an expectation on `findings` has an upper end that lets them be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.errors import ExitCode, gravest
from simulator.verify.expect import Outcome
from simulator.verify.findings import counted, money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.verify.expect import Result
    from simulator.verify.policy import Policy
    from simulator.verify.reconcile import Reconciliation

NAMED_MAX = 3
NAME_CHARS_MAX = 60
REASON_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a run.

    Attributes:
        words: the last line of the output.
        failed: expectations that do not hold, those without data among them.
        warned: such that are no more than warnings.
        findings: how many there are; `allowed`: an expectation lets that many be.
        invalid: why the run proves nothing; empty if it proves something.
    """

    exit_code: ExitCode
    words: str
    failed: tuple[Result, ...]
    findings: int
    allowed: bool
    invalid: tuple[str, ...]
    warned: tuple[Result, ...] = ()


def judge(  # noqa: PLR0913 - all that a verdict rests on
    results: Sequence[Result],
    reconciliation: Reconciliation | None,
    invalid: Sequence[str] = (),
    *,
    interrupted: bool = False,
    policy: Policy | None = None,
    stopped: str = "",
) -> Verdict:
    """Judge a run.

    Args:
        results: of every expectation.
        reconciliation: None where the system under test makes no claims.
        invalid: what the caller knows that makes the run prove nothing, such as nothing sent.
        policy: the checks on the traffic, judged; None where the scenario asks for none.
        interrupted: the run was stopped by hand; what there is counts as partial.
        stopped: the expectation that ended the run before its end, or nothing.
    """
    reasons = [*invalid, *(reconciliation.invalid if reconciliation else ())]
    if not reasons and not results and reconciliation is None and not (policy and policy.judged):
        reasons.append("neither expectations nor claims: nothing was judged")
    failed = tuple(r for r in results if r.fails)
    warned = tuple(r for r in results if r.bad and r.warning)
    findings = len(reconciliation.findings) if reconciliation else 0
    findings += policy.findings if policy else 0
    demanded = policy.demanded if policy else 0
    allowed = _allowed(findings, results)
    code = gravest(
        (
            ExitCode.INTERRUPTED if interrupted else ExitCode.OK,
            ExitCode.PROVES_NOTHING if reasons else ExitCode.OK,
            ExitCode.OK if allowed and not failed and not demanded else ExitCode.FAILED,
        )
    )
    if reasons:
        body = "; ".join(dict.fromkeys(_line(reason, REASON_CHARS_MAX) for reason in reasons))
    else:
        said = _findings(reconciliation, policy, allowed=allowed)
        body = f"{_expectations(results, failed)}, {said}"
        if warned:
            body += f", {counted(len(warned), 'warning')} ({_names(warned)})"
        body += f"; {policy.words}" if policy else ""
        if stopped:
            body = f"stopped early for {_line(stopped, NAME_CHARS_MAX)}; {body}"
    words = f"{HEADS[code]}: {body}"
    return Verdict(code, words, failed, findings, allowed, tuple(reasons), warned)


HEADS = {
    ExitCode.OK: "PASS",
    ExitCode.FAILED: "FAIL",
    ExitCode.USAGE: "INVALID",
    ExitCode.PROVES_NOTHING: "PROVES NOTHING",
    ExitCode.INTERRUPTED: "INTERRUPTED, so far",
}


def _allowed(findings: int, results: Sequence[Result]) -> bool:
    """Tell whether the findings are let be: none are, unless an expectation has an upper end."""
    about = [r for r in results if r.that == "findings" and r.upper is not None]
    if any(r.warning for r in about):
        return True
    return findings <= min((int(r.upper) for r in about if r.upper is not None), default=0)


def _expectations(results: Sequence[Result], failed: Sequence[Result]) -> str:
    judged = [r for r in results if r.outcome is not Outcome.NOT_JUDGED]
    if not judged:
        return "no expectations"
    held = sum(not r.bad for r in judged)
    words = f"{held} of {counted(len(judged), 'expectation')} hold"
    words += "s" if len(judged) == 1 else ""
    return f"{words} (not: {_names(failed)})" if failed else words


def _names(results: Sequence[Result]) -> str:
    names = [_line(r.name, NAME_CHARS_MAX) + _NO_DATA[r.outcome] for r in results[:NAMED_MAX]]
    if len(results) > NAMED_MAX:
        names.append(f"{len(results) - NAMED_MAX} more")
    return ", ".join(names)


_NO_DATA = {Outcome.FAILED: "", Outcome.NO_DATA: " for want of data"}


def _findings(
    reconciliation: Reconciliation | None, policy: Policy | None, *, allowed: bool
) -> str:
    if reconciliation is None:
        return "no claims to compare"
    if not reconciliation.findings:
        return "no findings in the claims" if policy else "no findings"
    kinds = ", ".join(f"{n:,} {kind.value}" for kind, n in reconciliation.counts.items() if n)
    words = f"{counted(len(reconciliation.findings), 'finding')} ({kinds})"
    wrong = reconciliation.amount_micros
    if wrong:
        words += f", {money(abs(wrong), reconciliation.currency)} too {_WAYS[wrong > 0]}"
    return f"{words}, as allowed" if allowed else words


_WAYS = {True: "much", False: "little"}


def _line(text: str, chars_max: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= chars_max else f"{line[:chars_max]}..."
