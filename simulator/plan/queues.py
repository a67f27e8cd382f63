"""A queue before a server, for many: when is whose turn?

    turn(n) = max(first(n), free(n - 1));  free(n) = turn(n) + takes(n)

`core/queue.Queue` says the same one by one. Here it is one running maximum: subtract from each
arrival all the work that came before it, and the largest so far is the start of the busy period.
Exact in integers; nobody leaves, and nobody is refused: patience and full queues are the engine's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def turns(first_us: NDArray[np.int64], takes_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when each has its turn, in the order of the rows.

    Args:
        first_us: the earliest instant for each.
        takes_us: how long each keeps the server.
    """
    before = np.cumsum(takes_us) - takes_us
    found: NDArray[np.int64] = np.maximum.accumulate(first_us - before) + before
    return found
