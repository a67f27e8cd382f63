"""Phone numbers: what people write, made E.164 and classified; and numbers that are nobody's.

One rule: tables decide (`_DIALLED`, `_COUNTRIES`, `_PLANS`), longest prefix first, and what they
do not allow is a `NumberFault`, a value that says what was seen and what to do.

    raw ── fold ──▶ digits ── region ──▶ "+81…" ── country, plan ──▶ Number | NumberFault

Carriers are drawn elsewhere: portability moved them away from the prefix. Sources: 総務省
電気通信番号計画 (soumu.go.jp/joho_tsusin/top/tel_number; notice 441 of 2024-12-20 opens 060);
NANPA on area codes and 555 lines; Ofcom on numbers for drama; ITU-T E.164.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

RAW_CHARS_MAX: Final = 64
E164_DIGITS: Final = range(8, 16)
JAPAN_UNASSIGNED_COUNT: Final = 20_000_000
JAPAN_ASSIGNABLE_COUNT: Final = 270_000_000
UK_FICTIONAL_COUNT: Final = 1_000


class NumberKind(Enum):
    """What a number's prefix promises."""

    MOBILE = "mobile"  # in +1 every geographic number: that plan does not tell mobiles apart
    LANDLINE = "landline"
    IP_PHONE = "ip_phone"
    TOLL_FREE = "toll_free"
    NAVI = "navi"  # 0570, and the information services 0170 and 0180
    PREMIUM = "premium"
    M2M = "m2m"
    UNKNOWN = "unknown"  # a country whose plan is not held here; pagers (0204); FMC (0600)


class NumberProblem(Enum):
    """Why a text is no number to send to: what is wrong, and what to do."""

    EMPTY = "there is no number; write one, such as +817001234567"
    NOT_A_NUMBER = "this is not a phone number; write digits, such as +817001234567"
    INVISIBLE = "the number holds an invisible character; type it again"
    FOREIGN_DIGITS = "the number is not written in the digits 0-9; type it again"
    TOO_SHORT = "the number has too few digits; look for lost ones"
    TOO_LONG = "the number has too many digits; look for an extension or a second number"
    LOST_ZERO = "the leading zero is missing; a spreadsheet dropped it: export again, as text"
    NO_PREFIX = "the number has neither + and a country nor a leading zero; write one of them"
    UNKNOWN_COUNTRY = "no country has this calling code; correct the digits after +"
    UNKNOWN_REGION = "this region's national form is not known here; write + and the country"
    IMPOSSIBLE = "the country's numbering plan gives out no such number; correct it"
    SENDER_ONLY = "this is a carriers' common short code, which is a sender; write a subscriber"


@dataclass(frozen=True, slots=True)
class Number:
    """A number that may be sent to."""

    e164: str  # "+", 8-15 digits; who must be strict compares it with the text that was given
    country: str  # ISO 3166; "US" stands for all of +1, "ZZ" for a country not named here
    kind: NumberKind


@dataclass(frozen=True, slots=True)
class NumberFault:
    """A text that is no number to send to."""

    reason: NumberProblem
    seen: str  # at most RAW_CHARS_MAX characters of the text
    message: str  # for people; it shows the text, escaped: personal data, so not for a log


def parse(raw: str, region: str = "JP") -> Number | NumberFault:
    """Read a number as people write it.

    Mended: dashes of every kind (also ー), spaces, dots, parentheses, full-width forms, a dialled
    international prefix, a missing plus before the region's own code, and the zero of +81(0)70…
    and +81070…, which can mean but one thing. Refused: a leading zero that a spreadsheet dropped.

    Args:
        raw: anything up to `RAW_CHARS_MAX` characters.
        region: whose national form is meant where there is no plus: JP, US or GB.
    """
    if _JAPAN_MOBILE.fullmatch(raw):
        return Number(raw, "JP", _MOBILE)
    if _NANP.fullmatch(raw) and raw[:5] not in _PLANS:
        return Number(raw, "US", _MOBILE)
    return _read(raw, region)


def display_jp(e164: str) -> str:
    """Write a Japanese number as Japan does, 070-0123-4567.

    Landlines outside 03 and 06 get no hyphens; what is not +81 comes back as given.
    """
    if not e164.startswith("+81"):
        return e164
    national = "0" + e164[3:]
    found = (shape.fullmatch(national) for shape in _JAPAN_SHAPES)
    return next(("-".join(match.groups()) for match in found if match), national)


def japan_unassigned(i: int) -> str:
    """Give a mobile number that is nobody's: 070-0XXX-XXXX, then 090-0XXX-XXXX.

    The Ministry's plan gives out no 0 after 070 and 090. (After 080 it is toll-free 0800, after
    060 FMC.) libphonenumber finds these numbers possible, not valid.

    Args:
        i: 0..`JAPAN_UNASSIGNED_COUNT` - 1, in order; beyond is a ValueError, here as below.
    """
    half, line = divmod(_within(i, JAPAN_UNASSIGNED_COUNT), 10_000_000)
    return f"+81{'79'[half]}00{line:07d}"


def japan_assignable(i: int) -> str:
    """Give a mobile number of a form that is given out: 070, 080 or 090, then 1-9.

    It may be somebody's. Only for systems that refuse `japan_unassigned`, and only where nothing
    can reach a real network.

    Args:
        i: 0..`JAPAN_ASSIGNABLE_COUNT` - 1; one to one, and neighbours land far apart.
    """
    spread = _within(i, JAPAN_ASSIGNABLE_COUNT) * _SPREAD % JAPAN_ASSIGNABLE_COUNT
    block, line = divmod(spread, 10_000_000)
    return f"+81{'789'[block // 9]}0{block % 9 + 1}{line:07d}"


def us_fictional(i: int) -> str:
    """Give +1 NXX 555 01XX, which NANPA keeps for fiction in geographic area codes.

    Any code of geographic shape, given out or not: libphonenumber finds all of them possible, and
    valid where the code is given out. Neighbours differ in area code.

    Args:
        i: 0..`US_FICTIONAL_COUNT` - 1.
    """
    line, area = divmod(_within(i, US_FICTIONAL_COUNT), len(_AREAS))
    return f"+1{_AREAS[area]}55501{line:02d}"


def uk_fictional(i: int) -> str:
    """Give +44 7700 900XXX, which Ofcom keeps for drama; i is 0..`UK_FICTIONAL_COUNT` - 1."""
    return f"+447700900{_within(i, UK_FICTIONAL_COUNT):03d}"


def is_fictional(e164: str) -> bool:
    """Tell whether a number is nobody's: one of the reserved or unassigned ranges above."""
    match = _FICTIONAL.fullmatch(e164)
    return match is not None and (match[1] is None or _is_geographic(match[1]))


def _read(raw: str, region: str) -> Number | NumberFault:
    """Read what is not E.164 yet: fold, then find the calling code."""
    folded = raw[:RAW_CHARS_MAX].removesuffix(".0").translate(_FOLD)  # a spreadsheet's float
    plain = folded.translate(_NO_PARENTHESES)
    if problem := _screen(raw, plain):
        return _fault(problem, raw)
    if region == "JP" and plain.startswith("0005"):
        return _fault(NumberProblem.SENDER_ONLY, raw)
    dialled = _DIALLED.get(region, ())
    for prefix, meaning in (("+", "+"), *dialled):
        if prefix == plain[0] == "0":  # a second zero would be no habit but a mistake
            return _classify(meaning + plain[1:], raw)
        if plain.startswith(prefix):
            kept = folded.replace("(0)", "").translate(_NO_PARENTHESES).removeprefix(prefix)
            return _classify(_TRUNK_ZERO.sub("", meaning + kept), raw)
    if not dialled:
        return _fault(NumberProblem.UNKNOWN_REGION, raw, f", region {region!r}")
    return _read_bare(plain, raw, *dialled[-1])


def _screen(raw: str, plain: str) -> NumberProblem | None:
    """Tell what keeps a folded text from being digits after at most one plus."""
    if len(raw) > RAW_CHARS_MAX:
        return NumberProblem.TOO_LONG
    if not plain:
        return NumberProblem.NOT_A_NUMBER if raw.strip() else NumberProblem.EMPTY
    strange = _STRANGE.search(plain)
    if strange is None:
        return None
    if not strange[0].isprintable():
        return NumberProblem.INVISIBLE
    return NumberProblem.FOREIGN_DIGITS if strange[0].isnumeric() else NumberProblem.NOT_A_NUMBER


def _read_bare(plain: str, raw: str, trunk: str, code: str) -> Number | NumberFault:
    """Read digits with neither plus nor trunk zero. The two repairs never fit the same digits."""
    number = _classify(_TRUNK_ZERO.sub("", "+" + plain), raw)
    if plain.startswith(code[1:]) and isinstance(number, Number):
        return number
    if isinstance(_classify(code + plain, raw), Number):
        return _fault(NumberProblem.LOST_ZERO, raw, f", it was {trunk}{plain}")
    return _fault(_misfit(len(plain), E164_DIGITS) or NumberProblem.NO_PREFIX, raw)


def _classify(e164: str, raw: str) -> Number | NumberFault:
    """Find the country and the plan's row of "+" and digits."""
    if problem := _misfit(len(e164) - 1, E164_DIGITS):
        return _fault(problem, raw)
    code = next((e164[:n] for n in (2, 3, 4) if e164[:n] in _COUNTRIES), "")
    if not code and e164[1:3] not in _LONG_CODES:
        return _fault(NumberProblem.UNKNOWN_COUNTRY, raw)
    row = next((_PLANS[e164[:n]] for n in (6, 5, 4, 3, 2) if e164[:n] in _PLANS), None)
    if row is None:
        return Number(e164, _COUNTRIES.get(code, "ZZ"), NumberKind.UNKNOWN)
    kind, wanted = row
    found = len(e164) - len(code)
    if wanted == 0 or (code == "+1" and found == wanted and not _NANP.fullmatch(e164)):
        return _fault(NumberProblem.IMPOSSIBLE, raw)
    if problem := _misfit(found, range(wanted, wanted + 1)):
        return _fault(problem, raw, f", {found} digits after {code}, not {wanted}")
    return Number(e164, _COUNTRIES[code], kind)


def _misfit(digits: int, allowed: range) -> NumberProblem | None:
    if digits in allowed:
        return None
    return NumberProblem.TOO_SHORT if digits < allowed.start else NumberProblem.TOO_LONG


def _fault(reason: NumberProblem, raw: str, detail: str = "") -> NumberFault:
    seen = raw[:RAW_CHARS_MAX]
    wrong, _, remedy = reason.value.partition("; ")
    return NumberFault(reason, seen, f"{wrong} (saw {seen!r}{detail}); {remedy}")


def _is_geographic(area: str) -> bool:
    # A doubled last digit marks services (N11, 800, 900) and 555; 52X and the list are services
    # or set aside for them; 88X is kept for toll-free, N9X for a longer plan.
    services = "532 535 538 542 543 545 546 547 549 550 552 553 554 556 569 578 589 710"
    return area[1] not in ("9", area[2]) and area[:2] not in ("52", "88") and area not in services


def _within(i: int, capacity: int) -> int:
    if not 0 <= i < capacity:
        remedy = f"ask for fewer, or use japan_unassigned with its {JAPAN_UNASSIGNED_COUNT:,}"
        raise ValueError(f"this range holds {capacity:,} numbers, from 0; saw {i}; {remedy}")
    return i


_DIALLED: Final = {  # region -> what is dialled first, and what it stands for; home comes last
    "JP": (("010", "+"), ("0081", "+81"), ("0", "+81")),
    "US": (("011", "+"), ("1", "+1"), ("", "+1")),
    "GB": (("00", "+"), ("0", "+44")),
}
_MOBILE: Final = NumberKind.MOBILE
_PLANS: Final = {  # prefix -> kind, digits after the calling code (0: none is given out)
    prefix: (kind, digits)
    for kind, digits, prefixes in (
        (NumberKind.LANDLINE, 9, "+81"),
        (_MOBILE, 10, "+8160 +8170 +8180 +8190 +1 +447"),
        (NumberKind.IP_PHONE, 10, "+8150"),
        (NumberKind.M2M, 10, "+8120"),
        (NumberKind.M2M, 13, "+81200"),
        (NumberKind.TOLL_FREE, 9, "+81120"),
        (NumberKind.TOLL_FREE, 10, "+81800 +1800 +1833 +1844 +1855 +1866 +1877 +1888"),
        (NumberKind.NAVI, 9, "+81170 +81180 +81570"),
        (NumberKind.PREMIUM, 9, "+81990"),
        (NumberKind.PREMIUM, 10, "+1900"),
        (NumberKind.UNKNOWN, 10, "+44 +81204 +81600"),
        (NumberKind.UNKNOWN, 0, "+810 +8110 +8130 +8140"),
    )
    for prefix in prefixes.split()
}
_COUNTRIES: Final = {  # every calling code of one or two digits, and some of three
    "+" + entry[2:]: entry[:2]
    for line in (
        "US1 RU7 EG20 ZA27 GR30 NL31 BE32 FR33 ES34 HU36 IT39 RO40 CH41 AT43 GB44 DK45 SE46 NO47",
        "PL48 DE49 PE51 MX52 CU53 AR54 BR55 CL56 CO57 VE58 MY60 AU61 ID62 PH63 NZ64 SG65 TH66",
        "JP81 KR82 VN84 CN86 TR90 IN91 PK92 AF93 LK94 MM95 IR98 PT351 IE353 FI358 UA380 CZ420",
        "HK852 MO853 KH855 LA856 BD880 TW886 SA966 AE971 IL972 MN976 NP977 UZ998",
    )
    for entry in line.split()
}
# How codes of three digits begin; what begins otherwise (0, 28, 83, 89) is nobody's.
_LONG_CODES: Final = "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99"
_WIDE: Final = "\uff0b\uff08\uff09" + "".join(map(chr, range(0xFF10, 0xFF1A)))
_SPACES: Final = " .\t\r\n\xa0\u202f\u3000\uff0e" + "".join(map(chr, range(0x2000, 0x200B)))
_DASHES: Final = "-\u2212\u2500\u30fb\u30fc\uff0d\uff70" + "".join(map(chr, range(0x2010, 0x2016)))
_FOLD: Final = str.maketrans(_WIDE, "+()0123456789", _SPACES + _DASHES)
_NO_PARENTHESES: Final = str.maketrans("", "", "()")
_STRANGE: Final = re.compile(r"[^0-9+]|(?<=.)\+|\+$")
_TRUNK_ZERO: Final = re.compile(r"(?<=^\+81)0|(?<=^\+44)0")
_JAPAN_MOBILE: Final = re.compile(r"(?a)\+81(?:[79]0\d|[68]0[1-9])\d{7}")
_NANP: Final = re.compile(r"(?a)\+1[2-9](?!11)[0-8]\d[2-9](?!11)\d{6}")
_JAPAN_SHAPES: Final = (
    re.compile(r"(?a)(0200)(\d{5})(\d{5})"),
    re.compile(r"(?a)(0120|0[15]70|0180|0800|0990)(\d{3})(\d{3,4})"),
    re.compile(r"(?a)(0[25-9]0|0[36])(\d{4})(\d{4})"),
)
_FICTIONAL: Final = re.compile(r"(?a)\+81[79]00\d{7}|\+447700900\d{3}|\+1([2-9]\d\d)55501\d\d")
_SPREAD: Final = 166_869_173  # the golden section of the count, and coprime with it
_AREAS: Final = tuple(area for area in map(str, range(200, 1000)) if _is_geographic(area))
US_FICTIONAL_COUNT: Final = 100 * len(_AREAS)
