"""The control port's rules: which hold in a world, how often each has fired; set and taken away.

The one rule: what is shown can be sent back as it is. A rule that is sent again unchanged keeps its
hits, so a list may be put anew to add to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from aiohttp import web
from pydantic import Field, model_validator

from simulator.core.faults import (
    Asks,
    Corrupt,
    Delay,
    Duplicate,
    Hold,
    Lose,
    Reject,
    Reorder,
)
from simulator.core.written import decimal, rfc3339
from simulator.rules import RULES_MAX, RuleBody
from simulator.verdicts import FORGERIES
from simulator.web.control_ask import Asked, NoQuery, body_of, query_of

if TYPE_CHECKING:
    from simulator.core.faults import Rule, Verdict, When
    from simulator.engine.world import World
    from simulator.web.control_panel import Panel
    from simulator.web.control_show import Json


class RulesBody(Asked):
    """The rules that are to hold, in their order."""

    rules: Annotated[tuple[RuleBody, ...], Field(strict=False, max_length=RULES_MAX)]

    @model_validator(mode="after")
    def _distinct(self) -> RulesBody:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rules of one name: {', '.join(twice)}: choose others")
        return self


async def rules(panel: Panel, request: web.Request) -> web.Response:
    """Answer with the rules of a world."""
    query_of(request, NoQuery)
    return web.json_response(_listed(panel.driver(request).world))


async def put_rules(panel: Panel, request: web.Request) -> web.Response:
    """Let other rules hold; durations in `during` count from now."""
    driver = panel.driver(request)
    asked = await body_of(request, RulesBody, panel.server.settings.body_timeout_s)
    panel.stir(driver)
    now_us = driver.now()
    found = tuple(body.rule(now_us) for body in asked.rules)
    panel.server.worlds.rule(found, driver.world.name, now_us)
    return web.json_response(_listed(driver.world))


async def delete_rules(panel: Panel, request: web.Request) -> web.Response:
    """Take every rule away; what they have begun goes on."""
    query_of(request, NoQuery)
    driver = panel.driver(request)
    panel.stir(driver)
    panel.server.worlds.rule((), driver.world.name, driver.now())
    return web.Response(status=204)


def _listed(world: World) -> Json:
    ruling = world.gateway.ruling
    live = [] if ruling is None else ruling.live
    return {"rules": [{"rule": written(each.rule), "hits": each.hits} for each in live]}


def written(rule: Rule) -> Json:
    """Write a rule as it is asked for."""
    found: Json = {"name": rule.name, "seam": rule.seam.value}
    if when := _when(rule.when):
        found["when"] = when
    found["then"] = [
        {kind.value: _verdict(v)} for kind, v in zip(rule.kinds, rule.then, strict=True)
    ]
    found["chance"] = f"{rule.chance:.15f}".rstrip("0").rstrip(".")
    if rule.from_us:
        found["during"] = {"from": rfc3339(rule.from_us)}
        if rule.until_us:
            found["during"]["until"] = rfc3339(rule.until_us)
    if rule.at_most >= 0:
        found["at_most"] = rule.at_most
    return found


def _when(when: When) -> Json:
    lists = {
        "account": when.accounts,
        "dialect": when.dialects,
        "to": when.to,
        "carrier": when.carriers,
        "segment": when.segments,
        "state": [state.name.lower() for state in when.states],
    }
    found: Json = {name: list(values) for name, values in lists.items() if values}
    if when.requests is not Asks.SEND:
        found["request"] = when.requests.value
    if when.endpoint:
        found["endpoint"] = when.endpoint
    if when.nth_from:
        found["nth"] = {"from": when.nth_from, "to": when.nth_to}
    return found


def _verdict(verdict: Verdict) -> Any:  # noqa: PLR0911 - one for each kind
    match verdict:
        case Delay(low_us, high_us):
            return {"from": _lasting(low_us), "to": _lasting(high_us)}
        case Reject(status, retry_after_s):
            later = {"retry_after": f"{retry_after_s}s"} if retry_after_s >= 0 else {}
            return {"status": status, **later}
        case Duplicate(copies, after_us):
            return {"copies": copies, "after": _lasting(after_us)}
        case Reorder(within_us):
            return {"within": _lasting(within_us)}
        case Hold(release_milli):
            return {"release": f"{decimal(release_milli * 1_000)}/s"} if release_milli else {}
        case Corrupt(forgery):
            return next(name for name, known in FORGERIES.items() if known is forgery)
        case Lose():
            return {}


def _lasting(us: int) -> str:
    return f"{decimal(us)}s"
