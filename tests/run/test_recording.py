"""A run's commands in a file: what a client had forgotten is not in it, and it still replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.core.command import Delete, DeleteMedia, Inject, Redact
from simulator.core.extra import Extra
from simulator.core.message import Message, OutcomeKind
from simulator.core.orders import Ordered, Orders
from simulator.engine.log import read_recording
from simulator.engine.replay import replay
from simulator.engine.world import Options, World
from simulator.run.recording import Recording
from tests.worlds import LONG_US, START_US, URL, account, advance, habits, phone, send, sms, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

SECRETS = ("秘密の言葉 😀", "another secret", "https://a.test/secret.png")
END_US = START_US + LONG_US


@pytest.fixture
def file(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "commands.bin").open("w+b") as opened:
        yield opened


def content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def recorded(file: IO[bytes]) -> World:
    return world(account(), habits=habits(), record=Recording(file))


def submit(here: World, command: object) -> None:
    assert not hasattr(here.gateway.submit(command, here.gateway.now_us), "reason")  # type: ignore[arg-type]


def test_nothing_that_was_redacted_or_deleted_is_left_and_the_rest_stays(file: IO[bytes]) -> None:
    here = recorded(file)
    first = send(here, sms(phone(0), body=SECRETS[0]))
    second = send(here, sms(phone(1), body=SECRETS[1], extra=Extra(media=(SECRETS[2],))))
    third = send(here, sms(phone(2), body="this one stays"))
    advance(here)
    submit(here, Redact(first.key))
    assert SECRETS[0].encode() not in content(file)
    assert SECRETS[1].encode() in content(file)
    submit(here, Delete(second.key))
    fourth = send(here, sms(phone(3), body=SECRETS[1]), here.gateway.now_us)
    advance(here, END_US + LONG_US)
    submit(here, Redact(fourth.key))
    left = content(file)
    assert not any(secret.encode() in left for secret in SECRETS)
    assert third.body.encode() in left
    kinds = [type(item.what).__name__ for item in read_recording(left)]
    assert kinds == ["Configure", *["Submission"] * 3, "Redact", "Delete", "Submission", "Redact"]


def test_a_redacted_recording_replays_to_the_same_digest(file: IO[bytes]) -> None:
    here = recorded(file)
    for i in range(20):
        send(here, sms(phone(i), body=SECRETS[i % 2], extra=Extra(media=(SECRETS[2],))))
    advance(here, END_US)
    for i, key in enumerate(list(here.store.shelves["shop"].keys)[:12]):
        submit(here, (Redact(key), Delete(key), DeleteMedia(key, 0))[i % 3])
    there = World("there", Options(habits=habits()))
    replay(there, read_recording(content(file)), here.gateway.now_us)
    assert there.log.digest() == here.log.digest()


def test_a_redaction_that_was_refused_leaves_the_recording_alone(file: IO[bytes]) -> None:
    here = recorded(file)
    message = send(here, sms(body=SECRETS[0]))
    before = content(file)
    here.gateway.submit(Redact(message.key), START_US)
    here.gateway.submit(Redact(5), START_US)
    assert content(file).startswith(before)


def test_what_a_person_wrote_by_hand_is_forgotten_too(file: IO[bytes]) -> None:
    here = recorded(file)
    received = here.gateway.submit(Inject("shop", phone(0), "12345", SECRETS[0]), START_US)
    assert isinstance(received, Message)
    submit(here, Redact(received.key))
    assert SECRETS[0].encode() not in content(file)


def test_what_was_said_in_an_answer_to_a_webhook_is_forgotten_too(file: IO[bytes]) -> None:
    here = world(account(inbound_url=URL), habits=habits(), record=Recording(file))
    says = (sms(body="this one stays", sender="12345"), sms(body=SECRETS[0], sender="12345"))
    answer = Ordered(OutcomeKind.ANSWERED, 200, orders=Orders(says=says))
    here.gateway.submit(Inject("shop", phone(0), "12345", "hello"), START_US)
    advance(here, END_US, lambda _call: answer)
    assert SECRETS[0].encode() in content(file)
    (key,) = [k for k in here.store.shelves["shop"].keys if here.store.get(k).body == SECRETS[0]]  # type: ignore[union-attr]
    submit(here, Redact(key))
    assert SECRETS[0].encode() not in content(file)
    assert says[0].body.encode() in content(file)
    there = World("there", Options(habits=habits()))
    replay(there, read_recording(content(file)), here.gateway.now_us)
    assert there.log.digest() == here.log.digest()


def test_one_medium_is_forgotten_and_the_others_are_not(file: IO[bytes]) -> None:
    here = recorded(file)
    other = "https://a.test/other.png"
    message = send(here, sms(extra=Extra(media=(other, SECRETS[2]))))
    submit(here, DeleteMedia(message.key, 1))
    assert SECRETS[2].encode() not in content(file)
    assert other.encode() in content(file)
