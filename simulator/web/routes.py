"""Provider routes by dict, not by a scanned list: cost does not grow with the number of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.dialects.shape import Route

_PARTS_MAX = 16
_SEEN_MAX = 4096


class Match(NamedTuple):
    """A route found: its dialect's name, the route, and what stood at the open parts.

    `label` names the route where its requests are counted.
    """

    dialect: str
    route: Route
    tail: tuple[str, ...]
    label: str


class Table:
    """All providers' routes as a tree of path parts; an exact part goes before an open one."""

    def __init__(self, routes: Iterable[tuple[str, Route]]) -> None:
        self._root: _Node = _Node()
        self._seen: dict[str, Match] = {}  # the latest paths; of a create there are few
        for dialect, route in routes:
            node = self._root
            for part in route.path.strip("/").split("/"):
                node = node.parts.setdefault(part, _Node())
            if route.method in node.routes:
                msg = f"two routes for {route.method} {route.path}"
                raise ValueError(msg)
            node.routes[route.method] = (dialect, route)

    def find(self, method: str, path: str) -> Match | tuple[str, ...]:
        """Return the match, or the methods that this path does take (none: unknown path)."""
        seen = self._seen.get(method + path)
        if seen is not None:
            return seen
        found = self._walk(method, path)
        if isinstance(found, Match):
            if len(self._seen) >= _SEEN_MAX:
                self._seen.clear()
            self._seen[method + path] = found
        return found

    def _walk(self, method: str, path: str) -> Match | tuple[str, ...]:
        parts = path[1:].split("/", _PARTS_MAX)
        tail: list[str] = []
        node = self._root
        for part in parts:
            following = node.parts.get(part)
            if following is None:
                following = node.parts.get("*")
                if following is None:
                    return ()
                tail.append(part)
            node = following
        found = node.routes.get(method)
        if found is None:
            return tuple(sorted(node.routes))
        dialect, route = found
        return Match(dialect, route, tuple(tail), f"{route.method} {route.path}")


class _Node:
    __slots__ = ("parts", "routes")

    def __init__(self) -> None:
        self.parts: dict[str, _Node] = {}
        self.routes: dict[str, tuple[str, Route]] = {}
