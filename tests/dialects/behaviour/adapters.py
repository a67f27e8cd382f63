"""How each dialect is spoken, so that one suite can speak them all.

An adapter says how to send, how to learn what became of it, and what it cannot do: only what the
real provider has no such thing for, and that is what a skipped test prints.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from standardwebhooks.webhooks import Webhook
from twilio.request_validator import RequestValidator

from simulator.core.number import japan_assignable, us_fictional
from simulator.dialects.native_webhook import webhook_secret
from tests.native_api import MESSAGES, Api
from tests.servers import MESSAGES as TWILIO_MESSAGES
from tests.servers import SECRET, SID, Answer, basic, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.dialects.behaviour.stage import Stage
    from tests.sdk.served import Post

ON_ITS_WAY, DELIVERED, FAILED, CANCELED = "on its way", "delivered", "failed", "canceled"


class Sent(NamedTuple):
    """What came of a send: the message's name for this client, or the provider's refusal."""

    name: str
    refusal: str = ""


class Receipt(NamedTuple):
    """What a callback says; `mark` is equal for repeats of one, and for nothing else."""

    name: str
    status: str
    mark: str


class Adapter(ABC):
    """One customer of one provider.

    Attributes:
        cannot: what the real provider has no such thing for, and why.
        bills_undelivered: as its default policy has it.
    """

    name: str
    cannot: Mapping[str, str] = {}
    bills_undelivered = False
    account: str
    sender: str
    invalid = "1"
    invalid_code: str
    opted_out_code: str

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.base = stage.receiver.base
        self._numbers = count(7)

    @abstractmethod
    def person(self) -> str:
        """Return the number of somebody nobody has written to."""

    @abstractmethod
    def send(self, to: str, text: str = "Hello", *, later: bool = False) -> Sent:
        """Send a message, with a receipt wanted; `later`: at an instant an hour ahead."""

    @abstractmethod
    def status(self, name: str) -> str:
        """Ask what became of a message."""

    @abstractmethod
    def units(self, name: str) -> int:
        """Ask for the units of a delivered message."""

    @abstractmethod
    def receipts(self) -> list[Receipt]:
        """Read the callbacks that have arrived; each must be the provider's."""

    def cancel(self, name: str) -> bool:
        """Take a message back; tell whether it was taken."""
        raise NotImplementedError(name)


class Native(Adapter):
    """The native API."""

    name, account, sender = "native", "clinic", "20345"
    invalid_code, opted_out_code = "invalid_recipient", "opted_out"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.api = Api(stage.server)

    def person(self) -> str:
        return japan_assignable(next(self._numbers))

    def send(self, to: str, text: str = "Hello", *, later: bool = False) -> Sent:
        fields = {"to": to, "text": text, "callback_url": f"{self.base}/status"}
        if later:
            fields["send_at"] = "2025-06-02T10:00:00+09:00"
        answer = self.api.send(**fields)
        found = answer.json
        return Sent(found["id"]) if answer.status == 201 else Sent("", found["code"])

    def status(self, name: str) -> str:
        return _NATIVE[self.api.get(f"{MESSAGES}/{name}").json["status"]]

    def units(self, name: str) -> int:
        found: int = self.api.get(f"{MESSAGES}/{name}").json["billing"]["units"]
        return found

    def receipts(self) -> list[Receipt]:
        validator = Webhook(webhook_secret(SECRET))
        told = [(validator.verify(p.body, p.headers), p) for p in self.stage.posts()]
        return [
            Receipt(t["data"]["id"], _NATIVE[t["data"]["status"]], _header(p, "webhook-id"))
            for t, p in told
        ]

    def cancel(self, name: str) -> bool:
        return self.api.post(f"{MESSAGES}/{name}/cancel", b"").status == 200


class Twilio(Adapter):
    """Twilio's API."""

    name, account, sender = "twilio", SID, "+15005550006"
    bills_undelivered = True
    invalid_code, opted_out_code = "21211", "21610"

    def person(self) -> str:
        return us_fictional(next(self._numbers))

    def send(self, to: str, text: str = "Hello", *, later: bool = False) -> Sent:
        form = {"From": self.sender, "Body": text, "StatusCallback": f"{self.base}/status"}
        if later:
            service = {"id": _SERVICE, "senders": [self.sender]}
            self.stage.configure(SID, dialect=self.name, services=[service])
            form |= {"MessagingServiceSid": _SERVICE, "ScheduleType": "fixed"}
            form["SendAt"] = "2025-06-02T01:00:00Z"
        answer = self.stage.server.twilio(to, **form)
        found = answer.json
        return Sent(found["sid"]) if answer.status == 201 else Sent("", str(found["code"]))

    def status(self, name: str) -> str:
        return _TWILIO.get(self._fetch(name)["status"], ON_ITS_WAY)

    def units(self, name: str) -> int:
        return int(self._fetch(name)["num_segments"])

    def receipts(self) -> list[Receipt]:
        found = []
        for post in self.stage.posts():
            signature = _header(post, "X-Twilio-Signature")
            assert RequestValidator(SECRET).validate(post.url, post.fields, signature)
            status = _TWILIO.get(post.fields["MessageStatus"], ON_ITS_WAY)
            mark = _header(post, "I-Twilio-Idempotency-Token")
            found.append(Receipt(post.fields["MessageSid"], status, mark))
        return found

    def cancel(self, name: str) -> bool:
        body = urlencode({"Status": "canceled"}).encode()
        return self._at(name, "POST", body).status == 200

    def _fetch(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._at(name, "GET").json
        return found

    def _at(self, name: str, method: str, body: bytes | None = None) -> Answer:
        where = TWILIO_MESSAGES.replace("Messages.json", f"Messages/{name}.json")
        return request(method, self.stage.server.url + where, body, basic())


class ZettaiReach(Adapter):
    """絶対リーチ!SMS's API, 2-Way plan; a message's name is the clientTag."""

    name, account, sender = "zettai_reach", "12345", "000512"
    cannot: Mapping[str, str] = {
        "cancel": "絶対リーチ! takes back reservations only, which Todoku does not simulate yet",
    }
    invalid_code, opted_out_code = "110", "110"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        settings = {"dialect": self.name, "secret": SECRET, "push_url": f"{self.base}/status"}
        stage.configure(self.account, **settings)
        self._tags = count(1)

    def person(self) -> str:
        return japan_assignable(next(self._numbers))

    def send(self, to: str, text: str = "Hello", *, later: bool = False) -> Sent:
        assert not later
        tag = f"tag-{next(self._tags)}"
        form = {
            "token": SECRET,
            "clientId": self.account,
            "smsCode": self.sender,
            "message": text,
            "phoneNumber": to,
            "clientTag": tag,
        }
        url = f"{self.stage.server.url}/p5/api/mt.json"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        code = request("POST", url, urlencode(form).encode(), kind).json["responseCode"]
        return Sent(tag) if code == 0 else Sent("", str(code))

    def status(self, name: str) -> str:
        return _ZETTAI[self._row(name)["statusId"]]

    def units(self, name: str) -> int:
        found: int = self._row(name)["separatedSuccessCount"]
        return found

    def receipts(self) -> list[Receipt]:
        notices = [
            notice
            for post in self.stage.posts()
            for notice in json.loads(post.fields["json"])["eventNotifications"]
        ]
        return [Receipt(n["clientTag"], _ZETTAI[n["statusId"]], n["messageId"]) for n in notices]

    def _row(self, name: str) -> dict[str, Any]:
        query = urlencode({"token": SECRET, "clientId": self.account, "clientTag": name})
        url = f"{self.stage.server.url}/p5/api/status.json?{query}"
        [row] = request("GET", url).json["status"]
        found: dict[str, Any] = row
        return found


ADAPTERS: dict[str, type[Adapter]] = {each.name: each for each in (Native, Twilio, ZettaiReach)}

_SERVICE = "MG" + "5" * 32
_NATIVE = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), ON_ITS_WAY),
    **dict.fromkeys(("undelivered", "expired", "failed"), FAILED),
    "delivered": DELIVERED,
    "canceled": CANCELED,
}
_TWILIO = {
    **dict.fromkeys(("undelivered", "failed"), FAILED),
    "delivered": DELIVERED,
    "canceled": CANCELED,
}
_ZETTAI = {"1": ON_ITS_WAY, "2": DELIVERED, "3": FAILED}


def _header(post: Post, name: str) -> str:
    found = {key.lower(): value for key, value in post.headers.items()}
    return found[name.lower()]
