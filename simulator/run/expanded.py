"""A scenario with every default written out, each value as people write it, and no secret in it.

The walk knows the models only by their shape: a new field appears here by itself. Units are in the
fields' names (`_us`, `_micros`), so the values go back to text by them.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

from simulator.errors import SECRET_KEYS, dotted
from simulator.quantities import EPOCH, Request
from simulator.run.report import decimal
from simulator.scenario import Measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from simulator.errors import KeyPath
    from simulator.scenario import Scenario

HIDDEN = "(not shown)"
SWEPT_CHARS_MIN = 6  # shorter secrets are hidden where they stand, not wherever they occur
_UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000))
_SECRET_NAME = re.compile(r"secret|token|passw|credential|auth|api-?_?key|private", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_ABSENT: Mapping[str, str] = {
    "id": "derived from the account's name",
    "secret": "derived from the account's name, not shown",
    "sender": "any",
    "price": "the billing policy's own",
    "push": "none: receipts are asked for, not pushed",
    "inbound": "none: replies are told to nobody",
    "fallback": "none: a reply whose webhook has failed is told to nobody",
    "keywords": "the provider's own",
    "patience": "as long as the queue",
    "concurrency": "any number of requests at once",
    "lane": "shared",
    "callback": "none: only what a message itself names",
    "scheduled_max": "the dialect's own",
    "account": "the first one",
    "claims": "none: what the system believes is not asked",
    "idle": "none: a short real grace stands in for it",
    "start": "now",
}


class Setting(NamedTuple):
    """One value of a scenario: its key, as text, and whether the file says it or a default."""

    key: str
    value: str
    by: str


def settings_of(scenario: Scenario) -> list[Setting]:
    """Return every value of a scenario in the order of its sections; secrets are hidden."""
    return list(_walk(scenario, (), given=True))


def secrets_of(scenario: Scenario) -> list[str]:
    """Return the texts that must not be shown, the longest first."""
    found = [account.secret for account in scenario.accounts if account.secret]
    if scenario.sut is not None:
        found += [text for text in scenario.sut.env.values() if not _PLACEHOLDER.fullmatch(text)]
        found += [word for word, shown in _words(scenario.sut.command or ()) if word != shown]
    return sorted({text for text in found if len(text) >= SWEPT_CHARS_MIN}, key=len, reverse=True)


def swept(value: Any, secrets: list[str]) -> Any:
    """Return a document with every occurrence of a secret hidden, wherever it stands."""
    if isinstance(value, dict):
        return {key: swept(inner, secrets) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [swept(inner, secrets) for inner in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
    return value


def _walk(model: BaseModel, path: KeyPath, *, given: bool) -> Iterator[Setting]:
    for name, field in type(model).model_fields.items():
        if name == "rules":  # explained in sentences of their own
            continue
        key = field.alias or name
        is_given = given and name in model.model_fields_set
        yield from _value(getattr(model, name), (*path, key), name, given=is_given)


def _value(value: Any, path: KeyPath, name: str, *, given: bool) -> Iterator[Setting]:
    by = "file" if given else "default"
    if isinstance(value, BaseModel):
        yield from _walk(value, path, given=given)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index), given=given)
    elif name == "env":
        for key, text in value.items():
            shown = text if _PLACEHOLDER.fullmatch(text) else f"(set, {HIDDEN[1:]}"
            yield Setting(dotted((*path, key)), shown, by)
    elif name in _KEYED:
        for key, rate in value.items():
            yield Setting(dotted((*path, key)), _KEYED[name](rate), by)
    elif value is not None or (path[-1] in _ABSENT and "of" not in path):
        yield Setting(dotted(path), _text(value, name, str(path[-1])), by)


def _text(value: Any, name: str, key: str) -> str:
    if value is None:
        return _ABSENT[key]
    if key in SECRET_KEYS:
        return HIDDEN
    for suffix, write in _WRITERS.items():
        if name.endswith(suffix):
            return write(value)
    return _BY_NAME.get(name, _plain)(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction):
        return percent(float(value)) if value.denominator != 1 else f"{value}"
    if isinstance(value, Request):
        return f"{value.method} {value.path}"
    if isinstance(value, Measure):
        return f"{value.metric} / {value.over}" if value.over else value.metric
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value)) or "none"
    return _USER_IN_URL.sub("***@", str(value))


def percent(share: float) -> str:
    """Write a share as a percentage with as many digits as it needs: 1.14%."""
    return f"{share * 100:.6g}%"


def duration(us: int) -> str:
    """Write microseconds as people do: 7d, 1h30m, 250ms."""
    if not us or us % 1_000_000:
        return f"{us / 1000:.6g}ms" if us else "0s"
    parts = []
    for unit, size in _UNITS:
        count, us = divmod(us, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def instant(us: int) -> str:
    """Write an instant as RFC 3339."""
    return (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "start_us": instant,
    "_us": duration,
    "_micros": decimal,
}
_KEYED: Mapping[str, Callable[[Any], str]] = {"rates": percent, "slots": "{:g}/s".format}
_BY_NAME: Mapping[str, Callable[[Any], str]] = {
    "command": lambda words: " ".join(shown for _, shown in _words(words)),
    "body": lambda body: json.dumps(_masked(body), ensure_ascii=False),
    "tax": lambda share: percent(float(share)),
    "share": lambda share: percent(float(share)),
    **dict.fromkeys(
        ("constant", "poisson", "base", "peak", "start", "end"), lambda rate: f"{rate:g}/s"
    ),
}


def _words(command: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each secret and each other word of a command line, and how it is shown."""
    hide_next = False
    for word in command:
        name, sign, value = word.partition("=")
        if hide_next:
            yield word, HIDDEN
        elif sign and _SECRET_NAME.search(name):
            yield value, f"{name}={HIDDEN}"
        else:
            plain = _USER_IN_URL.sub("***@", word)
            yield word, plain
        hide_next = not sign and word.startswith("-") and bool(_SECRET_NAME.search(word))


def _masked(body: Any) -> Any:
    """Hide what a body's own keys call a secret."""
    if isinstance(body, dict):
        return {
            key: HIDDEN if _SECRET_NAME.search(key) else _masked(inner)
            for key, inner in body.items()
        }
    return [_masked(inner) for inner in body] if isinstance(body, list) else body
