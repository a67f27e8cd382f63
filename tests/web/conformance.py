"""A server held against its OpenAPI document by schemathesis; the seed is printed on failure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import schemathesis

SEED = int(os.environ.get("TODOKU_TEST_SEED", "20260302"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STRICT = [*CHECKS, negative_data_rejection]


def seeded(max_examples: int) -> Callable[[Any], Any]:
    """Decorate a test with so many cases an operation, the same ones every time."""

    def decorate(test: Any) -> Any:
        return settings(
            max_examples=max_examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        )(seed(SEED)(test))

    return decorate


def conform(
    case: schemathesis.Case, url: str, headers: Mapping[str, str], *, strict: bool = False
) -> None:
    """Make a case's request; its reply must be as the document says.

    `strict`: what breaks the document's schema must be refused.
    """
    try:
        case.call_and_validate(
            base_url=url, headers=dict(headers), checks=STRICT if strict else CHECKS
        )
    except BaseException:
        print(f"seed {SEED}: set TODOKU_TEST_SEED for another")  # noqa: T201 - for who reads it
        raise
