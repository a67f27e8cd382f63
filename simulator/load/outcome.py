"""What came of a load: the part of each worker, their sum, and what it proves.

The one rule: a part is a running total, never a difference. A part that comes twice or out of order
changes nothing, one that is lost is made good by the next, and the last one of a worker that was
killed still stands. The sum of the parts is the outcome, count by count and cell by cell.

    worker: Part, every few seconds -> merging.newest -> merging.merge -> Outcome -> outcome.json
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from simulator.errors import ProvesNothing

if TYPE_CHECKING:
    from pathlib import Path

# How a request ended. Every one that has started ends in one of these, or is in flight.
OK, THROTTLED, REJECTED, BROKEN = "2xx", "429", "4xx", "5xx"
OPTED_OUT = "opted out"  # a refusal that is right: the recipient has said STOP
REFUSED, TIMEOUT, OTHER = "refused connection", "timeout", "other"
RESULTS = (OK, OPTED_OUT, THROTTLED, REJECTED, BROKEN, REFUSED, TIMEOUT, OTHER)

# The histograms. Of what finished in the load itself, not in its warm-up.
API = "api"  # from the intended instant to the end of the answer: what a caller lives through
SERVICE = "service"  # from the sending: what a closed loop would report
LATENESS = "lateness"  # from the intended instant to the sending: the generator's own part
POLL = "poll"  # polls and claims beside the arrivals, from their own intended instant

CODES_MAX = 100  # different (status, code) that are told apart


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read strictly: an unknown key is an error."""


class Counts(_Strict, frozen=True):
    """Arrivals: scheduled = started + dropped + not yet either; started = results + in flight.

    `scheduled` are those whose instant has come; `late` ones were started all the same.
    """

    scheduled: int = 0
    started: int = 0
    late: int = 0
    dropped: int = 0
    results: dict[str, int] = {}

    @property
    def finished(self) -> int:
        """How many requests have ended, in any way."""
        return sum(self.results.values())

    @property
    def failed(self) -> int:
        """How many have neither been taken nor been refused because of an opt-out."""
        return self.finished - sum(self.results.get(name, 0) for name in (OK, OPTED_OUT))


class Crowd(_Strict, frozen=True):
    """Arrivals of the load that found every place in flight taken.

    Attributes:
        late, dropped: what became of them.
        oldest_us: how long, at worst, the oldest request had then been without its answer.
        lag_us: how late, at worst, the worker's own loop woke meanwhile.
    """

    late: int = 0
    dropped: int = 0
    oldest_us: int = 0
    lag_us: int = 0


class Tick(_Strict, frozen=True):
    """One second of one worker. `second`: since the start of the load, negative in the warm-up.

    `scheduled` counts by the intended instant, `started` by the sending, `finished`, `failed` and
    `cells` (API time: `Histogram.sparse`) by the answer; `in_flight` is at the end of the second.
    """

    second: int
    scheduled: int = 0
    started: int = 0
    finished: int = 0
    failed: int = 0
    dropped: int = 0
    in_flight: int = 0
    cells: tuple[tuple[int, int], ...] = ()


class Health(_Strict, frozen=True):
    """The generator itself in one second: share of a core, and how late its loop woke at worst."""

    second: int
    cpu: float
    lag_us: int


class Clock(_Strict, frozen=True):
    """Another clock, read from here: at `at_us` (epoch, ours) it showed `there_us`.

    It runs at `rate` (1: real time); the reading is right within `uncertainty_us` of real time:
    half the quickest of ten round trips.
    """

    at_us: int
    there_us: int
    rate: float
    uncertainty_us: int

    def there(self, ours_us: int) -> int:
        """Return what it shows at an instant of ours (epoch us)."""
        return self.there_us + round((ours_us - self.at_us) * self.rate)


class Part(_Strict, frozen=True):
    """One worker's running totals.

    Attributes:
        worker, workers: its share of the schedule: arrival n is worker n mod workers's.
        name: what locust calls it.
        seq: rises from report to report.
        started_at_us: the start of the load, in the epoch of this worker's own clock.
        load, warm: its arrivals, and those of the warm-up.
        codes: "status code" of refusals and failures, to their number.
        in_flight, waiting: requests under way; arrivals whose instant has come and that wait.
        histograms: by name, encoded.
        ticks, health: the seconds that have changed since its last report.
        clock: the run's clock, as read from this worker; None: not measured.
        done: all its arrivals are over.
        start_uncertainty_us: how far its start may be from the master's; 0: one process.
        crowd: what came while all its places in flight were taken.
    """

    run: str
    worker: int
    workers: int
    name: str
    seq: int
    started_at_us: int
    load: Counts
    warm: Counts
    codes: dict[str, int]
    in_flight: int
    waiting: int
    histograms: dict[str, str]
    ticks: tuple[Tick, ...]
    health: tuple[Health, ...]
    clock: Clock | None = None
    done: bool = False
    start_uncertainty_us: int = 0
    crowd: Crowd = Crowd()


class Second(_Strict, frozen=True):
    """One second of all workers; see `Tick`. Latencies are API times of what it has finished."""

    second: int
    scheduled: int
    started: int
    finished: int
    failed: int
    dropped: int
    in_flight: int
    p50_us: int
    p99_us: int


class Latency(_Strict, frozen=True):
    """A histogram for people who have no HDR library: microseconds."""

    count: int
    mean_us: float
    p50_us: int
    p90_us: int
    p99_us: int
    p999_us: int
    max_us: int


class Worker(_Strict, frozen=True):
    """One worker in the outcome; see `Part`."""

    worker: int
    name: str
    started_at_us: int
    lost: bool
    done: bool
    load: Counts
    histograms: dict[str, str]
    health: tuple[Health, ...]
    clock: Clock | None
    start_uncertainty_us: int = 0
    crowd: Crowd = Crowd()


class Outcome(_Strict, frozen=True):
    """The whole load, as the master wrote it.

    Attributes:
        started_at_us, ended_at_us: of the load, in the epoch of the master's clock.
        ended: `finished`: the schedule was; `stopped`: by a person or a limit; `lost`: a worker.
        expected, reported: workers the load was to have, and workers that were heard of.
        lost: names of workers that were not heard of until the end.
        unproven: why the run proves nothing; empty: it proves what it shows.
    """

    run: str
    seed: int
    against: str
    url: str
    started_at_us: int
    ended_at_us: int
    ended: Literal["finished", "stopped", "lost"]
    load: Counts
    warm: Counts
    codes: dict[str, int]
    in_flight: int
    waiting: int
    histograms: dict[str, str]
    latency: dict[str, Latency]
    seconds: tuple[Second, ...]
    workers: tuple[Worker, ...]
    expected: int
    reported: int
    lost: tuple[str, ...]
    unproven: tuple[str, ...] = ()
    version: Literal[1] = 1


def read(path: Path) -> Outcome:
    """Read an outcome from its file.

    Raises:
        ProvesNothing: it is not there, or is none: the load did not come to its end.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Outcome)
    except FileNotFoundError:
        raise ProvesNothing(f"the load left no outcome: there is no {path}") from None
    except (OSError, ValueError) as error:
        raise ProvesNothing(f"the load left no outcome: {path}: {error}") from None


def write(outcome: Outcome, path: Path) -> None:
    """Write an outcome to its file, all of it or nothing."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(msgspec.json.encode(outcome))
    draft.replace(path)
