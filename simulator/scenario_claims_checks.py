"""What must hold between the keys of `sut.claims`; the models are in `scenario_claims.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from simulator.errors import KeyPath

if TYPE_CHECKING:
    from simulator.strict_yaml import Node

Found: TypeAlias = Iterator[tuple[KeyPath, str]]

SOURCES = ("request", "file", "sql", "posted")
_HERE: KeyPath = ("sut", "claims")
_OF_A_MAPPING = ("format", "rows", "next", "page", "delimiter", "currency")
_OF_A_REQUEST = ("next", "page", "headers")


def claims_checks(claims: Node | None) -> Found:
    """Yield what is wrong between the keys of `sut.claims`."""
    if not isinstance(claims, dict):
        return
    sources = [name for name in SOURCES if name in claims]
    if sources != ["request", "posted"] and len(sources) != 1:
        seen = " and ".join(sources) or "none"
        yield _HERE, f"needs exactly one of {', '.join(SOURCES)}; seen {seen}"
    for key in _OF_A_REQUEST:
        if key in claims and ("request" not in claims or "posted" in claims):
            yield (*_HERE, key), "belongs to a request that answers with claims: remove it"
    if "next" in claims and "page" in claims:
        yield (*_HERE, "page"), "the next page is named by `next` or by `page`: keep one"
    if "fields" in claims and "totals" in claims:
        yield (*_HERE, "totals"), "rows or totals: map `fields` or `totals`, not both"
    if "fields" in claims or "totals" in claims:
        yield from _mapped(claims)
    else:
        yield from _of_version_1(claims)


def _mapped(claims: dict[str, Node]) -> Found:
    fields, totals = claims.get("fields"), claims.get("totals")
    if isinstance(fields, dict):
        if not {"own_id", "provider_id", "to"}.intersection(fields):
            yield (*_HERE, "fields"), "needs own_id, provider_id or to, so that rows can be joined"
        if "amount" in fields and "currency" not in fields and "currency" not in claims:
            said = "amounts of which currency? Add `currency: JPY`, or map `fields.currency`"
            yield _HERE, said
    if isinstance(totals, dict) and not totals:
        yield (*_HERE, "totals"), "names no total: map one, such as `accepted: sent_count`"
    if "aggregates" in claims:
        yield (*_HERE, "aggregates"), "belongs to version 1: map `totals` instead, or remove it"


def _of_version_1(claims: dict[str, Node]) -> Found:
    for key in _OF_A_MAPPING:
        if key in claims:
            yield (*_HERE, key), "belongs to a mapping: add `fields` or `totals`, or remove it"
    if "sql" in claims:
        yield _HERE, "a query has columns: map them with `fields` or `totals`"
