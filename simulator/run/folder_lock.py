"""One load at a time in a folder: two would write into each other's books.

The one rule: the system keeps the lock, so it goes with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = ".running"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a folder to ourselves.

    Raises:
        UsageError: another run has it, or nothing can be written there.
    """
    try:
        file = (folder / LOCK).open("a+")
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            words = f"{folder} is in use by another load (process {file.read(20) or 'unknown'})"
            raise UsageError(f"{words}: wait for its end, or give another --out") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
