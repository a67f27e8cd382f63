"""Receipts and callbacks that a rule has hit: late, again, overtaken, lost, forged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.core import events as ev
from simulator.core.command import Configure, Inject, SetRules
from simulator.core.faults import (
    Corrupt,
    Delay,
    Duplicate,
    Lose,
    Reorder,
    Rule,
    Seam,
    When,
)
from simulator.core.message import Call, Outcome, OutcomeKind, State
from simulator.core.trouble import Forgery
from tests.worlds import (
    DAY_US,
    EVERY_STATE,
    HOUR_US,
    LONG_US,
    OK,
    SECOND_US,
    START_US,
    UNREACHABLE,
    URL,
    account,
    advance,
    facts,
    habits,
    kinds,
    phone,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.core.faults import Verdict
    from simulator.core.message import Message
    from simulator.engine.world import World

RECEIPT, CALLBACK = Seam.RECEIPT, Seam.CALLBACK
LIFE = ["Accepted", "Sending", "CallbackTried", "Told", "Sent", "CallbackTried", "Told"]


def ruled(*rules: Rule, gone: float = 0.0, **options: object) -> World:
    here = world(habits=habits(gone=gone), seed=3, **options)
    here.gateway.submit(SetRules(rules), START_US)
    return here


def one(seam: Seam, *then: Verdict, when: When | None = None) -> tuple[World, Message]:
    """Live one message's life under a rule that always fires."""
    here = ruled(Rule("it", seam, then, when or When()))
    made = send(here, sms(notify=EVERY_STATE, callback_url=URL))
    advance(here)
    assert not here.store.live
    kept = here.store.get(made.key)
    assert kept is not None
    return here, kept


def tried(of: World) -> list[tuple[State, int]]:
    """Say which callbacks came, and how long after the receipt was known (or the start)."""
    known = next((f.at_us for f in facts(of) if isinstance(f, ev.Receipted)), START_US)
    return [(f.state, f.at_us - known) for f in facts(of) if isinstance(f, ev.CallbackTried)]


# The carrier's: between fate and known.


def test_a_lost_receipt_leaves_the_provider_not_knowing() -> None:
    here, message = one(RECEIPT, Lose())
    assert kinds(here, message.key) == [*LIFE, "Delivered", "RuleFired"]
    assert (message.fate, message.state, message.told) == (
        State.DELIVERED,
        State.SENT,
        State.SENT,
    )
    assert here.firings.receipts_lost["shop"] == 1


@pytest.mark.parametrize(("policy", "charged"), [("jp-success-billed", 0), ("twilio", 1)])
def test_what_was_never_known_is_billed_by_policy(policy: str, charged: int) -> None:
    here = world(account(policy=policy), habits=habits(), seed=3)
    here.gateway.submit(SetRules((Rule("it", RECEIPT, (Lose(),)),)), START_US)
    send(here, sms())
    advance(here)
    (invoice,) = here.ledger.invoices()
    assert (invoice.units, invoice.pending_units) == (charged, 1 - charged)


def test_another_price_later_leaves_what_was_never_known_at_the_old_one() -> None:
    here = world(account(policy="twilio"), habits=habits(), seed=3)
    here.gateway.submit(SetRules((Rule("it", RECEIPT, (Lose(),)),)), START_US)
    send(here, sms())
    advance(here)
    here.configure(account(policy="twilio", price_micros=1, currency="USD"), START_US + LONG_US)
    assert here.faults() == []


def test_a_message_that_was_never_known_is_pruned_without_a_fault() -> None:
    here = ruled(Rule("it", RECEIPT, (Lose(),)), retention=2)
    for i in range(9):
        send(here, sms(phone(i)))
    advance(here)
    assert here.store.pruned == 7
    assert here.faults() == []


def test_a_late_receipt_is_known_by_so_much_later() -> None:
    calm, _ = one(RECEIPT, Delay(1, 1), when=When(accounts=("nobody",)))
    here, message = one(RECEIPT, Delay(6 * HOUR_US, 6 * HOUR_US))
    usual = next(f.at_us for f in facts(calm) if isinstance(f, ev.Receipted))
    assert message.known_us == usual + 6 * HOUR_US
    assert kinds(here, message.key)[7:] == [
        *("Delivered", "RuleFired", "Receipted", "CallbackTried", "Told")
    ]


def test_a_drawn_delay_lies_within_its_bounds_and_differs_between_messages() -> None:
    here = ruled(Rule("it", RECEIPT, (Delay(HOUR_US, 12 * HOUR_US),)))
    for i in range(50):
        send(here, sms(phone(i)))
    advance(here)
    fired = {f.key: f.at_us for f in facts(here) if isinstance(f, ev.RuleFired)}
    late = [f.at_us - fired[f.key] for f in facts(here) if isinstance(f, ev.Receipted)]
    assert all(HOUR_US <= us <= 12 * HOUR_US for us in late)
    assert len(set(late)) == 50


def test_a_receipt_that_comes_again_is_called_back_again_and_billed_once() -> None:
    here, message = one(RECEIPT, Duplicate(2, 10 * SECOND_US))
    delivered = [after for state, after in tried(here) if state is State.DELIVERED]
    assert delivered == [0, 10 * SECOND_US, 20 * SECOND_US]
    assert kinds(here, message.key).count("Receipted") == 1
    assert here.truth.tally("shop").told[State.DELIVERED] == 1
    (invoice,) = here.ledger.invoices()
    assert invoice.units == 1


def test_reordered_receipts_overtake_each_other() -> None:
    def order(*rules: Rule) -> list[int]:
        here = ruled(*rules)
        for i in range(40):
            send(here, sms(phone(i)), START_US + i * SECOND_US)
        advance(here)
        return [f.key for f in facts(here) if isinstance(f, ev.Receipted)]

    usual, mixed = order(), order(Rule("it", RECEIPT, (Reorder(HOUR_US),)))
    assert usual != mixed
    assert sorted(usual) == sorted(mixed)


def test_a_failure_at_the_provider_has_no_receipt_to_lose() -> None:
    here = ruled(Rule("it", RECEIPT, (Lose(),)))
    made = send(here, sms("+999123456789", country="ZZ"))
    advance(here)
    assert kinds(here, made.key) == ["Accepted", "Failed", "Receipted"]


# The provider's: between known and told.


def test_a_lost_callback_tells_nothing_and_is_not_repeated() -> None:
    here, message = one(CALLBACK, Lose(), when=When(states=(State.DELIVERED,)))
    assert kinds(here, message.key) == [*LIFE, "Delivered", "Receipted", "RuleFired"]
    assert (message.state, message.told) == (State.DELIVERED, State.SENT)
    assert here.firings.receipts_lost["shop"] == 0


def test_a_late_callback_is_told_by_so_much_later() -> None:
    when = When(states=(State.DELIVERED,))
    here, message = one(CALLBACK, Delay(HOUR_US, HOUR_US), when=when)
    assert message.told_us == message.known_us + HOUR_US
    assert here.truth.tally("shop").told[State.DELIVERED] == 1


def test_a_doubled_callback_tells_once() -> None:
    here, _ = one(CALLBACK, Duplicate(3, SECOND_US), when=When(states=(State.DELIVERED,)))
    delivered = [after for state, after in tried(here) if state is State.DELIVERED]
    assert delivered == [0, SECOND_US, 2 * SECOND_US, 3 * SECOND_US]
    assert here.truth.tally("shop").told[State.DELIVERED] == 1


def test_where_the_first_is_not_heard_its_copy_tells() -> None:
    here = ruled(Rule("it", CALLBACK, (Duplicate(1, DAY_US),), When(states=(State.DELIVERED,))))
    made = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    advance(here, answer=lambda call: OK if call.again else UNREACHABLE)
    kept = here.store.get(made.key)
    assert kept is not None
    assert kept.told is State.DELIVERED
    assert kinds(here, made.key)[-4:] == [
        *("CallbackTried", "CallbackAbandoned", "CallbackTried", "Told")
    ]


def test_an_overtaken_callback_comes_after_the_next_one() -> None:
    here, message = one(CALLBACK, Reorder(DAY_US), when=When(states=(State.SENT,)))
    assert [state for state, _ in tried(here)] == [State.SENDING, State.DELIVERED, State.SENT]
    assert message.told is State.DELIVERED


def test_what_nothing_overtakes_comes_in_the_end() -> None:
    here = ruled(Rule("it", CALLBACK, (Reorder(HOUR_US),)))
    made = send(here, sms(notify=1 << State.SENT, callback_url=URL))
    advance(here)
    (sent,) = [f for f in facts(here) if isinstance(f, ev.CallbackTried)]
    kept = here.store.get(made.key)
    assert kept is not None
    assert sent.at_us == kept.sent_us + HOUR_US
    assert not here.store.live


def test_a_held_callback_is_not_forgotten_when_the_rules_are_taken_away() -> None:
    here = ruled(Rule("it", CALLBACK, (Reorder(HOUR_US),)))
    made = send(here, sms(notify=1 << State.SENT, callback_url=URL))
    advance(here, START_US + 60 * SECOND_US)
    here.gateway.submit(SetRules(()), START_US + 60 * SECOND_US)
    advance(here)
    assert kinds(here, made.key).count("Told") == 1
    assert not here.store.live


@pytest.mark.parametrize("forgery", [Forgery.WRONG, Forgery.STALE])
@pytest.mark.parametrize("gone", [0.0, 1.0])
def test_two_lies_come_about_an_end_and_the_truth_between_them(
    forgery: Forgery, gone: float
) -> None:
    here = ruled(Rule("it", CALLBACK, (Corrupt(forgery),)), gone=gone)
    seen: list[tuple[State, Forgery]] = []

    def note(call: Call) -> Outcome:
        seen.append((call.state, call.forged))
        return OK

    made = send(here, sms(notify=EVERY_STATE, callback_url=URL))
    advance(here, answer=note)
    truth = State.UNDELIVERED if gone else State.DELIVERED
    lie = State.DELIVERED if gone else State.FAILED
    assert seen[2:] == [(lie, forgery), (truth, Forgery.NONE), (lie, forgery)]
    kept = here.store.get(made.key)
    assert kept is not None
    assert kept.told is truth
    assert here.firings.forged == {(OutcomeKind.ANSWERED, 2): 2}
    assert here.truth.tally("shop").callbacks == 3


def test_a_forged_call_is_not_repeated() -> None:
    here = ruled(Rule("it", CALLBACK, (Corrupt(Forgery.WRONG),)))
    made = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    advance(here, answer=lambda call: UNREACHABLE if call.forged else OK)
    assert kinds(here, made.key).count("ForgeryTried") == 2
    assert not here.store.live


def test_a_webhook_about_what_a_person_wrote_can_be_lost() -> None:
    here = ruled(Rule("it", CALLBACK, (Lose(),), When(states=(State.RECEIVED,))))
    here.gateway.submit(Configure(account(inbound_url=URL)), START_US)
    here.gateway.submit(Inject("shop", phone(1), "12345", "Hello"), START_US)
    assert here.gateway.take_effects() == []
    assert kinds(here)[-2:] == ["Received", "RuleFired"]
    assert not here.store.live


def test_several_verdicts_go_together() -> None:
    here, message = one(
        CALLBACK,
        Delay(HOUR_US, HOUR_US),
        Duplicate(1, 5 * SECOND_US),
        Corrupt(Forgery.WRONG),
        when=When(states=(State.DELIVERED,)),
    )
    genuine = [after for state, after in tried(here) if state is State.DELIVERED]
    assert genuine == [HOUR_US + SECOND_US, HOUR_US + 6 * SECOND_US]
    (fired,) = [f for f in facts(here) if isinstance(f, ev.RuleFired)]
    assert fired.verdict == "delay+duplicate+corrupt"
    assert message.told is State.DELIVERED


def test_a_rule_that_fires_is_in_the_timeline() -> None:
    here, message = one(RECEIPT, Lose())
    (fired,) = [f for f in here.inbox.timeline(message) if isinstance(f, ev.RuleFired)]
    assert (fired.rule, fired.seam, fired.verdict) == ("it", RECEIPT, "lose")
