"""The reference: aiohttp and uvloop with one route, which parses a form and answers with JSON.

It is what one would write in a quarter of an hour, and does nothing with the message. The machine's
speed cancels out of a ratio to it.

    python benchmarks/bare.py --filler 100      (ends with its input; see child.py)
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import uvloop
from aiohttp import web
from child import answer
from harness import ACCOUNT, CREATE

RESOURCE: dict[str, Any] = {
    "account_sid": ACCOUNT,
    "api_version": "2010-04-01",
    "body": "",
    "date_created": "Mon, 02 Jun 2025 00:00:00 +0000",
    "date_sent": None,
    "date_updated": "Mon, 02 Jun 2025 00:00:00 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": "",
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": "USD",
    "sid": "",
    "status": "queued",
    "subresource_uris": {},
    "to": "",
    "uri": "",
}


class Bare:
    """The handler and its only counter.

    Args:
        filler: makes the reply as long as the other server's.
    """

    def __init__(self, filler: str) -> None:
        self.accepted = 0
        self._filler = filler

    async def create(self, request: web.Request) -> web.Response:
        """Answer a create."""
        form = await request.post()
        self.accepted += 1
        resource = {
            **RESOURCE,
            "body": form["Body"],
            "from": form["From"],
            "sid": f"SM{self.accepted:032x}",
            "to": form["To"],
            "uri": self._filler,
        }
        text = json.dumps(resource, ensure_ascii=False)
        return web.Response(text=text, status=201, content_type="application/json")

    def counters(self) -> dict[str, int]:
        """Say how many were accepted; nothing is left to do for them."""
        return {"accepted": self.accepted, "finished": self.accepted}


async def main() -> None:
    """Serve until input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filler", type=int, default=0, help="characters that change nothing")
    bare = Bare(parser.parse_args().filler * "x")
    app = web.Application()
    app.router.add_post(CREATE, bare.create)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        await answer({"url": f"http://{host}:{port}"}, bare.counters)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main())
