"""How many files this process may open: as many as it needs, where the system lets it."""

from __future__ import annotations

import resource

_PORTS = 3
_OTHERS = 1_024  # callbacks, files, the event loop's own


def room_for(connections: int) -> int:
    """Raise the limit of open files for so many connections on each port, as far as allowed.

    Returns:
        How many connections one port can have now; 0 or more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _PORTS * connections + _OTHERS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return connections
    return min(connections, max(0, soft - _OTHERS))
