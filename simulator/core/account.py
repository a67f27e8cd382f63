"""What an account may declare: services, API keys, limits, repeats of callbacks. Data only."""

from __future__ import annotations

import msgspec


class Service(msgspec.Struct, frozen=True, gc=False):
    """A messaging service: a pool of senders under one id; the recipient's sender stays the same.

    Attributes:
        id: the provider's name for it (MG...).
        senders: its pool.
        callback_url: where status callbacks go if a message names no address of its own.
        enabled: whether it takes messages.
    """

    id: str
    senders: tuple[str, ...] = ()
    callback_url: str = ""
    enabled: bool = True


class ApiKey(msgspec.Struct, frozen=True, gc=False):
    """Credentials of an account, beside its own: an id (SK...) and a secret."""

    id: str
    secret: str


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """What may be scheduled.

    Attributes:
        lead_us_min, lead_us_max: how far ahead of the request, both inclusive; 0: no limit.
        most: messages that may be waiting for their instant at one time; -1: any number.
    """

    lead_us_min: int = 0
    lead_us_max: int = 0
    most: int = -1


class Retry(msgspec.Struct, frozen=True, gc=False):
    """How a provider repeats a failed callback.

    Attributes:
        delays_us: virtual time before each further attempt; its length is the number of retries.
        timeout_us: the provider's nominal timeout: what an attempt that times out takes.
        on_status: also retry where the receiver answered something other than 2xx.
        hundreds: of which statuses then, such as 5 for 5xx; empty: of all.
        on_timeout, on_connect: retry where no answer came in time; where there is no connection.
        connect_us: nominal timeout of connecting; 0: as the whole attempt's.
        total_us: virtual time for all attempts together; 0: any.
        by_fragment: the address's own fragment goes before all this (`webhook.py`).
    """

    delays_us: tuple[int, ...] = ()
    timeout_us: int = 15_000_000
    on_status: bool = True
    hundreds: tuple[int, ...] = ()
    on_timeout: bool = True
    on_connect: bool = True
    connect_us: int = 0
    total_us: int = 0
    by_fragment: bool = False
