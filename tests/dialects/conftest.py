"""Fixtures of the dialects' tests: a counter for any dialect, Twilio calls, vendors' schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from twilio.rest import Client

from tests import vendors
from tests.dialects.counter import Counter
from tests.dialects.twilio_api import AC, TOKEN, Api, InProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from openapi_schema_validator import OAS30Validator


@pytest.fixture
def counter() -> Callable[..., Counter]:
    """Open a counter: `counter(dialect, id, secret, check, is_open=True, **account's fields)`."""

    def make(
        dialect: Any, name: str, token: str, check: Any, *, is_open: bool = True, **fields: Any
    ) -> Counter:
        account = msgspec.structs.replace(dialect.new_account(name, token), **fields)
        return Counter(dialect, account, check, is_open=is_open)

    return make


@pytest.fixture(scope="session")
def vendors_schema() -> Callable[[str, str], OAS30Validator | None]:
    """Read a schema of a vendor's OpenAPI, which is no part of this repository; None: not here."""
    return vendors.vendors_schema


@pytest.fixture
def open_api(counter: Any) -> Callable[..., Api]:
    return lambda **account: Api(counter, **account)


@pytest.fixture
def api(open_api: Callable[..., Api]) -> Api:
    return open_api()


@pytest.fixture
def sdk(api: Api) -> Client:
    """Twilio's own client, unmodified but for its transport."""
    return Client(AC, TOKEN, http_client=InProcess(api.counter))
