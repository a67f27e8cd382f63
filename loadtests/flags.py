"""From a command line to an offer, for those who start locust themselves.

The one rule: `--offer` says everything; without it each flag says one thing, and locust's own
`--host`, `--run-time` and `--users` mean what they can.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from loadtests.clocks import now_us
from loadtests.wire import requests_of
from simulator.errors import UsageError, shown
from simulator.load.offer import Account, Ask, Offer, SystemAsks, accounts_of, people_of, read
from simulator.load.shape import US, Constant, Poisson, Shape, check
from simulator.load.tenants import growing, tenants

if TYPE_CHECKING:
    from collections.abc import Callable

Against = Literal["gateway", "system"]

LIMITS: dict[str, tuple[float, float]] = {
    "warm_up": (0, 86_400),
    "in_flight": (1, 20_000),
    "tenants": (0, 10_000),
    "batch": (1, 1_000_000),
    "poll_every": (0.001, 86_400),
}
HOUR_S = 3_600.0  # a load without --run-time; it may be stopped before
# Accounts are made at first sight: id, secret, sender.
ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "twilio": ("AC" + 32 * "d", "for-load-tests-only", "+15005550006"),
    "native": ("load", "for-load-tests-only", "20345"),
    "zettai_reach": ("10000001", "for-load-tests-only".ljust(32, "-"), "20345"),
}
TEXT = "Example Dental: your appointment is tomorrow at 3 pm. Reply STOP to opt out."


def add_options(parser: Any, against: Against) -> None:
    """Add what an offer is made of to locust's command line and web form."""
    add = parser.add_argument
    add(
        "--offer",
        default="",
        env_var="TODOKU_OFFER",
        help="file that says everything; see docs/locust.md",
    )
    add("--rate", type=float, default=0.0, help="arrivals a second; 0: as many as --users")
    add(
        "--arrivals",
        default="constant",
        help='constant, poisson, growing, or a shape as JSON: {"shape":"ramp","from_rate":1,...}',
    )
    add(
        "--warm-up",
        type=float,
        default=0.0,
        help="seconds before the load; counted apart in outcome.json",
    )
    add("--in-flight", type=int, default=1200, help="most requests under way, for each worker")
    add("--people", default="", env_var="TODOKU_PEOPLE", help="CSV of recipients: number,...")
    add("--seed", type=int, default=1, help="draws Poisson arrivals and accounts")
    add("--out", default="", help="folder for outcome.json and the books")
    if against == "gateway":
        add("--dialect", default="twilio", choices=[*ACCOUNTS], help="how the accounts speak")
        add("--account", default="", env_var="TODOKU_ACCOUNT", help="its id, made at first sight")
        add("--secret", default="", env_var="TODOKU_SECRET", help="its secret", is_secret=True)
        add("--sender", default="", help="From; the default is one that the gateway takes")
        add("--tenants", type=int, default=0, help="so many accounts instead of one, such as 300")
        add("--callback", default="", help="where receipts are to be told")
    else:
        add("--start", default="POST /campaigns", help="the request at each arrival")
        add("--body", default='{"recipients": "$recipients"}', help="its JSON body")
        add("--batch", type=int, default=1, help="recipients in one such request")
        add("--poll", default="", help="a request beside the arrivals, such as GET /status")
        add("--poll-every", type=float, default=1.0, help="seconds between two of them")


def offer_of(
    options: Any, against: Against, host: str, workers: int, where: Callable[[str], str]
) -> Offer:
    """Return the load that was asked for.

    Args:
        options: locust's parsed options, with ours.
        against: what this locust file loads.
        host: as locust has it.
        workers: how many there are.
        where: checks where a load may go, and returns the address to use.

    Raises:
        TodokuError: it cannot be: said before anything is sent.
    """
    _check_numbers(options)
    offer = _offer(options, against, host, workers, where)
    _check_folder(offer.out)
    check(offer.shape)
    people = people_of(offer)
    requests_of(offer, people)
    if offer.accounts:
        accounts_of(offer, np.zeros(1, dtype=np.int64))
    return offer


def _check_numbers(options: Any) -> None:
    for name, (least, most) in LIMITS.items():
        value = getattr(options, name, None)
        if value is not None and not least <= value <= most:
            words = f"--{name.replace('_', '-')}: expected {least:g} to {most:,g}"
            raise UsageError(f"{words}; seen {value:g}")
    if options.run_time == 0:
        raise UsageError("--run-time: expected more than 0; without it a load takes an hour")


def _check_folder(folder: str) -> None:
    """See that a load can leave what it finds."""
    if not folder:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        words = f"--out: cannot write to {folder}: {error.strerror or error}"
        raise UsageError(f"{words}; give another folder") from None


def _offer(
    options: Any, against: Against, host: str, workers: int, where: Callable[[str], str]
) -> Offer:
    if options.offer:
        offer = read(Path(options.offer))
        if offer.against != against:
            words = f"{options.offer} is against the {offer.against}"
            raise UsageError(f"{words}: use loadtests/{offer.against}.py")
        return msgspec.structs.replace(offer, url=where(offer.url))
    users = 1 if options.num_users is None else options.num_users
    more: dict[str, Any] = {"accounts": _accounts(options)} if against == "gateway" else {}
    if against == "gateway":
        more["callback"] = options.callback
    else:
        more["system"] = _system(options)
    return Offer(
        run=f"load-{now_us():x}",
        seed=options.seed,
        url=where(host),
        shape=_shape(options, float(options.rate or users), float(options.run_time or HOUR_S)),
        against=against,
        warm_up_us=round(options.warm_up * US),
        in_flight=options.in_flight,
        refused="proves-nothing",
        people=options.people,
        texts=(TEXT,),
        workers=max(workers, 1),
        out=options.out,
        **more,
    )


def _shape(options: Any, rate: float, for_s: float) -> Shape:
    for_us = round(for_s * US)
    match options.arrivals:
        case "constant":
            return Constant(rate, for_us)
        case "poisson":
            return Poisson(rate, for_us)
        case "growing":
            return growing(rate, for_us)
    try:
        found: Shape = msgspec.json.decode(options.arrivals, type=Shape)
    except ValueError as error:
        words = f"--arrivals: expected constant, poisson, growing or a shape as JSON ({error})"
        raise UsageError(f"{words}; seen {shown(options.arrivals)}") from None
    return found


def _accounts(options: Any) -> tuple[Account, ...]:
    if options.tenants > 0:
        return tenants(options.dialect, options.seed, options.tenants)
    account, secret, sender = ACCOUNTS[options.dialect]
    return (
        Account(
            options.dialect,
            options.account or account,
            options.secret or secret,
            options.sender or sender,
        ),
    )


def _system(options: Any) -> SystemAsks:
    polls = () if not options.poll else (_ask("--poll", options.poll, every_s=options.poll_every),)
    start = _ask("--start", options.start, options.body)
    return SystemAsks(start, options.batch, polls)


def _ask(flag: str, line: str, body: str = "", every_s: float = 0.0) -> Ask:
    method, _, path = line.partition(" ")
    if not method.isupper() or not path.startswith("/"):
        raise UsageError(f"{flag}: expected a request such as GET /status; seen {shown(line)}")
    return Ask(method, path, body, round(every_s * US))
