"""What every handler of the control port is given, and how it finds its way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.web.control_gate import HttpError
from simulator.web.egress import Allow, Denied, check_url

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.engine.driver import Driver
    from simulator.engine.world import World
    from simulator.web.server import Server

WORLDS_MAX = 256
WORLD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(slots=True)
class Panel:
    """The control side of a server.

    Attributes:
        streams: subscribers of event streams at this moment, in all worlds.
    """

    server: Server
    streams: int = 0

    def driver(self, request: web.Request) -> Driver:
        """Return the driver of the world that the path names.

        Raises:
            HttpError: 404, there is none.
        """
        name = request.match_info["world"]
        found = self.server.drivers.get(name)
        if found is None:
            raise HttpError(404, f"no world {name[:64]!r}; GET /v1/worlds lists them")
        return found

    def driver_made(self, request: web.Request) -> Driver:
        """Return the driver of the world that the path names, made at first sight.

        Raises:
            HttpError: 400, it cannot be a world's name; 429, there are too many worlds.
        """
        name, server = request.match_info["world"], self.server
        if name not in server.drivers:
            if WORLD_NAME.fullmatch(name) is None:
                raise HttpError(400, f"expected a world's name such as ci-1; seen {name[:64]!r}")
            if len(server.drivers) >= WORLDS_MAX:
                raise HttpError(429, f"there are {WORLDS_MAX} worlds; use one of them")
            server.worlds.world(name)
        return server.driver(name)

    def has_account(self, world: World, account: str) -> None:
        """Check that an account belongs to a world; "" stands for all.

        Raises:
            HttpError: 404, it does not.
        """
        if account and account not in world.store.shelves:
            raise HttpError(404, f"world {world.name} has no account {account!r}")

    def callable_url(self, name: str, url: str) -> str:
        """Return a URL that we may call.

        Raises:
            HttpError: 400, the egress policy forbids it.
        """
        checked = check_url(url, Allow.of(self.server.settings.callback_allow))
        if isinstance(checked, Denied):
            raise HttpError(400, f"{name}: {checked.reason}")
        return url

    def stir(self, driver: Driver) -> None:
        """Note that somebody changed something in a world: activity, as on the gateway port."""
        if self.server.front.heard is not None:
            self.server.front.heard(driver.world.name, True)
