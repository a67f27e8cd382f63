"""Single values of claims: amounts, and ids that stand in two rows."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from simulator.errors import shown
from simulator.verify.claim_codes import ClaimCode
from simulator.verify.findings import MICROS

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.verify.claim_rows import ClaimRows
    from simulator.verify.strict_json import Report

AN_AMOUNT = 'write a decimal string such as "15" or "0.0083"'
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?")
TWICE_TOLD_MAX = 100


def micros_of(text: str, path: str, report: Report) -> int | None:
    """Read an amount exactly, in millionths; None where it is none, and told."""
    if not _AMOUNT.fullmatch(text):
        what = "is negative" if re.fullmatch(r"-[0-9.]+", text) else "is not an amount"
        report.add(path, f"{shown(text)} {what}; {AN_AMOUNT}", ClaimCode.AMOUNT)
        return None
    numerator, denominator = Decimal(text).as_integer_ratio()
    micros, rest = divmod(numerator * MICROS, denominator)
    if rest:
        said = f"{shown(text)} is finer than a millionth; write at most 6 decimals"
        report.add(path, said, ClaimCode.AMOUNT)
        return None
    return micros


def note_twice(rows: ClaimRows, place_of: Callable[[int], str], report: Report) -> None:
    """Report every id that stands in a row before; `place_of` names a row."""
    for name in ("own_id", "provider_id"):
        texts = getattr(rows, name)
        there = np.flatnonzero(texts.there)
        hashes = texts.hashes[there]
        ordered = np.sort(hashes[:, 0])
        if not (ordered[1:] == ordered[:-1]).any():
            continue
        first: dict[str, int] = {}
        shared = np.isin(hashes[:, 0], ordered[1:][ordered[1:] == ordered[:-1]])
        for index in there[shared].tolist():
            value = texts[index]
            if first.setdefault(value, index) != index:
                said = (
                    f"{shown(value)} stands in {place_of(first[value])} too; "
                    "claim each accepted message once"
                )
                report.add(f"{place_of(index)}.{name}", said, ClaimCode.DUPLICATE_ID)
