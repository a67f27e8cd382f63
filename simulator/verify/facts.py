"""The facts that claims are judged against: each accepted message as the judge knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.core.cause import Cause
from simulator.core.message import FINAL, State
from simulator.verify.columns import (
    Column,
    Table,
    Texts,
    TextsBuilder,
    batches,
    exact_sum,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_STATES, _CAUSES = {s.value: s for s in State}, {c.value: c for c in Cause}
FINALS = np.array(sorted(FINAL), np.int16)


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One accepted message as the judge knows it.

    Attributes:
        key: its identity in the log.
        own_id: the client's reference, empty where the provider was given none.
        provider_id: the provider's id for it.
        fate, known, told: at the handset, to the provider, to the customer.
        units: billed units by the account's policy in the state `told`; 0 if excluded or pending.
        micros: what it costs in the state `told`, fees included, tax excluded.
        policy: the billing policy's label, for people.
        one_failure: this provider tells its customers of every failure alike (絶対リーチ!:
            statusId 3), so that `undelivered` and `failed` are both right.
        cause: why it was not delivered, as told.
        accepted_us, told_us: when; 0 where unknown.
        text: a hash of its text; 0 where the text is forgotten.
        opted_out: whether the customer was told that this person opted out; None: not known.
    """

    key: int
    own_id: str
    provider_id: str
    to: str
    fate: State
    known: State
    told: State
    units: int
    micros: int
    currency: str
    policy: str
    one_failure: bool = False
    cause: Cause = Cause.NONE
    accepted_us: int = 0
    told_us: int = 0
    text: int = 0
    opted_out: bool | None = None


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What many facts have in common."""

    currency: str
    policy: str
    one_failure: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Facts(Table[Fact]):
    """Facts as columns; `terms` are indexes into `all_terms`, the rest as in `Fact`."""

    key: Column
    own_id: Texts
    provider_id: Texts
    to: Texts
    fate: Column
    known: Column
    told: Column
    cause: Column
    terms: Column
    opted_out: Column
    units: Column
    micros: Column
    accepted_us: Column
    told_us: Column
    text: Column
    all_terms: tuple[Terms, ...]

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> Facts:
        """Keep facts as columns; a table that is one already stays as it is."""
        if isinstance(facts, cls):
            return facts
        texts = (TextsBuilder(), TextsBuilder(), TextsBuilder())
        terms: dict[Terms, int] = {}
        keys: list[Column] = []
        smalls: list[Column] = []
        numbers: list[Column] = []
        for batch in batches(facts):
            for column, name in zip(texts, ("own_id", "provider_id", "to"), strict=True):
                column.add([getattr(fact, name) for fact in batch])
            keys.append(np.array([(f.key, f.text) for f in batch], np.uint64).T)
            smalls.append(np.array([_small(fact, terms) for fact in batch], np.int16).T)
            wide = [(f.units, f.micros, f.accepted_us, f.told_us) for f in batch]
            numbers.append(np.array(wide, np.int64).T)
        own, provider, to = (column.built() for column in texts)
        key, text = _columns(keys, 2, np.uint64)
        fate, known, told, cause, term, out = _columns(smalls, 6, np.int16)
        units, micros, accepted_us, told_us = _columns(numbers, 4, np.int64)
        return cls(
            *(key, own, provider, to, fate, known, told, cause, term, out),
            *(units, micros, accepted_us, told_us, text, tuple(terms)),
        )

    def __len__(self) -> int:
        return len(self.key)

    def row(self, index: int) -> Fact:
        """Return the fact at an index from 0."""
        terms, out = self.all_terms[self.terms[index]], int(self.opted_out[index])
        return Fact(
            key=int(self.key[index]),
            own_id=self.own_id[index],
            provider_id=self.provider_id[index],
            to=self.to[index],
            fate=_STATES[int(self.fate[index])],
            known=_STATES[int(self.known[index])],
            told=_STATES[int(self.told[index])],
            units=int(self.units[index]),
            micros=int(self.micros[index]),
            currency=terms.currency,
            policy=terms.policy,
            one_failure=terms.one_failure,
            cause=_CAUSES[int(self.cause[index])],
            accepted_us=int(self.accepted_us[index]),
            told_us=int(self.told_us[index]),
            text=int(self.text[index]),
            opted_out=None if out < 0 else bool(out),
        )

    def by_terms(self, holds: Callable[[Terms], bool]) -> Column:
        """Tell of which facts something holds that they have in common."""
        return np.array([holds(terms) for terms in self.all_terms], np.bool_)[self.terms]

    @property
    def currencies(self) -> list[str]:
        """The currencies that are billed."""
        return sorted({terms.currency for terms in self.all_terms})

    @property
    def untold(self) -> int:
        """Messages of which the provider knows a final state and the customer does not."""
        return int(np.count_nonzero(np.isin(self.known, FINALS) & (self.known != self.told)))

    @property
    def carrier_gap(self) -> int:
        """Messages of which the provider knows something else than what happened."""
        return int(np.count_nonzero((self.fate != State.NONE) & (self.fate != self.known)))

    @property
    def units_in_all(self) -> int:
        """The sum of what is due, in units."""
        return exact_sum(self.units)

    @property
    def micros_in_all(self) -> int:
        """The sum of what is due."""
        return exact_sum(self.micros)


def _small(fact: Fact, terms: dict[Terms, int]) -> tuple[int, ...]:
    mine = Terms(fact.currency, fact.policy, fact.one_failure)
    term = terms.setdefault(mine, len(terms))
    out = -1 if fact.opted_out is None else int(fact.opted_out)
    return (fact.fate, fact.known, fact.told, fact.cause, term, out)


def _columns(parts: Sequence[Column], count: int, kind: type[np.generic]) -> list[Column]:
    return [joined([part[which] for part in parts], kind).copy() for which in range(count)]
