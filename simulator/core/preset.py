"""Figures of behaviour: no number without a citation, a certainty and a denominator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Certainty(Enum):
    """How far a figure can be trusted."""

    MEASURED = "measured"  # a method and a sample size are published
    VENDOR = "vendor"  # a seller says so
    FOLKLORE = "folklore"  # repeated everywhere, source lost
    ASSUMED = "assumed"  # ours; chosen so that something cited comes out right


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that the world is made of.

    Attributes:
        value: the number, in `unit`.
        unit: such as "share" (0 to 1), "us".
        per: the denominator, in words: "delivered message", "recipient".
        cite: where it is from, with the year; for an assumed one, why this value.
        certainty: how far to trust it.
    """

    value: float
    unit: str
    per: str
    cite: str
    certainty: Certainty
