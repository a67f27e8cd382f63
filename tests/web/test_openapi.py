"""The control port against its own description: the same routes, and replies that conform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from aiohttp import web
from jsonschema import Draft202012Validator

from simulator.core.cause import Cause
from simulator.core.message import OutcomeKind, State
from simulator.core.number import NumberKind
from simulator.core.tariff import POLICIES
from simulator.dialects import DIALECTS
from simulator.web import control_ask as ask
from simulator.web import control_pages as pages
from simulator.web.control import control_app, openapi
from simulator.web.control_callbacks import CallbacksQuery, RefusalsQuery
from simulator.web.control_gate import CODES
from simulator.web.control_people import PersonQuery
from simulator.web.control_rules import RulesBody
from tests.servers import SID, TOKEN, make_server, request, running, us
from tests.web.conformance import conform, seeded
from tests.worlds import START_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running

DOCUMENT = openapi()
BODIES = {
    "putAccount": ask.AccountBody,
    "reply": ask.ReplyBody,
    "alarm": ask.AlarmBody,
    "advance": ask.AdvanceBody,
    "rate": ask.RateBody,
    "putRules": RulesBody,
}
QUERIES = {
    "worlds": pages.PageQuery,
    "accounts": pages.PageQuery,
    "messages": pages.MessagesQuery,
    "purge": pages.PurgeQuery,
    "callbacks": CallbacksQuery,
    "refusals": RefusalsQuery,
    "person": PersonQuery,
    "truth": pages.AccountPageQuery,
    "messageByReference": ask.ReferenceQuery,
    "events": ask.EventsQuery,
    "stream": ask.StreamQuery,
    "ledger": pages.AccountPageQuery,
    "invoices": pages.AccountPageQuery,
    "wait": ask.WaitQuery,
    "judgement": ask.JudgementQuery,
}
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}

schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def live() -> Iterator[Running]:
    """A server for all."""
    with running() as server:
        yield server


def lookup(reference: str) -> Any:
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_the_document_has_exactly_the_routes_of_the_port() -> None:
    app = control_app(make_server())
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert served == {(method, path) for method, path, _ in OPERATIONS.values()}
    assert isinstance(app, web.Application)


def test_the_document_is_served_with_the_version(live: Running) -> None:
    answer = request("GET", f"{live.control_url}/openapi.json")
    assert answer.json == DOCUMENT
    assert DOCUMENT["info"]["version"] != "0"


def test_only_what_needs_no_token_says_so() -> None:
    free = {name for name, (_, _, op) in OPERATIONS.items() if op.get("security") == []}
    assert free == {"healthz", "readyz", "openapi", "openapiNative", "metrics"}


def test_every_schema_is_valid_and_every_reference_leads_somewhere() -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                assert lookup(node["$ref"]) is not None
            if "schema" in node:
                Draft202012Validator.check_schema(node["schema"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(DOCUMENT)
    for found in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(found)


@pytest.mark.parametrize("name", BODIES)
def test_bodies_have_the_documents_fields(name: str) -> None:
    found = OPERATIONS[name][2]["requestBody"]["content"]["application/json"]["schema"]
    found = lookup(found["$ref"]) if "$ref" in found else found
    written = BODIES[name].model_json_schema()
    assert set(found["properties"]) == set(written["properties"])
    assert set(found.get("required", ())) == set(written.get("required", ()))


@pytest.mark.parametrize("name", OPERATIONS)
def test_queries_have_the_documents_parameters(name: str) -> None:
    written = QUERIES.get(name, ask.NoQuery).model_json_schema()
    parameters = OPERATIONS[name][2].get("parameters", [])
    found = [lookup(p["$ref"]) if "$ref" in p else p for p in parameters]
    queries = {p["name"]: p for p in found if p["in"] == "query"}
    assert set(queries) == set(written.get("properties", {}))
    required = {each for each, p in queries.items() if p.get("required")}
    assert required == set(written.get("required", ()))


def test_the_documents_words_are_those_of_the_model() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    states = [state.name.lower() for state in State]
    assert schemas["Level"]["properties"]["state"]["enum"] == states
    assert schemas["State"]["enum"] == states[1:]
    causes = [cause.name.lower() for cause in Cause if cause]
    assert schemas["Cause"]["enum"] == [*causes, None]
    assert schemas["AccountChange"]["properties"]["policy"]["enum"] == list(POLICIES)
    assert schemas["AccountChange"]["properties"]["dialect"]["enum"] == list(DIALECTS)
    assert schemas["Outcome"]["enum"] == [kind.name.lower() for kind in OutcomeKind]
    assert schemas["Person"]["properties"]["kind"]["enum"] == [kind.value for kind in NumberKind]
    assert set(parameter("messages", "carrier")["enum"]) == pages.CARRIER_NAMES
    assert parameter("callbacks", "outcome") == {"$ref": "#/components/schemas/Outcome"}
    delays = schemas["Account"]["properties"]["retry"]["properties"]["delays_us"]
    assert delays["items"]["maximum"] == ask.ADVANCE_US_MAX
    assert delays["maxItems"] == ask.RETRIES_MAX
    assert schemas["Error"]["properties"]["error"]["enum"] == list(CODES.values())
    assert schemas["Micros"]["exclusiveMaximum"] == ask.END_US


def parameter(operation: str, name: str) -> Any:
    (found,) = (p for p in OPERATIONS[operation][2]["parameters"] if p.get("name") == name)
    return found["schema"]


# A wait and a stream answer when something happens; they have tests of their own.
@schema.exclude(operation_id=["wait", "stream"]).parametrize()
@seeded(max_examples=6)
def test_whatever_is_asked_the_reply_conforms(case: schemathesis.Case, live: Running) -> None:
    aim(case, live)
    try:
        conform(case, live.control_url, {"Authorization": f"Bearer {TOKEN}"})
    finally:
        if case.operation.path.endswith("/clock/rate"):
            live.post("/v1/worlds/default/clock/rate", {"rate": 0})


def aim(case: schemathesis.Case, live: Running) -> None:
    """Let every other case meet something that is there."""
    key = live.accepted(us(live.server.front.requests))
    parameters, path = case.path_parameters or {}, case.operation.path
    if len(parameters.get("world", "")) % 2 == 0:
        return
    parameters["world"] = "default"
    if path.endswith("/messages/{id}"):
        parameters["id"] = f"SM{key}"
    elif path.endswith("/people/{number}"):
        parameters["number"] = us(1)
    elif path.endswith("/accounts/{id}") and case.method == "GET":
        parameters["id"] = SID
    elif path.endswith("/clock/advance"):
        case.body = {"by": "4d"}
    elif path.endswith("/clock/alarms"):
        case.body = {"at_us": START_US, "url": "http://127.0.0.1:1025/"}
    elif path.endswith("/rules") and case.method == "PUT":
        case.body = {"rules": [{"name": "a", "seam": "receipt", "then": ["lose"]}]}
    elif path.endswith("/replies"):
        case.body = {"account": SID, "from": us(0), "to": "+15005550006", "body": "Yes"}
    if "account" in case.query:
        case.query["account"] = SID
