"""What a run keeps in its folder for being judged again: `run.json`, beside the log and the claims.

    people.csv scenario.yaml events.bin commands.bin claims.json sut.log run.json (report.json)

The one rule: claims prove something about one run only. A document that names another run
(`TODOKU_RUN`), or that is byte for byte the claims of an earlier run in this folder to whose
system other things had been told, is a copy.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from simulator import strict_yaml
from simulator.errors import ProvesNothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from simulator.verify.facts import Fact

FILE = "run.json"
SCENARIO = "scenario.yaml"
SCHEMA = "todoku/run/1"
EARLIER_MAX = 100
JUDGED_ANEW = ("version", "name", "title", "seed", "sut", "plan", "policy", "expect")


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run went, apart from what the world knows.

    Attributes:
        stragglers: requests that came after their instant had been left.
        cut: it ended before its horizon and its claims.
        stopped: the expectation that it was stopped for (`abort_after`), or nothing.
        invalid: why it proves nothing, as far as that was seen while it ran.
    """

    stragglers: int = 0
    cut: bool = False
    interrupted: bool = False
    stopped: str = ""
    invalid: tuple[str, ...] = ()


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier run in the same folder; digests of its claims and of what was told it."""

    run: str
    began: str
    claims: str
    told: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`; `digest` is the log's, `recorded` the recording's size, `seed` the one used.

    `sections`: digests of the scenario's, but of those that a run may be judged by anew.
    """

    schema: str = SCHEMA
    run: str
    began: str
    todoku: str
    seed: int
    digest: str
    recorded: int
    claims: str = ""
    told: str = ""
    sections: dict[str, str] = {}
    ended: Ended
    earlier: tuple[Earlier, ...] = ()


def read_kept(folder: Path) -> Kept:
    """Return what the run in a folder kept.

    Raises:
        ProvesNothing: there is none that can be read.
    """
    try:
        data = (folder / FILE).read_bytes()
    except OSError:
        raise ProvesNothing(f"{folder} holds no finished run: there is no {FILE}") from None
    try:
        kept = msgspec.json.decode(data, type=Kept)
    except msgspec.DecodeError as error:
        raise ProvesNothing(f"{folder / FILE} cannot be read: {error}") from None
    if kept.schema != SCHEMA:
        raise ProvesNothing(f"{folder / FILE} is {kept.schema!r}; this Todoku reads {SCHEMA!r}")
    return kept


def earlier_in(folder: Path) -> tuple[Earlier, ...]:
    """Return the runs that were in this folder before, the latest last."""
    try:
        kept = read_kept(folder)
    except ProvesNothing:
        return ()
    if not kept.claims:
        return kept.earlier
    last = Earlier(run=kept.run, began=kept.began, claims=kept.claims, told=kept.told)
    return (*kept.earlier, last)[-EARLIER_MAX:]


def sections_of(folder: Path) -> dict[str, str]:
    """Return what tells two scenarios of a folder apart, by section: its meaning, not its spelling.

    The seed is in `Kept`, as the command line may have said it.
    """
    tree = strict_yaml.parse((folder / SCENARIO).read_text("utf-8"), SCENARIO).tree
    found = tree if isinstance(tree, dict) else {}
    return {
        name: hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
        for name, value in found.items()
        if name not in JUDGED_ANEW
    }


def changed_since(kept: Kept, folder: Path) -> Iterator[str]:
    """Yield why a scenario is no longer the one that ran, if so."""
    now = sections_of(folder)
    names = [n for n in sorted({*kept.sections, *now}) if kept.sections.get(n) != now.get(n)]
    if kept.sections and names:
        said = f"{SCENARIO} is not the one that ran: {' and '.join(names)} changed since"
        yield f"{said} (what it is judged by may change: policy and expect)"


def digest_of_claims(data: bytes) -> str:
    """Return what tells two documents apart."""
    return hashlib.sha256(data).hexdigest()


def digest_of_told(facts: Iterable[Fact]) -> str:
    """Return what tells two runs apart by what their systems could know."""
    rows = sorted((f.own_id, f.provider_id, f.to, int(f.told), f.units, f.micros) for f in facts)
    return hashlib.sha256(msgspec.msgpack.encode(rows)).hexdigest()


class _Named(msgspec.Struct):
    run: str = ""


def copies(data: bytes, told: str, run: str, earlier: Iterable[Earlier]) -> Iterator[str]:
    """Say why claims are not of this run, if they are not.

    Args:
        data: the claims as they came.
        told: `digest_of_told` of this run.
        run: this run's id; the claims may name it.
        earlier: the runs before it in its folder.
    """
    try:
        named = msgspec.json.decode(data, type=_Named).run
    except (msgspec.DecodeError, UnicodeDecodeError):
        named = ""  # whatever it is, it names no run
    if named and named != run:
        yield f"the claims are of run {named[:64]!r}, not of this one ({run!r})"
        return
    digest = digest_of_claims(data)
    for before in earlier:
        if before.claims == digest and before.told != told:
            yield (
                f"the claims are a copy: byte for byte those of run {before.run!r} "
                f"({before.began}), to which other things had been told"
            )
            return
