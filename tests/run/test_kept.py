"""Claims prove something about one run only: leftovers are told from honest repetitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from simulator.errors import ProvesNothing
from simulator.run.kept import (
    EARLIER_MAX,
    FILE,
    Earlier,
    Ended,
    Kept,
    copies,
    digest_of_claims,
    earlier_in,
    read_kept,
)

if TYPE_CHECKING:
    from pathlib import Path

CLAIMS = b'{"currency": "JPY", "messages": [], "totals": {}}'
BEFORE = Earlier(run="old", began="then", claims=digest_of_claims(CLAIMS), told="A")


def kept(**fields: object) -> Kept:
    plain = {"run": "r", "began": "b", "todoku": "0", "seed": 1, "digest": "d", "recorded": 0}
    return msgspec.convert({**plain, "ended": Ended(), **fields}, Kept)


def put(folder: Path, found: Kept) -> None:
    (folder / FILE).write_bytes(msgspec.json.encode(found))


def test_the_same_bytes_for_other_facts_are_a_copy() -> None:
    (why,) = copies(CLAIMS, "B", "new", [BEFORE])
    assert why.startswith("the claims are a copy: byte for byte those of run 'old' (then)")


def test_the_same_bytes_for_the_same_facts_are_what_the_same_seed_gives() -> None:
    assert not list(copies(CLAIMS, "A", "new", [BEFORE]))


def test_other_bytes_are_no_copy() -> None:
    assert not list(copies(CLAIMS + b" ", "B", "new", [BEFORE]))


@pytest.mark.parametrize(("named", "wrong"), [("new", False), ("old", True), ("", False)])
def test_claims_may_name_their_run_and_must_then_name_this_one(named: str, wrong: bool) -> None:
    data = json.dumps({"run": named, "currency": "JPY"}).encode()
    assert bool(list(copies(data, "A", "new", []))) is wrong


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"run": 5}', b"a,b\n1,2\n"])
def test_what_is_no_such_document_names_no_run(data: bytes) -> None:
    assert not list(copies(data, "A", "new", []))


def test_a_folder_remembers_its_last_runs_and_not_for_ever(tmp_path: Path) -> None:
    assert earlier_in(tmp_path) == ()
    put(tmp_path, kept(claims="c", told="t", earlier=(BEFORE,) * EARLIER_MAX))
    found = earlier_in(tmp_path)
    assert len(found) == EARLIER_MAX
    assert found[-1] == Earlier(run="r", began="b", claims="c", told="t")
    put(tmp_path, kept(earlier=(BEFORE,)))  # it made no claims
    assert earlier_in(tmp_path) == (BEFORE,)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"schema": "todoku/run/9"}', b"[" * 5000])
def test_a_folder_whose_record_cannot_be_read_proves_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(ProvesNothing):
        read_kept(tmp_path)
    assert earlier_in(tmp_path) == ()
