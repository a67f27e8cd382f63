"""What an account declares on the control port beside its plain settings: services and API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from simulator.core import account as model
from simulator.errors import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

SENDERS_MAX = 100
SERVICES_MAX = 100
KEYS_MAX = 100
NUMBERS_MAX = 1_000
SECRET_CHARS_MAX = 256
URL_CHARS_MAX = 4_096
SCHEDULED_MAX = 10_000_000


def _secret(value: str) -> str:
    if not value.isprintable():
        raise ValueError("expected printable text (a secret, not shown)")
    return value


def printable(value: str) -> str:
    """Take printable text only."""
    if not value.isprintable():
        raise ValueError(f"expected printable text; seen {shown(value)}")
    return value


Secret = Annotated[str, Field(min_length=1, max_length=SECRET_CHARS_MAX), AfterValidator(_secret)]
Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(printable)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Number = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
Countries = Annotated[list[Country], Field(max_length=300)]
Numbers = Annotated[list[Number], Field(max_length=NUMBERS_MAX)]
Most = Annotated[int, Field(ge=0, le=SCHEDULED_MAX)]


class _Declared(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ServiceBody(_Declared):
    """A messaging service: a pool of senders under one id."""

    id: Annotated[str, Field(pattern="^MG[0-9a-fA-F]{32}$")]
    senders: Annotated[list[Word], Field(max_length=SENDERS_MAX)] = []
    status_callback: Annotated[str, Field(max_length=URL_CHARS_MAX), AfterValidator(printable)] = ""
    enabled: bool = True


class ApiKeyBody(_Declared):
    """Credentials beside the account's own."""

    id: Annotated[str, Field(pattern="^SK[0-9a-fA-F]{32}$")]
    secret: Secret


def _distinct(value: list[Any]) -> list[Any]:
    ids = [each.id for each in value]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(f"declared twice: {', '.join(twice)}")
    return value


Services = Annotated[list[ServiceBody], Field(max_length=SERVICES_MAX), AfterValidator(_distinct)]
ApiKeys = Annotated[list[ApiKeyBody], Field(max_length=KEYS_MAX), AfterValidator(_distinct)]


def services_of(bodies: Sequence[ServiceBody]) -> tuple[model.Service, ...]:
    """Return the services in the model's own values."""
    return tuple(
        model.Service(each.id, tuple(each.senders), each.status_callback, each.enabled)
        for each in bodies
    )


def api_keys_of(bodies: Sequence[ApiKeyBody]) -> tuple[model.ApiKey, ...]:
    """Return the keys in the model's own values."""
    return tuple(model.ApiKey(each.id, each.secret) for each in bodies)


def service(found: model.Service) -> dict[str, Any]:
    """Write a service as it was declared."""
    return {
        "id": found.id,
        "senders": list(found.senders),
        "status_callback": found.callback_url,
        "enabled": found.enabled,
    }
