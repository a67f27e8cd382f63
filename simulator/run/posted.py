"""Claims that were posted to a server, judged against its world as it is now: no run, no verdict.

The one rule: the same reader and the same comparison as at the end of a run; what cannot be read is
the same `ClaimsError`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.run.facts import totals_of_account
from simulator.run.report_findings import compared
from simulator.run.survey import survey, tellings_of
from simulator.verify.claims import parse_claims
from simulator.verify.reconcile import Evidence, reconcile

if TYPE_CHECKING:
    from simulator.engine.world import World


def judgement(
    world: World, account: str, data: bytes, region: str, rows_max: int
) -> dict[str, Any]:
    """Compare claims, version 1, with what an account's messages came to; return plain values.

    Args:
        world: as it stands.
        account: the id of the account that they are of.
        data: as they were posted.
        region: whose national form of numbers is meant.
        rows_max: how many findings are listed.

    Raises:
        ClaimsError: they cannot be read.
    """
    claims = parse_claims(data, region)
    known = survey(world, account)
    evidence = Evidence(partial(tellings_of, world), known.told)
    found = reconcile(claims, known.facts, totals_of_account(world, account), evidence)
    return {
        "account": account,
        "claimed": found.claimed,
        "accepted": found.accepted,
        "currency": found.currency,
        "untold": found.untold,
        "carrier_gap": found.carrier_gap,
        "proves": not found.invalid,
        "why": list(found.invalid),
        "notes": list(found.notes),
        **compared(found, rows_max),
    }
