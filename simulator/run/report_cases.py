"""All that a report has judged, one row each in one shape: expectations, and policy checks.

The one rule: what CI shows is made from these rows, so that no kind of judgement is green by being
left out.
"""

from __future__ import annotations

from typing import Any

_OUTCOMES = {"held": "passed", "broken": "failed", "not_judged": "not_judged"}


def cases(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the expectations and, in their shape, the policy checks of a report."""
    checks = report.get("policy", {}).get("checks", ())
    return [*report["expectations"], *(_of_check(check, report) for check in checks)]


def _of_check(check: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    outcome, let_be = _OUTCOMES[check["outcome"]], report["findings"]["allowed"]
    if outcome == "not_judged" and check["fails"]:
        outcome = "no_data"
    warns = check["level"] == "warn" or (let_be and outcome == "failed")
    return {
        "name": f"policy: {check['name']}",
        "that": "policy",
        "outcome": outcome,
        "holds": outcome == "passed",
        "level": "warn" if warns else "fail",
        "words": check["words"],
    }
