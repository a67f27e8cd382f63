"""A system that sends by the native API, and takes a receipt only at its third telling."""

import json
from base64 import b64encode
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ as env
from threading import Thread
from urllib.request import Request, urlopen

LOGIN = b64encode(f"{env['TODOKU_ACCOUNT']}:{env['TODOKU_SECRET']}".encode()).decode()
HEADERS = {"Authorization": f"Basic {LOGIN}", "Content-Type": "application/json"}
heard = Counter()


def campaign(numbers: list[str]) -> None:
    for to in numbers:
        letter = json.dumps({"to": to, "text": "Hello", "from": "20345"}).encode()
        urlopen(Request(env["TODOKU_URL"] + "/todoku/v1/messages", letter, HEADERS)).read()


class Surface(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(204)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/campaigns":
            Thread(target=campaign, args=[json.loads(data)["to"]]).start()
        heard[data] += 1
        early = self.path == "/receipts" and heard[data] <= 2 and b'"delivered"' in data
        self.answer(503 if early else 202)

    def answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(env["PORT"])), Surface).serve_forever()
