"""Tables of a million rows as columns: whole numbers in numpy, texts in one block beside hashes.

    Texts.of(["a", "bc"])  ->  block b"abc", ends [1, 3], hashes (2 x 64 bits each)

The one rule: a row is made when it is asked for, and not before; what is compared for every row is
compared by columns. Two texts are the same where both halves of their 128-bit hashes are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

import numpy as np
from xxhash import xxh3_128_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

BATCH = 1 << 16  # rows that are Python objects at one time

Column: TypeAlias = "npt.NDArray[Any]"
T = TypeVar("T")


class Table(Sequence[T], Generic[T]):
    """A sequence whose rows are made when asked for; equal to any sequence of equal rows."""

    __slots__ = ()

    @abstractmethod
    def row(self, index: int) -> T:
        """Make the row at an index from 0."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        places = range(len(self))[index]
        return self.row(places) if isinstance(places, int) else tuple(map(self.row, places))

    def __iter__(self) -> Iterator[T]:
        return map(self.row, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        some = ", ".join(map(repr, islice(self, 3)))
        return f"<{type(self).__name__} of {len(self)}: {some}{', ...' if len(self) > 3 else ''}>"


class Texts(Table[str]):
    """A column of texts."""

    __slots__ = ("_block", "_ends", "hashes")

    def __init__(self, block: bytes, ends: Column, hashes: Column) -> None:
        self._block, self._ends = block, ends
        self.hashes = hashes

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Make a column, a batch at a time."""
        builder = TextsBuilder()
        for batch in batches(texts):
            builder.add(batch)
        return builder.built()

    def __len__(self) -> int:
        return len(self._ends)

    def row(self, index: int) -> str:
        """Return the text at an index from 0."""
        start = int(self._ends[index - 1]) if index else 0
        block = self._block[start : int(self._ends[index])]
        return block.decode("utf-8", "surrogatepass")

    @property
    def there(self) -> Column:
        """Where a text is not empty."""
        return np.diff(self._ends, prepend=0) > 0

    def same(self, mine: Column, other: Texts, its: Column) -> Column:
        """Tell where texts at places of this column are those at places of another."""
        found: Column = self.hashes[mine, 0] == other.hashes[its, 0]
        found &= self.hashes[mine, 1] == other.hashes[its, 1]
        return found


class TextsBuilder:
    """Collects a column of texts that come in pieces."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._lengths: list[Column] = []
        self._digests: list[bytes] = []

    def add(self, texts: Sequence[str]) -> None:
        """Add texts; a batch at a time is best."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._blocks.append(b"".join(encoded))
        self._lengths.append(np.fromiter(map(len, encoded), np.int64, len(encoded)))
        self._digests.append(b"".join(map(xxh3_128_digest, encoded)))

    def built(self) -> Texts:
        """Return the column, and let go of the pieces."""
        block = b"".join(self._blocks)
        self._blocks.clear()
        digests = b"".join(self._digests)
        self._digests.clear()
        ends = np.cumsum(joined(self._lengths, np.int64))
        self._lengths.clear()
        return Texts(block, ends, np.frombuffer(digests, np.uint64).reshape(-1, 2))


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Cut into lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def joined(parts: Sequence[Column], kind: type[np.generic]) -> Column:
    """Return one array of several, or an empty one of none."""
    return np.concatenate(parts) if parts else np.empty(0, kind)


def exact_sum(column: Column) -> int:
    """Sum whole numbers of 64 bits without overflow."""
    high, low = column >> np.int64(32), column & np.int64(0xFFFF_FFFF)
    return (int(high.sum()) << 32) + int(low.sum())


def runs(column: Column) -> tuple[Column, Column]:
    """Return where runs of equal values begin in a sorted column, and their lengths."""
    if not len(column):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate(([True], column[1:] != column[:-1])))
    return starts, np.diff(starts, append=len(column))
