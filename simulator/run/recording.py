"""A run's commands in a file, as they came; and no text in it that a client had forgotten.

The one rule: redact leaves none. What was redacted or deleted is overwritten where it stands, by as
many x, so that nothing else moves. Such a recording still replays to its digest, since encoding and
segments stand beside the text; except where the text itself decides: under `identity: content`, and
a person's STOP that was written by hand and redacted afterwards.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from simulator.core.command import Delete, DeleteMedia, Inject, Redact, Submission
from simulator.engine.log import Settled, encode_recorded, read_recording
from simulator.engine.ordering import reply_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.command import Command
    from simulator.core.extra import Extra
    from simulator.engine.log import Recorded

_FORGETS: Final = (Redact, Delete, DeleteMedia)
_LENGTH_BYTES: Final = 4
T = TypeVar("T", bound=Submission | Inject)


class Recording:
    """What a world is told, written to a file.

    Args:
        file: open for writing and reading, empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[int, _Place] | None = None  # by message key; made when first needed

    def __call__(self, item: Recorded) -> None:
        """Add a command or an outcome, and obey it if it says that a text is to be forgotten."""
        at = self._file.tell()
        self._file.write(encode_recorded(item))
        if self._places is not None:
            self._places.update(_made(item, at))
        if item.key and isinstance(item.what, _FORGETS):
            self._forget(item.key, item.what)

    def _forget(self, key: int, what: Redact | Delete | DeleteMedia) -> None:
        if self._places is None:
            self._places = self._found()
        if key not in self._places:
            return  # the world's own: no command made it
        at, nth = self._places[key]
        (item,) = read_recording(self._line(at))
        blank = encode_recorded(replace(item, what=_blanked(item.what, nth, what)))
        self._file.seek(at)
        self._file.write(blank)
        self._file.seek(0, os.SEEK_END)
        self._file.flush()

    def _line(self, at: int) -> bytes:
        self._file.seek(at)
        head = self._file.read(_LENGTH_BYTES)
        return head + self._file.read(int.from_bytes(head, "big"))

    def _found(self) -> dict[int, _Place]:
        """Find where every message's text is in what was written so far."""
        places: dict[int, _Place] = {}
        end, at = self._file.tell(), 0
        while at < end:
            line = self._line(at)
            (item,) = read_recording(line)
            places.update(_made(item, at))
            at += len(line)
        self._file.seek(0, os.SEEK_END)
        return places


class _Place(NamedTuple):
    """Where a message's text is: an item's offset, and which of an answer's messages it is."""

    at: int
    nth: int = 0


def _made(item: Recorded, at: int) -> Iterator[tuple[int, _Place]]:
    """Tell which messages an item made: a command its own, an answer to a webhook its replies."""
    if isinstance(item.what, Settled):
        says = item.what.orders.says if item.what.orders else ()
        for n in range(len(says)):
            yield reply_key(item.what.key, n), _Place(at, n)
    elif item.key and isinstance(item.what, Submission | Inject):
        yield item.key, _Place(at)


def _blanked(
    made: Command | Settled, nth: int, what: Redact | Delete | DeleteMedia
) -> Command | Settled:
    """Return what made a message, without what is to be forgotten of it."""
    if isinstance(made, Settled):
        assert made.orders is not None, made
        says = list(made.orders.says)
        says[nth] = _forgotten(says[nth], what)
        return replace(made, orders=replace(made.orders, says=tuple(says)))
    assert isinstance(made, Submission | Inject), made
    return _forgotten(made, what)


def _forgotten(made: T, what: Redact | Delete | DeleteMedia) -> T:
    if not isinstance(what, DeleteMedia):
        made = replace(made, body=_as_long(made.body))
    if isinstance(made, Submission) and made.extra is not None and not isinstance(what, Redact):
        nth = what.nth if isinstance(what, DeleteMedia) else None
        made = replace(made, extra=_without(made.extra, nth))
    return made


def _without(extra: Extra, nth: int | None) -> Extra:
    """Blank the `nth` medium's address; None: every one."""
    left = (_as_long(url) if nth in {None, n} else url for n, url in enumerate(extra.media))
    return replace(extra, media=tuple(left))


def _as_long(text: str) -> str:
    """Return as many bytes that say nothing."""
    return "x" * len(text.encode("utf-8", "surrogatepass"))
