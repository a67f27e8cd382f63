"""A server process for each module; each test has accounts and paths of its own."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.sdk.served import Receiver, Served, serving
from tests.sdk.twilio_customer import TOKEN, Customer, client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = count(1)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as process:
        yield process


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver().open() as opened:
        yield opened


@pytest.fixture
def number() -> int:
    """Number that no other test has, for the name of an account."""
    return next(_numbers)


@pytest.fixture
def customer(
    served: Served, receiver: Receiver, number: int, monkeypatch: pytest.MonkeyPatch
) -> Customer:
    for name in ("TWILIO_EDGE", "TWILIO_REGION", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    sid = f"AC{number:032x}"
    return Customer(served, receiver, sid, client_of(served, sid, TOKEN))
