"""The native API against its own description: the same routes, and replies that conform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
import yaml
from jsonschema import Draft202012Validator

from simulator import __version__
from simulator.core.message import Cause, State
from simulator.core.text import Encoding
from simulator.dialects import native, native_parse, native_render, native_webhook
from simulator.web.control import native_openapi
from tests.native_api import Api, open_native
from tests.servers import request
from tests.web.conformance import conform, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: dict[str, Any] = yaml.safe_load(native_openapi())
SCHEMAS = DOCUMENT["components"]["schemas"]
STRUCTS = {
    "Create": native_parse.Create,
    "CreateBatch": native_parse.Batches,
    "Message": native_render.Resource,
    "Billing": native_render.Billing,
    "Event": native_webhook.Event,
}

schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def live() -> Iterator[Api]:
    """A server for all."""
    with open_native() as api:
        yield api


def test_the_document_has_exactly_the_routes_of_the_dialect() -> None:
    described = {
        (method.upper(), path.replace("{id}", "*"))
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == {(route.method, route.path) for route in native.ROUTES}


def test_the_control_port_serves_the_document_without_a_token(live: Api) -> None:
    answer = request("GET", f"{live.server.control_url}/openapi/native.yaml")
    assert (answer.status, answer.body) == (200, native_openapi())
    assert answer.headers["Content-Type"] == "application/yaml"
    assert DOCUMENT["info"]["version"] == __version__


def test_every_schema_is_valid() -> None:
    for found in SCHEMAS.values():
        Draft202012Validator.check_schema(found)


@pytest.mark.parametrize("name", STRUCTS)
def test_an_object_has_the_documents_fields(name: str) -> None:
    struct = STRUCTS[name]
    fields = list(struct.__struct_encode_fields__)
    assert list(SCHEMAS[name]["properties"]) == fields
    required = len(fields) - len(struct.__struct_defaults__)
    assert SCHEMAS[name]["required"] == fields[:required]


def test_the_documents_words_are_those_of_the_model() -> None:
    assert SCHEMAS["Status"]["enum"] == list(native.STATUS.values())
    causes = [cause.name.lower() for cause in Cause if cause]
    assert SCHEMAS["Message"]["properties"]["cause"]["enum"] == [*causes, None]
    encodings = [each.name.lower() for each in Encoding]
    assert SCHEMAS["Message"]["properties"]["encoding"]["enum"] == encodings
    problem = SCHEMAS["Problem"]["properties"]
    assert set(problem["code"]["enum"]) == {code for _, code, _ in native.REASONS.values()}
    assert set(problem["status"]["enum"]) == {status for status, _, _ in native.REASONS.values()}
    events = {state for state in State if native_parse.NOTIFY >> state & 1} | {State.RECEIVED}
    named = SCHEMAS["Event"]["properties"]["type"]["enum"]
    assert set(named) == {f"message.{native.STATUS[state]}" for state in events}


def test_the_documents_limits_are_those_of_the_parser() -> None:
    create = SCHEMAS["Create"]["properties"]
    assert create["text"]["maxLength"] == native_parse.TEXT_CHARS_MAX
    assert create["reference"]["maxLength"] == native_parse.REFERENCE_CHARS_MAX
    assert create["callback_url"]["maxLength"] == native_parse.URL_CHARS_MAX
    batch = SCHEMAS["CreateBatch"]["properties"]["messages"]
    assert batch["maxItems"] == native_parse.BATCH_MAX
    [limit] = [
        parameter["schema"]
        for parameter in DOCUMENT["paths"]["/todoku/v1/messages"]["get"]["parameters"]
        if parameter["name"] == "limit"
    ]
    assert limit["maximum"] == native_parse.PAGE_SIZE_MAX
    assert limit["default"] == native_parse.PAGE_SIZE


@schema.parametrize()
@seeded(max_examples=25)
def test_whatever_is_asked_the_reply_conforms(case: schemathesis.Case, live: Api) -> None:
    aim(case, live)
    conform(case, live.server.url, live.credentials(), strict=True)


def aim(case: schemathesis.Case, live: Api) -> None:
    """Let every other case meet something that is there."""
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if not positive or live.server.server.front.requests % 2:
        return
    if "{id}" in case.operation.path:
        case.path_parameters["id"] = live.accepted()["id"]
    elif isinstance(case.body, dict) and "text" in case.body:
        case.body.update(to=live.number(), **{"from": "20345"})
    elif isinstance(case.body, dict) and isinstance(case.body.get("messages"), list):
        case.body["messages"].append(live.message())
