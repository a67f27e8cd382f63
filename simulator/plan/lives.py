"""Lives in columns: what `engine/steps.py` decides step by step, decided for many at once.

Every decision here is intrinsic: the same draw, from the same key, as the engine's. The one thing
that is contended, when a message leaves the provider's queue, is an argument (`sending_us`).
What rules, cancelations and callbacks do to a life is the engine's alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.carrier import (
    CARRIER_ACK_DEN,
    CARRIER_ACK_NUM,
    CONGESTION,
    CONGESTION_RETRY_US,
    NO_ROUTE,
    QUEUE_US,
)
from simulator.core.cause import Cause
from simulator.core.chance import Purpose, below_many, draw64_many, stream_of, threshold
from simulator.core.message import State
from simulator.core.person import reaction_streams
from simulator.plan.handset import absent_many

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.core.carrier import Carrier
    from simulator.core.person import Persona, ReactionStreams
    from simulator.plan.people import Crowd

    Keys = NDArray[np.uint64]
    Instants = NDArray[np.int64]

_CONGESTED = threshold(CONGESTION.value)


@dataclass(frozen=True, slots=True)
class Lives:
    """What became of messages, one row each; instants are microseconds since 1970, 0 for never.

    Attributes:
        state, cause, fate_us: what happened at the handset (a failure: at the provider).
        known_us: when the provider knew; sent_us: when the carrier had taken it.
        attempts: tries at the handset; of what expired, those that failed.
        stops: the reply says STOP.
    """

    state: NDArray[np.uint8]
    cause: NDArray[np.uint8]
    attempts: NDArray[np.int16]
    sending_us: Instants
    sent_us: Instants
    fate_us: Instants
    known_us: Instants
    noticed_us: Instants
    opened_us: Instants
    clicked_us: Instants
    replied_us: Instants
    stops: NDArray[np.bool_]

    @staticmethod
    def empty(rows: int) -> Lives:
        """Make room for so many."""
        small = {"state": np.uint8, "cause": np.uint8, "attempts": np.int16, "stops": np.bool_}
        return Lives(**{f.name: np.zeros(rows, small.get(f.name, np.int64)) for f in fields(Lives)})

    def put(self, rows: NDArray[np.intp] | slice, some: Lives) -> None:
        """Write some rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(some, field.name)


@dataclass(frozen=True, slots=True)
class Laws:
    """What is the same for every message of a plan.

    Attributes:
        can_reply: replies can come back; has_link: the text has a link.
        validity_us: the client's own; 0: none.
    """

    seed: int
    can_reply: bool = True
    has_link: bool = False
    validity_us: int = 0

    def draws(self, purpose: Purpose, keys: Keys, nth: int = 0) -> NDArray[np.uint64]:
        """Draw one decision for many keys."""
        return draw64_many(stream_of(self.seed, purpose), keys, nth)


def lived(
    laws: Laws, crowd: Crowd, fates: Keys, begins_us: Instants, sending_us: Instants | None = None
) -> Lives:
    """Live the messages of a crowd, one to each.

    Args:
        laws: of the world.
        crowd: whom they are for.
        fates: the fate key of each.
        begins_us: when each was accepted.
        sending_us: when each left the provider's queue; None: there is nobody before it.
    """
    if sending_us is None:
        sending_us = begins_us + QUEUE_US
    out = Lives.empty(len(fates))
    kind = crowd.carrier.astype(np.int64) * len(crowd.personas) + crowd.persona
    for each in np.unique(kind):
        place, who = divmod(int(each), len(crowd.personas))
        rows = np.flatnonzero(kind == each)
        group = _Group(laws, crowd.carriers[place], crowd.personas[who])
        some = Lives.empty(len(rows))
        group.live(some, crowd.persons[rows], fates[rows], begins_us[rows], sending_us[rows])
        out.put(rows, some)
    return out


@dataclass(frozen=True, slots=True)
class _Group:
    """People of one kind on one carrier: every limit and law is one number."""

    laws: Laws
    carrier: Carrier
    persona: Persona

    def live(
        self, out: Lives, persons: Keys, fates: Keys, begins_us: Instants, sending_us: Instants
    ) -> None:
        """Fill in the rows of a group."""
        if self.carrier is NO_ROUTE:
            _fail(out, np.arange(len(fates)), sending_us, Cause.NO_ROUTE)
            return
        goes = np.ones(len(fates), dtype=np.bool_)
        if self.laws.validity_us:
            goes = sending_us <= begins_us + self.laws.validity_us
            late = np.flatnonzero(~goes)
            _fail(out, late, sending_us[late], Cause.TOO_LATE)
        rows = np.flatnonzero(goes)
        out.sending_us[rows] = sending_us[rows]
        transit = self.carrier.transit.at_many(self.laws.draws(Purpose.TRANSIT, fates[rows]))
        ack = transit * CARRIER_ACK_NUM // CARRIER_ACK_DEN
        out.sent_us[rows] = sending_us[rows] + 1 + ack
        at_us = sending_us[rows] + 2 + transit
        self._at_handset(out, rows, persons, fates, begins_us, at_us)
        self._known(out, rows, fates)
        self._react(out, fates)

    def _at_handset(  # noqa: PLR0913, PLR0917 - the columns that decide
        self,
        out: Lives,
        rows: NDArray[np.intp],
        persons: Keys,
        fates: Keys,
        begins_us: Instants,
        at_us: Instants,
    ) -> None:
        """Try the handsets by the carrier's schedule, until each life has its fate."""
        laws, persona = self.laws, self.persona
        for purpose, limit, cause in (
            (Purpose.GONE, persona.gone, Cause.NOT_IN_USE),
            (Purpose.REFUSES, persona.refuses, Cause.REFUSED),
        ):
            hit = below_many(laws.draws(purpose, persons[rows]), limit)
            _end(out, rows[hit], at_us[hit], State.UNDELIVERED, cause)
            rows, at_us = rows[~hit], at_us[~hit]
        nth = 0
        while len(rows):
            jam = below_many(laws.draws(Purpose.CONGESTION, fates[rows], nth), _CONGESTED)
            fails = jam | absent_many(persona.away, persons[rows], at_us)
            there = rows[~fails]
            _end(out, there, at_us[~fails], State.DELIVERED, Cause.NONE)
            out.attempts[there] = nth + 1
            rows, at_us, jam = rows[fails], at_us[fails], jam[fails]
            rows, at_us = self._again(out, rows, begins_us[rows], at_us, jam, nth)
            nth += 1

    def _again(  # noqa: PLR0913, PLR0917 - as above
        self,
        out: Lives,
        rows: NDArray[np.intp],
        begins_us: Instants,
        at_us: Instants,
        jam: NDArray[np.bool_],
        nth: int,
    ) -> tuple[NDArray[np.intp], Instants]:
        """Plan what was not reached once more; return what has another try, and when."""
        carrier = self.carrier
        cause = np.where(jam, np.uint8(Cause.CONGESTION), np.uint8(Cause.ABSENT))
        if carrier.retries is not None and nth >= carrier.retries:
            _end(out, rows, at_us, State.UNDELIVERED, cause)
            return rows[:0], at_us[:0]
        out.attempts[rows] = nth + 1
        gap = carrier.retry_us[min(nth, len(carrier.retry_us) - 1)]
        again_us = at_us + np.where(jam, CONGESTION_RETRY_US, gap)
        deadline = begins_us + carrier.validity_us
        over = again_us > deadline
        end_us = np.maximum(deadline, at_us + 1)
        _end(out, rows[over], end_us[over], State.EXPIRED, cause[over])
        return rows[~over], again_us[~over]

    def _known(self, out: Lives, rows: NDArray[np.intp], fates: Keys) -> None:
        """Let the provider know."""
        bits = self.laws.draws(Purpose.RECEIPT_DELAY, fates[rows])
        good, bad = self.carrier.receipt_delivered, self.carrier.receipt_failed
        late = np.where(out.state[rows] == State.DELIVERED, good.at_many(bits), bad.at_many(bits))
        out.known_us[rows] = out.fate_us[rows] + 1 + late

    def _react(self, out: Lives, fates: Keys) -> None:
        """Let people notice, open, reply, click: `core/person.react`."""
        persona, streams = self.persona, reaction_streams(self.laws.seed)

        def among(rows: NDArray[np.intp], stream: int, limit: int) -> NDArray[np.bool_]:
            return below_many(draw64_many(stream, fates[rows]), limit)

        rows = np.flatnonzero(out.state == State.DELIVERED)
        rows = rows[among(rows, streams.noticed, persona.noticed)]
        delay = persona.notice_delay.at_many(draw64_many(streams.notice_delay, fates[rows]))
        out.noticed_us[rows] = out.fate_us[rows] + 1 + delay
        rows = rows[among(rows, streams.opened, persona.opened_of_noticed)]
        delay = persona.open_delay.at_many(draw64_many(streams.open_delay, fates[rows]))
        out.opened_us[rows] = out.noticed_us[rows] + 1 + delay
        if self.laws.can_reply:
            self._reply(out, rows, fates, streams)
        if self.laws.has_link:
            rows = rows[among(rows, streams.clicks, persona.clicks_of_opened)]
            delay = persona.click_delay.at_many(draw64_many(streams.click_delay, fates[rows]))
            out.clicked_us[rows] = out.opened_us[rows] + 1 + delay

    def _reply(
        self, out: Lives, rows: NDArray[np.intp], fates: Keys, streams: ReactionStreams
    ) -> None:
        """Let people reply, who have opened before."""
        persona = self.persona

        def among(stream: int, limit: int) -> NDArray[np.bool_]:
            return below_many(draw64_many(stream, fates[rows]), limit)

        stops = among(streams.stops, persona.stops_of_opened)
        replies = stops | among(streams.replies, persona.replies_of_opened)
        rows, stops = rows[replies], stops[replies]
        delay = persona.reply_delay.at_many(draw64_many(streams.reply_delay, fates[rows]))
        out.replied_us[rows] = out.fate_us[rows] + 3 + delay
        out.stops[rows] = stops
        out.opened_us[rows] = np.minimum(out.opened_us[rows], out.replied_us[rows] - 1)
        out.noticed_us[rows] = np.minimum(out.noticed_us[rows], out.opened_us[rows] - 1)


def _fail(out: Lives, rows: NDArray[np.intp], at_us: Instants, cause: Cause) -> None:
    """Fail at the provider, which knows it at once."""
    _end(out, rows, at_us, State.FAILED, cause)
    out.known_us[rows] = at_us


def _end(
    out: Lives,
    rows: NDArray[np.intp],
    at_us: Instants,
    state: State,
    cause: Cause | NDArray[np.uint8],
) -> None:
    out.state[rows], out.cause[rows], out.fate_us[rows] = state, cause, at_us
