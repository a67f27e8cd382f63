"""Where the laws and the carriers' rules are from; a share's source stands with it, in its preset.

The one rule: no number of behaviour without a source and a certainty. Laws are found by their name,
rules by what they are; a test holds this table against every law and carrier there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.carrier import CARRIERS, DOCOMO, KDDI
from simulator.core.handset import DAILY_LENGTH, WEEKLY_LENGTH
from simulator.core.person import JP_DIRECT
from simulator.core.preset import Certainty

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is from: `what` it is in words, `cite` with the year."""

    what: str
    cite: str
    certainty: Certainty


LAWS: Mapping[str, Source] = {
    DOCOMO.transit.name: Source(
        "from the provider to the handset",
        "KDDI Message Cast: typically 1 to 5 s, taken as the central 90%; log-normal as in Hung et "
        "al., IEEE TWC 2004. Of that, the carrier's part as in the log sample of Amazon SNS.",
        Certainty.VENDOR,
    ),
    DOCOMO.receipt_delivered.name: Source(
        "from the handset to the receipt",
        "Assumed: fast and even; nobody publishes it.",
        Certainty.ASSUMED,
    ),
    KDDI.receipt_failed.name: Source(
        "from a failure at KDDI to its receipt",
        "The specification of 絶対リーチ!SMS: about 20 minutes at au; the spread is assumed.",
        Certainty.VENDOR,
    ),
    JP_DIRECT.notice_delay.name: Source(
        "from delivery to being noticed",
        "INST Messenger: 90% recognised within 30 minutes; a median of 3 minutes is assumed.",
        Certainty.VENDOR,
    ),
    JP_DIRECT.open_delay.name: Source(
        "from being noticed to being opened",
        "Assumed: median 20 s, 90% within half an hour.",
        Certainty.ASSUMED,
    ),
    JP_DIRECT.click_delay.name: Source(
        "from being opened to the click on a link",
        "Assumed: median 15 s, 90% within 5 minutes.",
        Certainty.ASSUMED,
    ),
    JP_DIRECT.reply_delay.name: Source(
        "from delivery to a reply",
        "Dynmark 2013 (about 1 bn SMS): 43% of replies within 15 minutes; Chow et al., Sexual "
        "Health 2022: 60% within 45 minutes. A log-normal law through both.",
        Certainty.MEASURED,
    ),
    DAILY_LENGTH.name: Source(
        "how long a handset is off or out of range in a day",
        "Assumed: median 1.5 hours, 10% over 6 hours.",
        Certainty.ASSUMED,
    ),
    WEEKLY_LENGTH.name: Source(
        "how long a handset is away when it is away for days",
        "Assumed: one to six days.",
        Certainty.ASSUMED,
    ),
    CARRIERS[0].transit.name: Source(
        "until a number without a network is given up", "Assumed.", Certainty.ASSUMED
    ),
}

_IMAOS = (
    "The FAQ of tayori (IMAoS) on how Japanese carriers repeat and how long they keep a message; "
    "a single source."
)
PATIENCE: Mapping[str, Source] = {
    **{
        name: Source(f"repeats and validity at {name}", _IMAOS, Certainty.VENDOR)
        for name in ("docomo", "kddi", "softbank", "rakuten")
    },
    "us-generic": Source(
        "repeats and validity at us-generic",
        "Infobip's glossary: usual validity 48 hours; the repeats are assumed.",
        Certainty.VENDOR,
    ),
    "none": Source("a number without a network", "Assumed.", Certainty.ASSUMED),
}
