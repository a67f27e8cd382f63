"""Systems under test that break the contract: `python misbehaving.py NAME`.

Each is an honest do-nothing system but for what its function below does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ as env
from pathlib import Path
from threading import Thread, Timer
from urllib.parse import urlencode
from urllib.request import Request, urlopen

NOTHING = {"accepted": 0, "delivered": 0, "units": 0, "excluded_units": 0}
CLAIMS = {
    "currency": "JPY",
    "messages": [],
    "totals": {**NOTHING, "subtotal": "0", "tax": "0", "total": "0"},
}
ROW = {"to": "+819011112222", "state": "delivered", "units": 1, "amount": "15"}
REAL_S = 0.3  # what a system with timers of its own takes
STANDSTILL_S = 2.5
LINGER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), os.getppid(), file=open(sys.argv[1], "w"))
time.sleep(60)
"""


class Surface(BaseHTTPRequestHandler):
    """What a do-nothing system answers; a bad one changes this table, or is called at the start."""

    replies: dict[str, tuple[int, bytes]] = {  # noqa: RUF012 - the one thing that is changed
        "/health": (204, b""),
        "/campaigns": (202, b""),
        "/idle": (204, b""),
        "/claims": (200, json.dumps(CLAIMS).encode()),
    }
    started = staticmethod(lambda numbers: None)
    asked = staticmethod(lambda path: None)
    told = staticmethod(lambda data: None)

    def do_GET(self) -> None:
        self.asked(self.path)
        status, body = self.replies.get(self.path, (404, b""))
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/campaigns":
            self.started(json.loads(data)["recipients"])
        else:
            self.told(data)
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def send(to: str) -> None:
    letter = {"smsCode": "12345", "message": "hi", "phoneNumber": to, "clientTag": to}
    form = {"token": env["TODOKU_SECRET"], "clientId": env["TODOKU_ACCOUNT"], **letter}
    urlopen(env["TODOKU_URL"] + "/p5/api/mt.json", urlencode(form).encode()).read()


def send_all(numbers: list[str]) -> None:
    for number in numbers:
        send(number)


def note(name: str) -> None:
    """Tell the test that something has happened."""
    Path(env[name]).write_text(str(os.getpid()))


def silent() -> None:
    """Says that all is well, and sends nothing."""


def mortal() -> None:
    """Dies at its second thought, with last words."""

    def die(path: str) -> None:
        if path == "/idle":
            for n in range(30):
                print(f"line {n} \x1b[31mof my last words", flush=True)  # noqa: T201
            os._exit(7)

    Surface.started = staticmethod(send_all)
    Surface.asked = staticmethod(die)


def stillborn() -> None:
    """Ends before it is ready."""
    print("no license", flush=True)  # noqa: T201
    sys.exit(5)


def unready() -> None:
    """Is never ready."""
    Surface.replies["/health"] = (503, b"")


def mute() -> None:
    """Takes a connection, and never answers."""
    Surface.asked = staticmethod(lambda path: time.sleep(60))


def unwilling() -> None:
    """Refuses to start."""
    Surface.replies["/campaigns"] = (400, b"recipients: not like this")


def restless() -> None:
    """Is never idle, and notes that it was asked."""
    Surface.started = staticmethod(send_all)
    Surface.asked = staticmethod(lambda path: path == "/idle" and note("ASKED"))
    Surface.replies["/idle"] = (409, b"")


def stubborn() -> None:
    """Has a child, is never idle, and takes no notice of SIGTERM but to note it."""
    parent()
    restless()
    signal.signal(signal.SIGTERM, lambda *_: note("TOLD"))


def timeless() -> None:
    """Answers 200 and acts later, by a clock of its own."""
    Surface.started = staticmethod(lambda numbers: Timer(REAL_S, send_all, [numbers]).start())


def talkative() -> None:
    """Claims more than one packet holds, and nothing that is true."""
    rows = [{**ROW, "own_id": f"never-sent-{n}"} for n in range(10_000)]
    Surface.started = staticmethod(send_all)
    Surface.replies["/claims"] = (200, json.dumps({**CLAIMS, "messages": rows}).encode())


def leftover() -> None:
    """Claims what another run's system believed."""
    rows = [{**ROW, "own_id": "row-1"}]
    claims = {**CLAIMS, "run": "of yesterday", "messages": rows}
    Surface.started = staticmethod(send_all)
    Surface.replies["/claims"] = (200, json.dumps(claims).encode())


def deaf() -> None:
    """Sends, and answers every receipt with 404."""
    Surface.started = staticmethod(send_all)


def unreadable() -> None:
    """Claims in a form of its own."""
    rows = [{**ROW, "own_id": f"row-{n}", "amount": 15} for n in range(3)]
    Surface.started = staticmethod(send_all)
    Surface.replies["/claims"] = (200, json.dumps({**CLAIMS, "messages": rows}).encode())


def parent() -> None:
    """Starts a child that does not want to end."""
    Surface.started = staticmethod(send_all)
    subprocess.Popen([sys.executable, "-c", LINGER, env["CHILD"]])
    while not (Path(env["CHILD"]).is_file() and Path(env["CHILD"]).read_text()):
        time.sleep(0.001)


def heavy() -> None:
    """Holds up the machine, so that the world cannot follow its clock."""

    def stand_still(numbers: list[str]) -> None:
        send_all(numbers)
        Thread(target=hold_up).start()

    def hold_up() -> None:
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(STANDSTILL_S)
        os.kill(os.getppid(), signal.SIGCONT)

    Surface.started = staticmethod(stand_still)


def echo() -> None:
    """Has the person write again whenever the person has written."""

    def write(_data: bytes = b"") -> None:
        words = {"account": env["TODOKU_ACCOUNT"], "to": "+15005550006", "body": "again"}
        body = json.dumps({**words, "from": "+12015550100"}).encode()
        headers = {"Content-Type": "application/json"}
        headers["Authorization"] = f"Bearer {env['TODOKU_TOKEN']}"
        url = env["TODOKU_CONTROL_URL"] + "/v1/worlds/default/replies"
        urlopen(Request(url, body, headers)).read()

    def begin(numbers: list[str]) -> None:
        form = urlencode({"To": numbers[0], "From": "+15005550006", "Body": "hi"}).encode()
        login = b64encode(f"{env['TODOKU_ACCOUNT']}:{env['TODOKU_SECRET']}".encode()).decode()
        path = f"/2010-04-01/Accounts/{env['TODOKU_ACCOUNT']}/Messages.json"
        basic = {"Authorization": f"Basic {login}"}
        urlopen(Request(env["TODOKU_URL"] + path, form, basic)).read()
        write()

    Surface.started = staticmethod(begin)
    Surface.told = staticmethod(write)
    Surface.replies["/twilio/inbound"] = (204, b"")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    ThreadingHTTPServer(("127.0.0.1", int(env["PORT"])), Surface).serve_forever()
