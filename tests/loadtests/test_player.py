"""A share, played without locust: what cannot be written is said when the load is over."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("gevent", reason="extra [load] not installed")

from loadtests.clocks import now_us
from loadtests.player import Begin, Player, Told
from loadtests.wire import requests_of
from simulator.errors import ProvesNothing, UsageError
from simulator.load import offer as o
from simulator.load.outcome import OK
from simulator.load.shape import US, Constant
from tests.loadtests.loads import ACCOUNT, stub

FULL = Path("/dev/full")


def player(url: str, out: Path) -> Player:
    offer = o.Offer(
        run="r", seed=1, url=url, shape=Constant(50, US // 10), accounts=(ACCOUNT,), out=str(out)
    )
    told: list[Told] = []
    begin = Begin(offer, 0, 1, now_us())
    return Player(begin, "w", url, requests_of(offer, None), told.append)


@pytest.mark.skipif(not FULL.exists(), reason="no device that is full")
def test_a_disk_that_fills_up_does_not_end_the_load_but_makes_it_worthless(tmp_path: Path) -> None:
    with stub() as url, FULL.open("w") as full:
        made = player(url, tmp_path)
        made._book = full
        with pytest.raises(ProvesNothing, match="books cannot be written: No space left on device"):
            made.play()
        part = made.part()
        assert (part.done, part.load.results) == (True, {OK: 5})
        with pytest.raises(OSError, match="No space left"):
            full.close()


def test_a_book_that_cannot_be_begun_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match=f"cannot write to {file}/books-0.csv: "):
        player("http://127.0.0.1:1", file)
