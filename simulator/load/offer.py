"""The offer: everything a load is, as one document that every worker reads the same way.

The one rule: what arrival n is (its instant, account, recipient and own id) is a function of the
offer and n, so N workers replay the same load without asking each other.

    todoku load writes offer.json -> `locust -f loadtests/gateway.py --offer offer.json`
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec
import numpy as np

from simulator.core.chance import draw64_many, stream_named
from simulator.errors import ProvesNothing, UsageError
from simulator.load.shape import Constant, Shape, check, first_rate, intended

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION: Literal[1] = 1
_ACCOUNT = "account of an arrival"
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Natural = Annotated[int, msgspec.Meta(ge=0)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]
_WARM = 0xA1  # the warm-up of a Poisson load is drawn apart from it


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read strictly: an unknown key is an error."""


class Account(_Strict, frozen=True):
    """An account of the gateway that sends.

    Attributes:
        dialect: how it speaks.
        id: Twilio's AccountSid, 絶対リーチ!'s clientId, the native account.
        secret: of that id.
        sender: From; empty where the dialect needs none.
        weight: its share of the arrivals, any scale; 0: it sends nothing.
    """

    dialect: Literal["native", "twilio", "zettai_reach"]
    id: str
    secret: str
    sender: str = ""
    weight: _Amount = 1.0


class Ask(_Strict, frozen=True):
    """A request to a system under test.

    Attributes:
        method: POST, GET and so on.
        path: from the system's root.
        body: JSON text, or empty; `"$recipients"` in it (with its quotes) becomes the numbers,
            and `$arrival` the arrival's own id.
        every_us: for polls and claims: real time between two of them; 0: each is an arrival.
    """

    method: str
    path: str
    body: str = ""
    every_us: _Natural = 0


class SystemAsks(_Strict, frozen=True):
    """What a load asks of a system under test; each arrival is one `start`.

    Attributes:
        start: starts a campaign for `batch` recipients.
        batch: how many recipients one start is given, 1 or more.
        polls: asked beside it, each at its own pace (an operator's page, the claims).
    """

    start: Ask
    batch: _Positive = 1
    polls: tuple[Ask, ...] = ()


class Offer(_Strict, frozen=True):
    """A load. All durations are real time.

    Attributes:
        run: the run's id: own ids begin with it, so it is another one each time.
        seed: draws Poisson arrivals and the account of each.
        against: the gateway, or a system under test (which `system` then describes); callbacks to
            one come from the simulator itself, and no worker reads such an offer.
        url: `http://host:port` of what is loaded.
        shape: the arrivals that count.
        accounts: who sends; none against a system.
        warm_up_us, warm_up_rate: arrivals before the load starts, counted apart; None: first rate.
        in_flight: most requests under way, for each worker.
        late_after_ms: an arrival that begins later than that after its instant is late.
        late_at_most: share of late arrivals up to which the run proves something.
        drop_after_ms: an arrival that still waits after that long is dropped.
        dropped_at_most: share of dropped arrivals up to which the run proves something.
        queue: most arrivals that wait, for each worker; one more is dropped.
        timeout_s: of a request, from its sending.
        refused: whether a target that refuses connections fails or proves nothing.
        people: path of the recipients' CSV (number,...); empty: fictional numbers.
        texts: bodies, in turn.
        callback: where receipts are to be told (StatusCallback); empty: nowhere.
        clock_url, token: the clock of the run, for offsets between machines; empty: not measured.
        system: what is asked of a system under test.
        workers: how many are expected; the load does not start with fewer.
        out: the folder for books and the outcome; empty: none are written.
    """

    run: str
    seed: int
    url: str
    shape: Shape
    against: Literal["gateway", "system", "callbacks"] = "gateway"
    accounts: tuple[Account, ...] = ()
    warm_up_us: _Natural = 0
    warm_up_rate: _Amount | None = None
    in_flight: _Positive = 1200
    late_after_ms: _Amount = 100.0
    late_at_most: _Share = 0.01
    drop_after_ms: _Amount = 5_000.0
    dropped_at_most: _Share = 0.0
    queue: _Natural = 100_000
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    refused: Literal["fail", "proves-nothing"] = "fail"
    people: str = ""
    texts: tuple[str, ...] = ("Your appointment is tomorrow at 3 pm. Reply STOP to opt out.",)
    callback: str = ""
    clock_url: str = ""
    token: str = ""
    system: SystemAsks | None = None
    workers: _Positive = 1
    out: str = ""
    version: Literal[1] = VERSION


class Schedule(NamedTuple):
    """All arrivals of an offer; those before number `warm` are the warm-up's.

    `times_us`: from the start of the load, so negative in the warm-up; sorted.
    """

    times_us: NDArray[np.int64]
    warm: int


def schedule(offer: Offer) -> Schedule:
    """Return every arrival of an offer, warm-up first.

    Raises:
        UsageError: the shape cannot be.
    """
    check(offer.shape)
    times = intended(offer.shape, offer.seed)
    rate = first_rate(offer.shape) if offer.warm_up_rate is None else offer.warm_up_rate
    before = intended(Constant(rate, offer.warm_up_us), offer.seed ^ _WARM) - offer.warm_up_us
    return Schedule(np.concatenate((before, times)), before.size)


def accounts_of(offer: Offer, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of the offer's accounts each arrival is of, by a draw over the weights.

    Args:
        offer: with one account at least of a weight above 0.
        numbers: of arrivals.
    """
    weights = np.array([account.weight for account in offer.accounts])
    if not weights.size or not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise UsageError("expected an account at least, each of a finite weight of 0 or more")
    if not weights.sum():
        raise UsageError("expected an account of a weight above 0: all have 0, so nobody sends")
    bits = draw64_many(stream_named(offer.seed, _ACCOUNT), numbers.astype(np.uint64))
    uniform = (bits >> np.uint64(11)) * 2.0**-53
    limits = np.cumsum(weights) / weights.sum()
    sends = np.flatnonzero(weights)[-1]  # rounding must not choose one of weight 0
    found: NDArray[np.int64] = np.searchsorted(limits, uniform, side="right").astype(np.int64)
    found[found > sends] = sends
    return found


def own_id(run: str, n: int) -> str:
    """Return the client's own id of arrival n."""
    return f"{run}-{n}"


class Turn(NamedTuple):
    """Whose turn it is at an arrival: `k` earlier arrivals of this load had the same recipient."""

    place: int
    k: int


def turn(n: int, people: int) -> Turn:
    """Return the place in the list of recipients of arrival n: nobody twice before all had one."""
    k, place = divmod(n, people)
    return Turn(place, k)


def read_people(path: Path) -> tuple[str, ...]:
    """Return the numbers of a list of recipients, as they are written, in its order.

    Raises:
        UsageError: the file cannot be read, or has no column `number`.
        ProvesNothing: it has no row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if "number" not in (rows.fieldnames or ()):
                raise UsageError(f"{path}: expected a CSV with a column `number`")
            numbers = tuple(row["number"] for row in rows if row["number"])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as a CSV of recipients: {error}") from None
    if not numbers:
        raise ProvesNothing(f"{path} lists no recipients: nothing can be sent")
    return numbers


def people_of(offer: Offer) -> tuple[str, ...] | None:
    """Return the numbers of an offer's recipients; None: it names no list. See `read_people`."""
    return read_people(Path(offer.people)) if offer.people else None


def read(path: Path) -> Offer:
    """Read an offer from its file.

    Raises:
        UsageError: it is not there, or is no offer.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Offer)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not an offer: {error}") from None


def write(offer: Offer, path: Path) -> None:
    """Write an offer to its file."""
    path.write_bytes(msgspec.json.encode(offer))
