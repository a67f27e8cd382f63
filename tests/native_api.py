"""A client of the native API against a real server in stepped time."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from simulator.core.number import japan_unassigned
from simulator.engine.world import Options
from tests.servers import SECRET, Answer, Running, request, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "clinic"
SENDER = "20345"
MESSAGES, BATCHES = "/todoku/v1/messages", "/todoku/v1/batches"


class Api:
    """One account's calls."""

    def __init__(self, server: Running, account: str = ACCOUNT, secret: str = SECRET) -> None:
        self.server, self.account, self.secret = server, account, secret
        self._numbers = count()

    def credentials(self) -> dict[str, str]:
        pair = b64encode(f"{self.account}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def number(self) -> str:
        """Number of a person that nobody has written to."""
        return japan_unassigned(next(self._numbers))

    def message(self, **fields: Any) -> dict[str, Any]:
        """Write the body of a create."""
        plain = {"to": self.number(), "from": SENDER, "text": "Hello"}
        return {name: v for name, v in {**plain, **fields}.items() if v != "(none)"}

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """Post JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **self.credentials()}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return request("POST", self.server.url + path, data, sent)

    def send(self, **fields: Any) -> Answer:
        """Create a message."""
        return self.post(MESSAGES, self.message(**fields))

    def accepted(self, **fields: Any) -> dict[str, Any]:
        """Create a message that must be accepted."""
        answer = self.send(**fields)
        assert answer.status == 201, answer
        found: dict[str, Any] = answer.json
        return found

    def get(self, path: str = MESSAGES) -> Answer:
        return request("GET", self.server.url + path, None, self.credentials())

    def problem(self, answer: Answer) -> tuple[int, str, str]:
        """Return status, code and field of what must be a problem."""
        assert answer.headers["Content-Type"] == "application/problem+json"
        found = answer.json
        assert found["status"] == answer.status
        return answer.status, found["code"], found.get("field", "")


@contextmanager
def open_native(**how: Any) -> Iterator[Api]:
    """Run a server (see `servers.running`) with one native account."""
    rates = how.pop("habits", None)
    if rates is not None:
        how["options"] = Options(habits=rates)
    with running(**how) as server:
        yield Api(server)
