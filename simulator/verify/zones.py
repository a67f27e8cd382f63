"""The recipient's clock: a time zone for each country code, and which of them are assumptions.

The one rule: a number says a country, not a place. Where a country has several zones one is
assumed, the one most of its people live in, and whoever is told of a breach is told that too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ONE_ZONE = (
    "JP Asia/Tokyo, KR Asia/Seoul, CN Asia/Shanghai, TW Asia/Taipei, HK Asia/Hong_Kong",
    "MO Asia/Macau, SG Asia/Singapore, TH Asia/Bangkok, VN Asia/Ho_Chi_Minh",
    "KH Asia/Phnom_Penh, LA Asia/Vientiane, MM Asia/Yangon, MY Asia/Kuala_Lumpur",
    "PH Asia/Manila, IN Asia/Kolkata, PK Asia/Karachi, BD Asia/Dhaka, LK Asia/Colombo",
    "NP Asia/Kathmandu, AF Asia/Kabul, IR Asia/Tehran, UZ Asia/Tashkent, SA Asia/Riyadh",
    "AE Asia/Dubai, IL Asia/Jerusalem, TR Europe/Istanbul, GB Europe/London",
    "IE Europe/Dublin, FR Europe/Paris, DE Europe/Berlin, NL Europe/Amsterdam",
    "BE Europe/Brussels, CH Europe/Zurich, AT Europe/Vienna, IT Europe/Rome",
    "GR Europe/Athens, HU Europe/Budapest, RO Europe/Bucharest, PL Europe/Warsaw",
    "CZ Europe/Prague, DK Europe/Copenhagen, SE Europe/Stockholm, NO Europe/Oslo",
    "FI Europe/Helsinki, UA Europe/Kyiv, EG Africa/Cairo, ZA Africa/Johannesburg",
    "PE America/Lima, CO America/Bogota, VE America/Caracas, CU America/Havana",
    "AR America/Argentina/Buenos_Aires",
)
_SEVERAL = (  # the one assumed
    "US America/New_York, RU Europe/Moscow, AU Australia/Sydney, BR America/Sao_Paulo",
    "MX America/Mexico_City, ID Asia/Jakarta, ES Europe/Madrid, PT Europe/Lisbon",
    "CL America/Santiago, NZ Pacific/Auckland, MN Asia/Ulaanbaatar",
)


def _table(*lines: str) -> Mapping[str, str]:
    return {entry[:2]: entry[3:] for line in lines for entry in line.split(", ")}


ZONES: Mapping[str, str] = _table(*_ONE_ZONE, *_SEVERAL)
ASSUMED = frozenset(_table(*_SEVERAL))


class Local(NamedTuple):
    """An instant on a recipient's clock; `caveat`: what was assumed, in words, or nothing."""

    at: datetime
    caveat: str


def local(at_us: int, country: str, zone: str | None = None) -> Local | None:
    """Return an instant on the clock of a country, or of a zone; None: no zone is known here."""
    name = zone or ZONES.get(country)
    if name is None:
        return None
    at = (_EPOCH + timedelta(microseconds=at_us)).astimezone(_zone(name))
    if zone is None and country in ASSUMED:
        return Local(at, f"{name} is assumed: numbers of {country} lie in several zones")
    return Local(at, "")


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
