"""Phone numbers as lists have them: typed by people, exported, opened in a spreadsheet.

    +819012345678  09012345678  090-1234-5678  full-width digits  9012345678 (the zero is lost)

The one rule: whoever knows the country can tell every one of them. Which number is written how
depends on the number alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.core.chance import key_of
from simulator.core.number import display_jp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FULL_WIDTH: Final = {ord("0") + n: chr(0xFF10 + n) for n in range(10)}


def spelled(number: str, country: str) -> str:
    """Return a number, E.164, in one of the ways that its country's lists have it."""
    ways = _WAYS[country]
    return ways[key_of("spelling", number) % len(ways)](number)


def _plain(number: str) -> str:
    return number


def _typed_jp(number: str) -> str:
    return "0" + number.removeprefix("+81")


def _full_width(number: str) -> str:
    return _typed_jp(number).translate(_FULL_WIDTH)


def _without_zero(number: str) -> str:
    return number.removeprefix("+81")


def _typed_us(number: str) -> str:
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


def _digits_us(number: str) -> str:
    return number.removeprefix("+1")


_WAYS: Mapping[str, tuple[Callable[[str], str], ...]] = {
    "jp": (_plain, _typed_jp, display_jp, _full_width, _without_zero),
    "us": (_plain, _typed_us, _digits_us),
}
