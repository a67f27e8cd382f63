"""How callbacks went, and the books summed: as the facts and the invoices say."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.core import events as ev
from simulator.core.message import OutcomeKind, State
from simulator.core.tariff import POLICIES
from simulator.views.metrics import Metrics, outcome_name, sums_of
from tests.worlds import DAY_US, START_US, account, advance, phone, send, sms, world

ANSWERED, UNREACHABLE = OutcomeKind.ANSWERED, OutcomeKind.UNREACHABLE


def test_attempts_are_counted_by_outcome_and_first_apart_from_the_rest() -> None:
    metrics = Metrics()
    tried, abandoned = (metrics.folds()[kind] for kind in (ev.CallbackTried, ev.CallbackAbandoned))
    for nth, outcome, status in ((0, UNREACHABLE, 0), (1, ANSWERED, 503), (2, ANSWERED, 500)):
        tried(ev.CallbackTried(1, 1, State.SENT, nth, outcome, status), None)
    abandoned(ev.CallbackAbandoned(1, 1, State.SENT, ANSWERED), None)
    metrics.forget(1)
    assert metrics.tried == {(UNREACHABLE, 0, False): 1, (ANSWERED, 5, True): 2}
    assert metrics.abandoned == {ANSWERED: 1}


@pytest.mark.parametrize(
    ("kind", "hundreds", "name"),
    [
        (ANSWERED, 2, "2xx"),
        (ANSWERED, 5, "5xx"),
        (ANSWERED, 9, "other"),
        (OutcomeKind.TIMED_OUT, 0, "timed_out"),
        (OutcomeKind.FORBIDDEN, 0, "forbidden"),
    ],
)
def test_an_outcome_has_one_of_few_names(kind: OutcomeKind, hundreds: int, name: str) -> None:
    assert outcome_name(kind, hundreds) == name


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("days", [0, 14])
def test_the_sums_are_those_of_the_invoices(policy: str, days: int) -> None:
    lived = world(*(account(name, policy=policy) for name in ("a", "b")))
    for name in ("a", "b"):
        for i in range(200):
            send(lived, sms(phone(i), account=name))
    advance(lived, START_US + days * DAY_US)
    invoices = lived.ledger.invoices()
    (found,) = sums_of(lived.ledger).values()
    excluded: Counter[object] = Counter()
    for invoice in invoices:
        excluded.update(invoice.excluded)
    assert found.billed == sum(invoice.units for invoice in invoices)
    assert found.pending == sum(invoice.pending_units for invoice in invoices)
    assert found.micros == sum(invoice.subtotal_micros for invoice in invoices)
    assert found.excluded == excluded
    assert found.billed + found.pending + sum(excluded.values()) == 400


def test_currencies_are_not_added_up() -> None:
    paid_in = {"a": "JPY", "b": "EUR"}
    policy = "jp-request-billed"
    lived = world(*(account(name, policy=policy, currency=c) for name, c in paid_in.items()))
    for name in paid_in:
        send(lived, sms(account=name))
    found = {currency: sums.billed for (_, currency), sums in sums_of(lived.ledger).items()}
    assert found == {"JPY": 1, "EUR": 1}
