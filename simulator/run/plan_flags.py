"""The flags of `todoku plan`, how they are read, and the list of what was settled by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.errors import UsageError, shown
from simulator.run.expanded import Setting
from simulator.scenario_plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.scenario import Scenario

ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says, as text; None or nothing: not said."""

    recipients: str | None = None
    sample: str | None = None
    text: str | None = None
    units: str | None = None
    messages: str | None = None
    every: str | None = None
    remind_after: str | None = None
    unless: str | None = None
    rate: str | None = None
    slots: Sequence[str] = ()
    quiet: Sequence[str] = ()
    policies: Sequence[str] = ()


@dataclass(slots=True)
class Settling:
    """A scenario and a command line, from which one thing after the other is settled.

    Attributes:
        settings: what was settled, and who said it: a flag, the file, or nobody (assumed).
        notes: what people should know of it.
    """

    scenario: Scenario
    flags: Flags
    settings: list[Setting] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """What the file says under `plan:`."""
        return self.scenario.plan or Plan()

    def say(self, key: str, value: str, by: str) -> None:
        """Note a setting."""
        self.settings.append(Setting(key, value, by))

    def by(self, flag: object, *fields: str) -> str:
        """Tell who said something: a flag, the file, or nobody."""
        if flag:
            return "flag"
        return "file" if set(fields) & self.plan.model_fields_set else ASSUMED


def read(
    flag: str,
    text: str,
    parse: Callable[[str], Any],
    most: int | None = None,
    *,
    of: Callable[[Any], Any] | None = None,
) -> Any:
    """Read a flag, in one line if it cannot be."""
    try:
        value = parse(text)
        value = of(value) if of else value
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None
    if most is not None and value > most:
        raise UsageError(f"{flag}: at most {most:,}; seen {shown(text)}")
    return value
