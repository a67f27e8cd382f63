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
        findings: how many there are; `allowed`: an expectation lets that many be.
        invalid: why the run proves nothing; empty if it proves something.
    """

    exit_code: ExitCode
    words: str
    failed: tuple[Result, ...]
    findings: int
    allowed: bool
    invalid: tuple[str, ...]


def judge(
    results: Sequence[Result],
    reconciliation: Reconciliation | None,
    invalid: Sequence[str] = (),
    *,
    interrupted: bool = False,
    policy: Policy | None = None,
) -> Verdict:
    """Judge a run.

    Args:
        results: of every expectation.
        reconciliation: None where the system under test makes no claims.
        invalid: what the caller knows that makes the run prove nothing, such as nothing sent.
        policy: the checks on the traffic, judged; None where the scenario asks for none.
        interrupted: the run was stopped by hand; what there is counts as partial.
    """
    reasons = [*invalid, *(reconciliation.invalid if reconciliation else ())]
    if not reasons and not results and reconciliation is None and not (policy and policy.judged):
        reasons.append("neither expectations nor claims: nothing was judged")
    failed = tuple(r for r in results if r.outcome is not Outcome.PASSED)
    findings = len(reconciliation.findings) if reconciliation else 0
    findings += policy.findings if policy else 0
    demanded = policy.demanded if policy else 0
    allowed = findings <= _findings_max(results)
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
        body += f"; {policy.words}" if policy else ""
    words = f"{HEADS[code]}: {body}"
    return Verdict(code, words, failed, findings, allowed, tuple(reasons))


HEADS = {
    ExitCode.OK: "PASS",
    ExitCode.FAILED: "FAIL",
    ExitCode.USAGE: "INVALID",
    ExitCode.PROVES_NOTHING: "PROVES NOTHING",
    ExitCode.INTERRUPTED: "INTERRUPTED, so far",
}


def _findings_max(results: Sequence[Result]) -> int:
    """Return how many findings the expectations let be: 0 unless one has an upper end."""
    uppers = [int(r.upper) for r in results if r.that == "findings" and r.upper is not None]
    return min(uppers, default=0)


def _expectations(results: Sequence[Result], failed: Sequence[Result]) -> str:
    if not results:
        return "no expectations"
    held = f"{len(results) - len(failed)} of {counted(len(results), 'expectation')} hold"
    held += "s" if len(results) == 1 else ""
    if not failed:
        return held
    names = [_line(r.name, NAME_CHARS_MAX) + _NO_DATA[r.outcome] for r in failed[:NAMED_MAX]]
    if len(failed) > NAMED_MAX:
        names.append(f"{len(failed) - NAMED_MAX} more")
    return f"{held} (not: {', '.join(names)})"


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
