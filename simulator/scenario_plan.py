"""`plan:` of a scenario: what is sent, how often and how fast, where nobody runs a system for it.

The one rule: what is left out has a default that `todoku plan` prints; a flag goes before the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from simulator import quantities as q
from simulator.accounts import Section, Text, written
from simulator.core.carrier import CARRIERS, NO_ROUTE
from simulator.errors import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.errors import KeyPath
    from simulator.strict_yaml import Node

MESSAGES_MAX = 20
UNITS_MAX = 20
CARRIER_NAMES = tuple(c.name for c in CARRIERS.values() if c is not NO_ROUTE)


def carrier_name(value: str) -> str:
    """Let the name of a carrier pass."""
    if value not in CARRIER_NAMES:
        raise ValueError(f"unknown carrier {shown(value)}; {did_you_mean(value, CARRIER_NAMES)}")
    return value


def per_second(value: float) -> float:
    """Let a rate pass that a whole number of units in a thousand seconds can say."""
    if value < 0.001:
        raise ValueError("expected at least one unit in a thousand seconds")
    return value


_SLOTS: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string", "pattern": q.RATE_PATTERN} for name in CARRIER_NAMES},
    "additionalProperties": False,
}
Pace = Annotated[q.Rate, AfterValidator(per_second)]
Slots = Annotated[dict[Annotated[str, AfterValidator(carrier_name)], Pace], WithJsonSchema(_SLOTS)]
Units = Annotated[q.PositiveCount, Field(le=UNITS_MAX)]


class Reminder(Section):
    """A second message to those who did not react to the first."""

    after_us: q.PositiveDuration = written(q.duration_us, "2d", "after")
    unless: Literal["delivered", "replied"] = "delivered"
    text: Text | None = None
    units: Units | None = None


class Plan(Section):
    """What `todoku plan` is about; None: see its defaults."""

    text: Text | None = None
    units: Units | None = None
    messages: Annotated[q.PositiveCount, Field(le=MESSAGES_MAX)] = 1
    every_us: q.PositiveDuration = written(q.duration_us, "7d", "every")
    reminder: Reminder | None = None
    rate: Pace | None = None
    slots: Slots = Field(default_factory=dict)


def plan_problems(tree: Node) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong between the fields of `plan:`: see `cross_checks`."""
    plan = tree.get("plan") if isinstance(tree, dict) else None
    if not isinstance(plan, dict):
        return
    for path, section in ((("plan",), plan), (("plan", "reminder"), plan.get("reminder"))):
        if isinstance(section, dict) and "text" in section and "units" in section:
            yield (*path, "units"), "text and units are both given: the text says its units"
    if "every" in plan and "messages" not in plan:
        yield ("plan", "every"), "says how far apart messages are; add `messages: 2` or more"
