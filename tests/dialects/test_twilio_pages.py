"""Twilio's lists and pages; the official SDK asks, and reads the replies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException

from simulator.core.ids import public_id
from tests.dialects.twilio_api import MESSAGES

if TYPE_CHECKING:
    from twilio.rest import Client

    from tests.dialects.twilio_api import Api


def test_the_sdk_creates_fetches_and_raises(sdk: Client) -> None:
    sent = sdk.messages.create(to="+819012345678", from_="+15005550006", body="こんにちは")
    found = sdk.messages(sent.sid).fetch()
    assert (found.status, found.body, found.num_segments) == ("queued", "こんにちは", "1")
    assert found.date_created == datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(TwilioRestException) as caught:
        sdk.messages.create(to="0312345678", from_="+15005550006", body="x")
    assert (caught.value.code, caught.value.status) == (21211, 400)
    assert "0312345678" in caught.value.msg


def test_the_sdk_follows_pages_to_the_end_and_back(sdk: Client, api: Api) -> None:
    for _ in range(7):
        api.counter.keep(sender="+15005550006")
    assert [m.sid for m in sdk.messages.list(page_size=3)] == [
        "SM" + public_id(1000 + i, 0) for i in reversed(range(7))
    ]
    first = sdk.messages.page(page_size=3)
    second = first.next_page()
    assert [m.sid for m in second.previous_page()] == [m.sid for m in sdk.messages.list(limit=3)]
    assert second.next_page().next_page() is None
    assert len(sdk.messages.list(limit=5000)) == 7  # the SDK asks for PageSize=5000
    assert api.counter.asked.what.size == 1000


def test_a_page_tells_where_it_stands(api: Api) -> None:
    for _ in range(3):
        api.counter.keep(sender="+15005550006")
    _, one = api.get(".json?To=%2B819012345678&DateSent%3E=2026-01-02T03:04:05Z&PageSize=2")
    assert (one["page"], one["start"], one["end"], one["previous_page_uri"]) == (0, 0, 1, None)
    query = dict(parse_qsl(one["next_page_uri"].partition("?")[2]))
    assert query == {
        "To": "+819012345678",
        "DateSent>": "2026-01-02T03:04:05Z",
        "PageSize": "2",
        "Page": "1",
        "PageToken": "PA" + one["messages"][-1]["sid"],
    }
    _, two = api.get(one["next_page_uri"].removeprefix(MESSAGES))
    assert (two["page"], two["start"], two["end"], two["next_page_uri"]) == (1, 2, 2, None)


DAY = 1_767_312_000_000_000  # 2026-01-02T00:00:00Z


@pytest.mark.parametrize(
    ("filters", "from_us", "before_us"),
    [
        ({"date_sent": date(2026, 1, 2)}, DAY, DAY + 86_400_000_000),
        ({"date_sent": datetime(2026, 1, 2, 9, tzinfo=UTC)}, DAY, DAY + 86_400_000_000),
        ({"date_sent_after": "2026-01-02"}, DAY, 0),
        ({"date_sent_before": datetime(2026, 1, 2, tzinfo=UTC)}, 0, DAY + 1_000_000),
        ({"date_sent_after": "2026-01-02 00:00:01.500+00:00"}, DAY + 1_000_000, 0),
        ({"date_sent_before": "0001-01-01"}, 0, 1),
        ({"date_sent": "0001-01-01"}, 0, 1),
        ({"date_sent": "2026-01-02", "date_sent_before": "2026-01-02"}, DAY, DAY + 1_000_000),
    ],
)
def test_date_filters_mean_what_twilio_says(
    sdk: Client, api: Api, filters: dict[str, Any], from_us: int, before_us: int
) -> None:
    sdk.messages.list(to="+819012345678", from_="+15005550006", **filters)
    asked = api.counter.asked.what
    assert (asked.sent_from_us, asked.sent_before_us) == (from_us, before_us)
    assert (asked.to, asked.sender) == ("+819012345678", "+15005550006")
