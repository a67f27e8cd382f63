"""The JSON Schema of `report.json`, version 1: `todoku schema report`.

The one rule: a key may be added within a version, so unknown ones are allowed; none is taken away
and none changes its meaning. A test holds every key of a real report to this.
"""

from __future__ import annotations

from typing import Any

from simulator.core.metric import METRIC, MONEY, REAL
from simulator.run.report import SCHEMA
from simulator.run.report_schema_load import LOAD

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_INT: Schema = {"type": "integer"}
_FLAG: Schema = {"type": "boolean"}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBER: Schema = {"type": "number"}
_DECIMAL: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_EXIT: Schema = {"enum": [0, 1, 2, 3, 130]}


def _object(optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": [key for key in properties if key not in optional],
        "properties": properties,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _pair(value: Schema) -> Schema:
    return _object(todoku=value, system=_or_null(value))


_EXPECTATION = _object(
    name=_TEXT,
    that=_TEXT,
    of=_TEXT,
    level={"enum": ["fail", "warn"]},
    outcome={"enum": ["passed", "failed", "no_data", "not_judged"]},
    holds=_FLAG,
    limit=_TEXT,
    value=_or_null(_NUMBER),
    exact=_or_null({"type": "string", "pattern": r"^-?[0-9]+(/[0-9]+)?$"}),
    margin=_or_null(_NUMBER),
    confidence=_or_null(
        _object(
            level=_SHARE,
            sample=_COUNT,
            low=_SHARE,
            high=_SHARE,
            would_catch_below=_or_null(_SHARE),
            would_catch_above=_or_null(_SHARE),
        )
    ),
    words=_TEXT,
)

_SIDE = _object(count=_or_null(_NUMBER), of=_or_null(_NUMBER), value=_or_null(_NUMBER))
_RATE = _object(name=_TEXT, japanese=_TEXT, formula=_TEXT, truth=_SIDE, told=_SIDE)

_FINDINGS = _object(
    ("matched", "amount", "classes", "pairs"),
    judged=_FLAG,
    allowed=_FLAG,
    matched=_COUNT,
    count=_COUNT,
    amount=_DECIMAL,
    classes=_list(_object(kind=_TEXT, code=_TEXT, count=_COUNT, amount=_DECIMAL)),
    pairs=_list(_object(claimed=_TEXT, told=_TEXT, count=_COUNT)),
    rows=_list(
        _object(
            ("body",),
            kind=_TEXT,
            code=_TEXT,
            own_id=_or_null(_TEXT),
            provider_id=_or_null(_TEXT),
            to=_TEXT,
            words=_TEXT,
            units=_INT,
            amount=_DECIMAL,
            body=_TEXT,
        )
    ),
)

_RULES = _object(
    fired=_list(_object(rule=_TEXT, seam=_TEXT, verdict=_TEXT, times=_COUNT)),
    forged=_map(_COUNT),
    receipts_lost=_map(_COUNT),
)
_TRUTH = _object(
    accounts=_map(
        _object(
            accepted=_COUNT,
            in_flight=_COUNT,
            fate=_map(_COUNT),
            known=_map(_COUNT),
            told=_map(_COUNT),
            gap_known_to_fate=_INT,
            causes=_map(_COUNT),
            noticed=_COUNT,
            opened=_COUNT,
            clicked=_COUNT,
            replied=_COUNT,
            opted_out=_COUNT,
            callbacks=_COUNT,
            callbacks_abandoned=_COUNT,
        )
    ),
    refused=_map(_COUNT),
)

_INVOICE = _object(
    account=_TEXT,
    month={"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
    currency={"type": "string", "pattern": "^[A-Z]{3}$"},
    policy=_TEXT,
    units=_INT,
    excluded_units=_INT,
    excluded_by_cause=_map(_INT),
    pending_units=_COUNT,
    fees=_DECIMAL,
    subtotal=_DECIMAL,
    tax=_DECIMAL,
    total=_DECIMAL,
)

_POLICY = _object(
    words=_TEXT,
    notice=_TEXT,
    count=_COUNT,
    checks=_list(
        _object(
            name=_TEXT,
            check=_TEXT,
            outcome={"enum": ["held", "broken", "not_judged"]},
            level={"enum": ["fail", "warn"]},
            fails=_FLAG,
            occasions=_COUNT,
            breaches=_COUNT,
            words=_TEXT,
            source=_TEXT,
        )
    ),
    rows=_list(
        _object(
            at=_TEXT,
            to=_TEXT,
            channel=_TEXT,
            own_id=_TEXT,
            rule=_TEXT,
            level=_TEXT,
            words=_TEXT,
            source=_TEXT,
        )
    ),
)

_WALL = _object(
    ("python", "machine", "checked"),
    began=_TEXT,
    seconds=_NUMBER,
    run=_TEXT,
    todoku=_TEXT,
    python=_TEXT,
    machine=_TEXT,
    checked=_TEXT,
)


_METRIC_AS = {MONEY: _DECIMAL, **dict.fromkeys(REAL, _NUMBER)}


def report_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of a report."""
    metrics = {
        name: {**_METRIC_AS.get(metric.unit, _INT), "description": metric.words}
        for name, metric in METRIC.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Todoku report, version 1",
        **_object(
            ("load",),
            load=LOAD,
            schema={"const": SCHEMA},
            verdict=_object(exit_code=_EXIT, words=_TEXT),
            validity=_object(proves=_FLAG, why=_TEXTS),
            scenario=_object(
                name=_TEXT,
                title=_TEXT,
                seed=_COUNT,
                people=_COUNT,
                numbers=_TEXT,
                preset=_TEXT,
                time={"enum": ["stepped", "scaled", "real"]},
                identity=_TEXT,
            ),
            departures=_TEXTS,
            notes=_TEXTS,
            repeatable=_object(answer={"enum": ["yes", "no"]}, why=_TEXTS, stragglers=_COUNT),
            expectations=_list(_EXPECTATION),
            metrics={"type": "object", "properties": metrics},
            totals=_object(
                accepted=_pair(_COUNT),
                delivered=_pair(_COUNT),
                charged_units=_pair(_INT),
                excluded_units=_pair(_INT),
                total=_pair(_DECIMAL),
            ),
            rules=_RULES,
            rates=_list(_RATE),
            truth=_TRUTH,
            invoices=_object(head=_TEXT, rows=_list(_INVOICE)),
            findings=_FINDINGS,
            digest={"type": "string", "pattern": "^[0-9a-f]{32}-[0-9]+$"},
            policy=_POLICY,
            wall=_WALL,
        ),
    }
