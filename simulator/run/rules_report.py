"""Rules in the report: why it went as it did, and what is the carrier's and not the system's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.views.metrics import outcome_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.engine.world import World


def section(world: World) -> dict[str, Any]:
    """Return the report's key `rules`, as plain values."""
    firings = world.firings
    return {
        "fired": [
            {"rule": f.rule, "seam": f.seam.value, "verdict": f.verdict, "times": n}
            for f, n in sorted(firings.fired.items(), key=lambda item: item[0][0])
        ],
        "forged": {
            outcome_name(kind, hundreds): n
            for (kind, hundreds), n in sorted(firings.forged.items())
        },
        "receipts_lost": dict(sorted(firings.receipts_lost.items())),
    }


def notes(world: World, asked: Iterable[str] = ()) -> Iterator[str]:
    """Say what rules did or never did, and whose the gap between known and fate is.

    Args:
        world: of the run.
        asked: the names of the rules that it was begun with.
    """
    firings = world.firings
    fired = {firing.rule for firing in firings.fired}
    for rule in asked:
        if rule not in fired:
            yield f"rule {rule}: never fired, so this run says nothing about it"
    for (rule, seam, verdict), n in sorted(firings.fired.items(), key=lambda item: item[0][0]):
        yield f"rule {rule}: fired {n:,} times ({seam.value}: {verdict})"
    for name, lost in sorted(firings.receipts_lost.items()):
        yield (
            f"account {name}: the provider will never know the end of {lost:,} messages, whose "
            "receipts a rule has lost: the gap between known and fate is the carrier's, no finding"
        )
    taken = sum(n for (_, hundreds), n in firings.forged.items() if hundreds == 2)
    if taken:
        yield f"{taken:,} forged callbacks were answered 2xx: does the system check signatures?"


def contended(world: World) -> Iterator[str]:
    """Say which rules would have hit others in another order of arrival."""
    for rule, n in sorted(world.firings.contended.items()):
        yield f"rule {rule} counts arrivals and fired {n:,} times: whom it hit depends on who came"
