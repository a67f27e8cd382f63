"""A world: one gateway with its views; and the worlds of a server, with the index of accounts.

World   seed, people, options -> gateway + its views;  reset makes it anew
Worlds  by name; an account belongs to exactly one; an unknown one is made in world `default`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.core.command import Configure, SetRules
from simulator.core.faults import AT_THE_EDGE
from simulator.core.people import People
from simulator.engine.agenda import Agenda
from simulator.engine.gateway import Gateway
from simulator.engine.log import Log, Recorded, View
from simulator.engine.store import Store
from simulator.views.audit import Audit
from simulator.views.firings import Firings
from simulator.views.inbox import Inbox
from simulator.views.ledger import Ledger
from simulator.views.metrics import Metrics
from simulator.views.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulator.core.command import Answer
    from simulator.core.faults import Rule
    from simulator.core.message import Account
    from simulator.core.people import Habits

DEFAULT = "default"
_EVENTS_PER_MESSAGE = 10


@dataclass(frozen=True, slots=True)
class Options:
    """What a world is made of.

    Attributes:
        seed: of all chance, 64 bits.
        habits: of the people, by country.
        by_content: message identity includes the body.
        retention: finished messages kept, 1 or more.
        sink: receives every encoded event.
        record: receives every command and outcome.
        also: makes further views, for who has a question of their own.
    """

    seed: int = 1
    habits: Mapping[str, Habits] = field(default_factory=dict)
    by_content: bool = False
    retention: int = 100_000
    sink: Callable[[bytes], object] | None = None
    record: Callable[[Recorded], None] | None = None
    also: Callable[[], Sequence[View]] = tuple


class World:
    """One provider with its people; see `Options`."""

    def __init__(self, name: str, options: Options) -> None:
        self.name, self.options = name, options
        self._build(epoch=0)

    def _build(self, epoch: int) -> None:
        options = self.options
        self.inbox, self.truth, self.metrics = Inbox(), Truth(), Metrics()
        self.ledger = Ledger(self.account)
        self.audit = Audit(self.account, self.ledger)
        self.firings = Firings()
        self.also = options.also()
        views: list[View] = [self.inbox, self.truth, self.metrics, self.ledger]
        views += [self.firings, self.audit, *self.also]
        self.log = Log(views, options.retention * _EVENTS_PER_MESSAGE, options.sink)
        self.store = Store(options.retention, self.log.forget)
        self.gateway = Gateway(
            People(options.seed, options.habits),
            self.log,
            self.store,
            Agenda(),
            by_content=options.by_content,
            epoch=epoch,
            record=options.record,
        )

    def account(self, name: str) -> Account:
        """Return an account of this world."""
        return self.store.shelves[name].account

    def configure(self, account: Account, now_us: int = 0) -> Answer:
        """Make or change an account; a `Rejection` where that cannot be now."""
        return self.gateway.submit(Configure(account), now_us)

    def reset(self) -> None:
        """Begin anew: no messages, no counters; accounts, their settings, rules and waits stay.

        Chance begins again too, while public ids do not come back.
        """
        accounts = [shelf.account for shelf in self.store.shelves.values()]
        waits = list(self.gateway.waits.values())
        now_us = self.gateway.now_us
        rules = self.rules()
        self._build(self.gateway.epoch + 1)
        self.gateway.now_us = now_us
        for account in accounts:
            self.gateway.submit(Configure(account), now_us)
        if rules:
            self.gateway.submit(SetRules(rules), now_us)
        for wait in waits:
            self.gateway.submit(wait, now_us)

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that hold, in their order."""
        ruling = self.gateway.ruling
        return () if ruling is None else tuple(live.rule for live in ruling.live)

    def faults(self) -> list[str]:
        """Return what is wrong with this world's books, in words; empty when all is well."""
        found = self.audit.violations()
        found += [f"view {name} failed: {error!r}" for name, error in self.log.detached]
        return found


class Worlds:
    """All worlds of a server.

    Args:
        make: builds a world by its name.
    """

    def __init__(self, make: Callable[[str], World]) -> None:
        self._make = make
        self.by_name: dict[str, World] = {}
        self.of_account: dict[str, World] = {}
        self.accounts: dict[str, Account] = {}
        self.concurrency: dict[str, int] = {}  # of the accounts that have such a limit
        self.ruled: set[str] = set()  # worlds with a rule for requests or replies
        self.world(DEFAULT)

    def world(self, name: str) -> World:
        """Return a world, made at first sight."""
        found = self.by_name.get(name)
        if found is None:
            found = self.by_name[name] = self._make(name)
        return found

    def remove(self, name: str) -> None:
        """Drop a world with its accounts; `default` stays."""
        assert name != DEFAULT, "the world of unknown accounts"
        self.ruled.discard(name)
        for account in self.by_name.pop(name).store.shelves:
            del self.of_account[account], self.accounts[account]

    def rule(self, rules: tuple[Rule, ...], world: str = DEFAULT, now_us: int = 0) -> None:
        """Let these rules, and no others, hold in a world that exists."""
        self.by_name[world].gateway.submit(SetRules(rules), now_us)
        if any(rule.seam in AT_THE_EDGE for rule in rules):
            self.ruled.add(world)
        else:
            self.ruled.discard(world)

    def configure(self, account: Account, world: str = DEFAULT, now_us: int = 0) -> World:
        """Make or change an account; one that exists stays in its world."""
        home = self.of_account.get(account.id) or self.world(world)
        refused = home.configure(account, now_us)
        assert refused is None, refused
        self.of_account[account.id] = home
        self.accounts[account.id] = account
        if account.concurrency >= 0:
            self.concurrency[account.id] = account.concurrency
        else:
            self.concurrency.pop(account.id, None)
        return home
