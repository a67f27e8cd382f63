"""A foreign system in 40 lines: what is refused is tried again a second later, by the clock.

A week long it writes to everybody each day, and first twice under a name that is used up already.
"""

import json
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ as env
from threading import Thread
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

SECOND_US, DAY_US = 1_000_000, 86_400_000_000
CLOCK, SEND = env["TODOKU_CLOCK_URL"], env["TODOKU_URL"] + "/p5/api/mt.json"
SLEEPER = {"Authorization": f"Bearer {env['TODOKU_TOKEN']}"}
LOGIN = {"token": env["TODOKU_SECRET"], "clientId": env["TODOKU_ACCOUNT"], "smsCode": "12345"}
asleep_until = {}  # by person; what has passed stands for being at work


def now() -> int:
    return json.load(urlopen(Request(CLOCK, headers=SLEEPER)))["now_us"]


def sleep(to: str, for_us: int) -> None:
    until_us = now() + for_us
    clock = HTTPConnection(urlsplit(CLOCK).netloc)
    clock.request("GET", f"{urlsplit(CLOCK).path}/wait?until={until_us}", headers=SLEEPER)
    now()  # whoever answers this has our request to be woken
    asleep_until[to] = until_us
    clock.getresponse().read()


def campaign(to: str) -> None:
    for day in range(8):
        for tag in (to, to, f"{to} {day}"):
            form = {**LOGIN, "message": "Hello", "phoneNumber": to, "clientTag": tag}
            if json.load(urlopen(SEND, urlencode(form).encode()))["responseCode"] == 0:
                break
            sleep(to, SECOND_US)
        sleep(to, DAY_US)


class Surface(BaseHTTPRequestHandler):
    def do_GET(self, status: int = 0) -> None:
        busy = min(asleep_until.values(), default=1) <= int(self.headers.get("X-Todoku-Now", 0))
        self.send_response(status or (409 if busy else 204))
        self.end_headers()

    def do_POST(self) -> None:
        for to in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["recipients"]:
            asleep_until[to] = 0
            Thread(target=campaign, args=(to,), daemon=True).start()
        self.do_GET(202)


ThreadingHTTPServer(("127.0.0.1", int(env["PORT"])), Surface).serve_forever()
