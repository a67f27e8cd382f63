"""What a plan sends: the rounds of a campaign, and the units of each text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import quantities as q
from simulator.core.text import count, has_link, is_sendable
from simulator.dialects import native_parse, twilio_parse, zettai_reach
from simulator.errors import UsageError, shown
from simulator.plan.campaign import Round
from simulator.run.expanded import duration
from simulator.run.plan_flags import ASSUMED, read
from simulator.scenario_plan import MESSAGES_MAX, UNITS_MAX, Reminder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simulator.run.plan_flags import Settling

TEXT_CHARS_MAX: Mapping[str, int] = {
    "zettai_reach": zettai_reach.MESSAGE_CHARS_MAX,
    "twilio": twilio_parse.BODY_CHARS_MAX,
    "native": native_parse.TEXT_CHARS_MAX,
}


def rounds_of(made: Settling) -> Iterator[Round]:
    """Yield the rounds of the campaign."""
    plan, flags = made.plan, made.flags
    units, text = _first(made)
    messages, every_us = plan.messages, plan.every_us
    if flags.messages is not None:
        messages = read("--messages", flags.messages, q.positive_count, MESSAGES_MAX)
    if flags.every is not None:
        every_us = read("--every", flags.every, q.positive_duration_us)
    made.say("messages", f"{messages} to each", made.by(flags.messages, "messages"))
    if messages > 1:
        made.say("every", duration(every_us), made.by(flags.every, "every_us"))
    elif flags.every is not None:
        raise UsageError("--every says how far apart messages are: give --messages 2 or more")
    for n in range(messages):
        yield Round(
            n * every_us, units, _identity(made, text), spares_gone=True, has_link=has_link(text)
        )
    reminder = _reminder(made)
    by = made.by(flags.remind_after, "reminder")
    if reminder is None:
        made.say("reminder", "none", by)
        return
    made.say("reminder", f"after {duration(reminder.after_us)} unless {reminder.unless}", by)
    units, text = _second(made, reminder, units)
    after_us = (messages - 1) * every_us + reminder.after_us
    body, linked = _identity(made, text), has_link(text)
    yield Round(after_us, units, body, reminder.unless, spares_gone=True, has_link=linked)


def _identity(made: Settling, text: str) -> str | None:
    return text if made.scenario.world.identity == "content" else None


def _reminder(made: Settling) -> Reminder | None:
    flags, reminder = made.flags, made.plan.reminder
    if flags.remind_after is None:
        if flags.unless is not None:
            raise UsageError("--unless says whom a reminder spares: give --remind-after 2d")
        return reminder
    if flags.remind_after == "never":
        return None
    after_us = read("--remind-after", flags.remind_after, q.positive_duration_us)
    unless = flags.unless or (reminder or Reminder()).unless
    if unless not in ("delivered", "replied"):
        raise UsageError(f"--unless: delivered or replied; seen {shown(unless)}")
    return (reminder or Reminder()).model_copy(update={"after_us": after_us, "unless": unless})


def _first(made: Settling) -> tuple[int, str]:
    """Return the units of the campaign's text, and the text."""
    flags, plan = made.flags, made.plan
    if flags.text is not None and flags.units is not None:
        raise UsageError("--text and --units are both given: the text says its units")
    if flags.units is not None:
        units = read("--units", flags.units, q.positive_count, UNITS_MAX)
        return _unwritten(made, "units", units, "flag")
    if flags.text is not None:
        if not flags.text or not is_sendable(flags.text):
            raise UsageError("--text: an empty text, or half a character, has no form on the air")
        return _measured(made, "units", flags.text, "flag")
    if plan.units is not None:
        return _unwritten(made, "units", plan.units, "file")
    if plan.text is not None:
        return _measured(made, "units", plan.text, "file")
    if (text := _in_body(made, "text")) is not None:
        return _measured(made, "units", text, "file: sut.start.body")
    return _unwritten(made, "units", 1, ASSUMED)


def _second(made: Settling, reminder: Reminder, units: int) -> tuple[int, str]:
    """Return the units of the reminder, and its text; those of the first where nobody says."""
    what = "reminder's units"
    if reminder.units is not None:
        return _unwritten(made, what, reminder.units, "file")
    if reminder.text is not None:
        return _measured(made, what, reminder.text, "file")
    if (text := _in_body(made, "reminder")) is not None:
        return _measured(made, what, text, "file: sut.start.body")
    return _unwritten(made, what, units, ASSUMED)


def _measured(made: Settling, what: str, text: str, by: str) -> tuple[int, str]:
    dialect = made.scenario.sut_account.dialect
    if len(text) > (most := TEXT_CHARS_MAX[dialect]):
        said = f"{dialect} takes {most:,} characters at most, and refuses these {len(text):,}"
        raise UsageError(f"{what}: {said}: shorten the text, or give units alone")
    encoding, units = count(text)
    made.say(what, f"{units} ({len(text)} characters, {encoding.name})", by)
    return units, text


def _unwritten(made: Settling, what: str, units: int, by: str) -> tuple[int, str]:
    made.say(what, f"{units} (no text is given)", by)
    return units, ""


def _in_body(made: Settling, key: str) -> str | None:
    """Return a text that the scenario gives the system to send."""
    sut = made.scenario.sut
    body: Any = sut.start.body if sut else None
    found = body.get(key) if isinstance(body, dict) else None
    return found if isinstance(found, str) and found and is_sendable(found) else None
