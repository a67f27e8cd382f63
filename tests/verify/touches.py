"""Traffic for tests of policy: touches on a Japanese calendar, and one check at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.scenario_policy import CHECKS
from simulator.verify.policy import JUDGES
from simulator.verify.touch import Channel, Found, News, Notice, Touch, Traffic

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JST = timedelta(hours=9)
SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
MIKA, KEN, JOE = "+819011112222", "+818011112222", "+12125550123"


def at(text: str, offset: timedelta = JST) -> int:
    """Read "2026-03-02 09:00" on a clock that is `offset` ahead of UTC."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC) - offset
    return (moment - EPOCH) // timedelta(microseconds=1)


MONDAY = at("2026-03-02 10:00")


def sms(at_us: int, to: str = MIKA, nth: int = 0, **more: Any) -> Touch:
    """Make a touch; its place in the log is its instant, unless given."""
    return Touch(nth=nth or at_us, at_us=at_us, to=to, **{"text": "Hello", **more})


def call(at_us: int, to: str = MIKA, **more: Any) -> Touch:
    """Make a call."""
    return sms(at_us, to, channel=Channel.CALL, text=None, sender="+81312345678", **more)


def mail(at_us: int, to: str = MIKA, **more: Any) -> Touch:
    """Make a mail; its recipient is known by the number."""
    return sms(at_us, to, channel=Channel.MAIL, **more)


def news(at_us: int, what: News, person: str = MIKA, nth: int = 0) -> Notice:
    """Tell the system something."""
    return Notice(nth=nth or at_us, at_us=at_us, person=person, news=what)


def found(check: str, traffic: Traffic, **given: Any) -> Found:
    """Judge one check with its parameters as in a scenario."""
    return JUDGES[check](CHECKS[check].model_validate(given), traffic)


def broken(check: str, *touches: Touch, **given: Any) -> list[int]:
    """Return the instants of the breaches among these touches."""
    return [b.at_us for b in found(check, Traffic(touches), **given).breaches]
