"""One Twilio account with the official SDK, unmodified; every reply it gets is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from simulator.core.number import us_fictional
from tests.dialects.twilio_api import check

if TYPE_CHECKING:
    from twilio.http.response import Response
    from twilio.rest.api.v2010.account.message import MessageInstance

    from tests.sdk.served import Post, Receiver, Served

SENDER = "+15005550006"
TOKEN = "an auth token of this test"


class Customer(NamedTuple):
    """One account, its client, and where it is called back."""

    served: Served
    receiver: Receiver
    sid: str
    client: Client

    @property
    def status_url(self) -> str:
        return f"{self.receiver.base}/{self.sid}/status?campaign=7&name=%E6%98%A5"

    @property
    def inbound_url(self) -> str:
        return f"{self.receiver.base}/{self.sid}/inbound"

    def send(self, to: str, body: str = "Hello", **more: Any) -> MessageInstance:
        return self.client.messages.create(to=to, from_=SENDER, body=body, **more)

    def statuses(self, n: int = 0) -> list[Post]:
        return self.receiver.wait_for(f"/{self.sid}/status", n)

    def inbound(self, n: int = 0) -> list[Post]:
        return self.receiver.wait_for(f"/{self.sid}/inbound", n)

    def answer(self, person: str, body: str) -> None:
        self.served.reply(self.sid, person, SENDER, body)

    def automatic(self, person: str) -> list[dict[str, Any]]:
        """Return what the provider itself has answered a person, newest first."""
        path = "/v1/worlds/default/messages"
        found = self.served.ask("GET", path, account=self.sid, to=person)["messages"]
        return [message for message in found if message["origin"] == "automatic"]

    def refusal(self, **parameters: Any) -> tuple[int, int]:
        """Send what must be refused; return the HTTP status and Twilio's code."""
        wanted = {"to": us_fictional(0), "from_": SENDER, "body": "Hello", **parameters}
        with pytest.raises(TwilioRestException) as refused:
            self.client.messages.create(**wanted)
        return refused.value.status, refused.value.code


def client_of(served: Served, sid: str, token: str, user: str = "") -> Client:
    client = Client(user or sid, token, account_sid=sid, http_client=Checked())
    client.api.base_url = served.url
    return client


def is_signed(post: Post, token: str = TOKEN, **changes: str) -> bool:
    fields = {**post.fields, **changes}
    valid: bool = RequestValidator(token).validate(
        post.url, fields, post.headers["X-Twilio-Signature"]
    )
    return valid


class Checked(TwilioHttpClient):
    """The SDK's own transport; a reply that is not Twilio's kind of reply fails the test."""

    def request(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().request(*args, **kwargs)
        check(response.status_code, (response.text or "").encode())
        return response
