"""Carriers: their shares, how fast they carry, how they retry, when they give up and report.

Data in one shape. A carrier never decides by itself: `engine/steps.py` reads these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.chance import Law, constant, ladder, lognormal, uniform
from simulator.core.preset import Certainty, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Carrier:
    """One mobile network.

    Attributes:
        index: small integer, unique in the world; events carry it.
        name: how reports call it.
        share: of all subscribers of the country, for drawing.
        transit: from the provider's taking it up to the first attempt at the handset.
        retry_us: gaps between attempts at an absent handset; the last one repeats.
        retries: how many further attempts are made at most (None: until validity).
        validity_us: after which the carrier gives up.
        receipt_delivered, receipt_failed: from the fate to the receipt at the provider.
    """

    index: int
    name: str
    share: Figure
    transit: Law
    retry_us: tuple[int, ...]
    retries: int | None
    validity_us: int
    receipt_delivered: Law
    receipt_failed: Law


# Of the time from acceptance to the handset, the part until the carrier has taken the message:
# 599 ms of 1,344 ms in the delivery log sample of Amazon SNS's documentation (one example).
CARRIER_ACK_NUM, CARRIER_ACK_DEN = 599, 1344
# The provider's own queue, when nobody is before you. Assumed: small and constant.
QUEUE_US = 20_000
# A messaging service's choice of a sender. Assumed: small and constant.
CHOICE_US = 5_000
CONGESTION = Figure(
    0.002,
    "share",
    "attempt at a handset",
    "Assumed: congestion is rare on a normal day (Meng et al., INFOCOM 2007, found failures of "
    "up to 5.1% from all causes, flash crowds apart).",
    Certainty.ASSUMED,
)
CONGESTION_RETRY_US = 2 * MINUTE_US
PORTED = Figure(
    0.25,
    "share",
    "recipient",
    "Assumed: Japan publishes MNP flows per quarter, not the stock of ported numbers.",
    Certainty.ASSUMED,
)

_JP_TRANSIT = lognormal(0.805, 0.489, "delivery_direct_jp")  # KDDI: 1-5 s, as the central 90%
_RECEIPT_FAST = uniform(200_000, 1_500_000)
_KDDI_FAILED = uniform(18 * MINUTE_US, 22 * MINUTE_US)  # vendor: about 20 minutes
_ABSENT_RETRY = (1 * MINUTE_US, 4 * MINUTE_US, 10 * MINUTE_US, 30 * MINUTE_US, HOUR_US)

_SHARE_CITE = "Ministry of Internal Affairs and Communications, shares of contracts, FY2025 Q1"


def _share(percent: float) -> Figure:
    return Figure(percent / 100, "share", "subscriber", _SHARE_CITE, Certainty.MEASURED)


# Retry and validity in Japan: the tayori FAQ of IMAoS; one source, medium.
DOCOMO = Carrier(
    1,
    "docomo",
    _share(39.9),
    _JP_TRANSIT,
    _ABSENT_RETRY,
    None,
    72 * HOUR_US,
    _RECEIPT_FAST,
    _RECEIPT_FAST,
)
KDDI = Carrier(
    2,
    "kddi",
    _share(31.2),
    _JP_TRANSIT,
    (HOUR_US,),
    1,
    72 * HOUR_US,
    _RECEIPT_FAST,
    _KDDI_FAILED,
)
SOFTBANK = Carrier(
    3,
    "softbank",
    _share(24.7),
    _JP_TRANSIT,
    _ABSENT_RETRY,
    None,
    24 * HOUR_US,
    _RECEIPT_FAST,
    _RECEIPT_FAST,
)
RAKUTEN = Carrier(
    4,
    "rakuten",
    _share(4.1),
    _JP_TRANSIT,
    _ABSENT_RETRY,
    None,
    72 * HOUR_US,
    _RECEIPT_FAST,
    _RECEIPT_FAST,
)
US_GENERIC = Carrier(
    5,
    "us-generic",
    Figure(1.0, "share", "subscriber", "One generic carrier stands for all.", Certainty.ASSUMED),
    _JP_TRANSIT,
    _ABSENT_RETRY,
    None,
    48 * HOUR_US,  # usual validity by Infobip's glossary
    _RECEIPT_FAST,
    _RECEIPT_FAST,
)
NO_ROUTE = Carrier(
    0,
    "none",
    Figure(
        0.0, "share", "subscriber", "Numbers of a country without a network.", Certainty.ASSUMED
    ),
    constant(SECOND_US),
    (HOUR_US,),
    0,
    HOUR_US,
    _RECEIPT_FAST,
    _RECEIPT_FAST,
)

CARRIERS: Mapping[int, Carrier] = {
    c.index: c for c in (NO_ROUTE, DOCOMO, KDDI, SOFTBANK, RAKUTEN, US_GENERIC)
}


@dataclass(frozen=True, slots=True)
class Network:
    """The carriers of one country, with their shares compiled for drawing."""

    country: str
    carriers: tuple[Carrier, ...]
    shares: tuple[int, ...]


def network(country: str, *carriers: Carrier) -> Network:
    """Compile a country's carriers."""
    return Network(country, carriers, ladder([c.share.value for c in carriers]))


NETWORKS: Mapping[str, Network] = {
    "JP": network("JP", DOCOMO, KDDI, SOFTBANK, RAKUTEN),
    "US": network("US", US_GENERIC),
}
