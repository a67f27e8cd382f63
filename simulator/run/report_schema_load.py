"""The report's JSON Schema, the part about a load: `load`, in milliseconds of real time.

The one rule: what a load against callbacks does not have is not required, only described.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "number"}
_COUNTS: Schema = {"type": "object", "additionalProperties": _COUNT}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": [*properties], "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_REQUESTS = _object(
    scheduled=_COUNT,
    started=_COUNT,
    late=_COUNT,
    dropped=_COUNT,
    failed=_COUNT,
    results=_COUNTS,
)
_QUANTILES = ("mean", "p50", "p90", "p99", "p999", "max")
_LATENCY = _object(count=_COUNT, **{key: {"type": ["number", "null"]} for key in _QUANTILES})
_LATENCY["properties"] |= {
    "open": {
        **_COUNT,
        "description": "had not ended when it was over; a quantile that depends on them is null",
    },
    "at_least": {
        "type": "object",
        "description": "the least that a quantile can be, where that is not its value",
        "additionalProperties": _NUMBER,
    },
}
_SECOND = _object(
    second={"type": "integer"},
    scheduled=_COUNT,
    started=_COUNT,
    finished=_COUNT,
    failed=_COUNT,
    dropped=_COUNT,
    in_flight=_COUNT,
    p50_ms=_NUMBER,
    p99_ms=_NUMBER,
)
_WORKER = _object(
    worker=_COUNT,
    name=_TEXT,
    lost={"type": "boolean"},
    started=_COUNT,
    cpu_max=_NUMBER,
    lag_ms_max=_NUMBER,
    clock_ahead_ms={"type": ["number", "null"]},
    clock_uncertainty_ms={"type": ["number", "null"]},
)
_SIMULATOR = _object(
    busiest=_NUMBER,
    at_most=_NUMBER,
    window_s=_NUMBER,
    lag_s=_NUMBER,
    clock_rate=_NUMBER,
)
_ODD = _object(kind=_TEXT, n={"type": "integer"}, to=_TEXT, words=_TEXT)

LOAD: Schema = {
    "type": "object",
    "properties": {
        "against": _TEXT,
        "seed": _COUNT,
        "shape": {"type": "object"},
        "ended": {"enum": ["finished", "stopped", "lost"]},
        "counts": _REQUESTS,
        "warm_up": _REQUESTS,
        "in_flight": _COUNT,
        "codes": _COUNTS,
        "latency_ms": {"type": "object", "additionalProperties": _LATENCY},
        "seconds": _list(_SECOND),
        "generator": _object(
            expected=_COUNT, reported=_COUNT, lost=_list(_TEXT), workers=_list(_WORKER)
        ),
        "simulator": _SIMULATOR,
        "books": _object(rows=_COUNT, started=_COUNT, counts=_COUNTS, odd=_list(_ODD)),
        "callbacks": {"type": "object"},
        "versions": _object(todoku=_TEXT, locust=_TEXT, python=_TEXT),
    },
}
