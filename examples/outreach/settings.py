"""The settings: a flag, or else the environment that the contract promises, or else a default."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from examples.outreach.bugs import BUGS
from examples.outreach.private import private_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOPBACK = "127.0.0.1"
PORT_MAX = 65535

EPILOG = f"""\
environment (a flag goes before it; secrets have no flag, since others can read our command line):
  PORT             listen on this port; 0 or absent: any free port
  TODOKU_URL       the provider; its host must be loopback or private
  TODOKU_ACCOUNT   clientId (zettai_reach), AccountSid (twilio) or account (native)
  TODOKU_SECRET    token (zettai_reach), auth token (twilio) or secret (native)
  TODOKU_CLOCK_URL the clock of the world; absent: real time
  TODOKU_TOKEN     bearer token of that clock
  TODOKU_PEOPLE    CSV of the recipients, header number,name,segment,consent

bugs (--bug):
{chr(10).join(f"  {name:<28} {bug.line}" for name, bug in BUGS.items())}

examples:
  export TODOKU_URL=http://127.0.0.1:8080 TODOKU_ACCOUNT=12345
  export TODOKU_SECRET=0123456789abcdef0123456789abcdef
  python -m examples.outreach --port 9000
  python -m examples.outreach --port 9000 --bug bill-undelivered --bug-log wrong.jsonl
  curl 127.0.0.1:9000/campaigns -d '{{"name": "spring", "recipients": ["+819001234567"]}}'
  curl 127.0.0.1:9000/claims
"""


@dataclass(frozen=True, slots=True)
class Habits:
    """What goes without saying with a provider."""

    sender: str
    unit_price: str
    tax: str
    zone: str


HABITS = {
    "native": Habits(sender="20345", unit_price="15", tax="10", zone="Asia/Tokyo"),
    "zettai_reach": Habits(sender="000512", unit_price="15", tax="10", zone="Asia/Tokyo"),
    "twilio": Habits(sender="+12025550100", unit_price="0.0083", tax="0", zone="America/New_York"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set."""

    provider: str
    host: str
    port: int
    own_url: str | None
    url: str
    clock_url: str | None
    account: str
    secret: str
    token: str
    people: Path | None
    sender: str
    unit_price: Decimal
    tax_percent: Decimal
    zone: ZoneInfo
    remind_after_hours: float
    ask_after_hours: float
    concurrency: int
    timeout_s: float
    limit: float | None
    database: str
    bug: str | None
    bug_log: Path | None


def read(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; leave the program with one line and exit code 2 if they are wrong."""
    parser = _parser(environ)
    given = parser.parse_args(arguments)
    habits = HABITS[given.provider]
    if given.bug_log and not given.bug:
        parser.exit(2, "outreach: --bug-log needs --bug\n")
    try:
        return Settings(
            provider=given.provider,
            host=given.host,
            own_url=given.own_url.rstrip("/") if given.own_url else None,
            port=_whole(given.port, "PORT", 0, PORT_MAX),
            url=private_url(_needed(given.url, "TODOKU_URL")),
            clock_url=private_url(given.clock_url) if given.clock_url else None,
            account=_needed(given.account, "TODOKU_ACCOUNT"),
            secret=_needed(environ.get("TODOKU_SECRET"), "TODOKU_SECRET"),
            token=environ.get("TODOKU_TOKEN", ""),
            people=Path(given.people) if given.people else None,
            sender=given.sender or habits.sender,
            unit_price=_decimal(given.unit_price or habits.unit_price, "--unit-price"),
            tax_percent=_decimal(given.tax or habits.tax, "--tax"),
            zone=_zone(given.zone or habits.zone),
            remind_after_hours=given.remind_after,
            ask_after_hours=given.ask_after,
            concurrency=_whole(given.concurrency, "--concurrency", 1, 1000),
            timeout_s=given.timeout,
            limit=_rate(given.limit, "--limit") if given.limit else None,
            database=given.database,
            bug=given.bug,
            bug_log=given.bug_log,
        )
    except ValueError as error:
        parser.exit(2, f"outreach: {error}\n")


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.outreach",
        description="A small, honest outreach system: it sends SMS, and says what became of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--provider", choices=sorted(HABITS), default="zettai_reach", help="default zettai_reach")
    add("--host", default=LOOPBACK, help=f"listen here; no login guards us; default {LOOPBACK}")
    add("--port", default=environ.get("PORT") or "0", help="default $PORT")
    add("--own-url", metavar="URL", help="where the provider reaches us; default: where we listen")
    add("--url", default=environ.get("TODOKU_URL"), help="default $TODOKU_URL")
    add("--clock-url", default=environ.get("TODOKU_CLOCK_URL"), help="default $TODOKU_CLOCK_URL")
    add("--account", default=environ.get("TODOKU_ACCOUNT"), help="default $TODOKU_ACCOUNT")
    add("--people", default=environ.get("TODOKU_PEOPLE"), help="default $TODOKU_PEOPLE")
    add("--sender", help="smsCode or From; default 000512, +12025550100 or 20345")
    add("--unit-price", help="per unit, without tax; default 15 or 0.0083")
    add("--tax", metavar="PERCENT", help="default 10 or 0")
    add("--zone", help="of the quiet hours; default Asia/Tokyo or America/New_York")
    add("--remind-after", type=float, default=48, metavar="HOURS", help="default 48")
    add("--ask-after", type=float, default=24, metavar="HOURS", help="without receipt; default 24")
    add("--concurrency", default="8", help="requests to the provider at once; default 8")
    add("--timeout", type=float, default=10, metavar="SECONDS", help="real time; default 10")
    add("--limit", metavar="RATE", help="recipients taken, such as 700/s; above it: 429")
    add("--database", default=":memory:", metavar="PATH", help="default: in memory")
    add("--bug", choices=sorted(BUGS), metavar="NAME", help="do one thing wrong, see below")
    add("--bug-log", type=Path, metavar="FILE", help="write down there what it made wrong")
    return parser


def _needed(value: str | None, name: str) -> str:
    if not value:
        message = f"{name} is not set"
        raise ValueError(message)
    return value


def _whole(text: str, name: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        message = f"{name} is {text!r}, not a whole number from {low} to {high}"
        raise ValueError(message)
    return int(text)


def _decimal(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        message = f"{name} is {text!r}, not an amount"
        raise ValueError(message)
    return value


def _rate(text: str, name: str) -> float:
    count, _, second = text.partition("/")
    if second != "s" or not count.isascii() or not count.isdecimal() or not int(count):
        message = f"{name} is {text!r}, not so many a second, such as 700/s"
        raise ValueError(message)
    return float(count)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        message = f"--zone is {name!r}, not a time zone"
        raise ValueError(message) from error
