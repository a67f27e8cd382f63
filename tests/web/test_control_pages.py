"""Every list of the control port, a page at a time."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.web.control_gate import HttpError
from simulator.web.control_pages import PageQuery, page_of
from tests.servers import SECRET, SID, us
from tests.web.test_control_gate import refused

if TYPE_CHECKING:
    from simulator.web.control_pages import Place
    from tests.servers import Running

WORLD = "/v1/worlds/default"
LISTS = ("/v1/worlds", *(f"{WORLD}/{name}" for name in ("accounts", "truth", "ledger", "invoices")))
PAGED = (*LISTS, f"{WORLD}/messages", f"{WORLD}/callbacks")
PLACES = st.lists(st.tuples(st.text(max_size=5), st.integers(0, 9)), unique=True).map(sorted)


def walk(items: list[tuple[Place, int]], limit: int) -> list[int]:
    found, cursor = [], ""
    while True:
        page, following = page_of("test", items, PageQuery(limit=limit, cursor=cursor))
        assert len(page) <= limit
        found += page
        if following is None:
            return found
        cursor = following


@given(PLACES, st.integers(1, 10))
def test_pages_together_are_the_whole_list(places: list[Place], limit: int) -> None:
    items = [(place, i) for i, place in enumerate(places)]
    assert walk(items, limit) == list(range(len(items)))


@given(PLACES.filter(lambda places: len(places) > 2), st.data())
def test_what_comes_or_goes_between_pages_moves_nothing(
    places: list[Place], data: st.DataObject
) -> None:
    items = [(place, i) for i, place in enumerate(places)]
    size = data.draw(st.integers(1, len(items) - 1))
    _, cursor = page_of("test", items, PageQuery(limit=size))
    gone = data.draw(st.integers(0, len(items) - 1))
    left = items[:gone] + items[gone + 1 :]
    rest, _ = page_of("test", left, PageQuery(limit=1000, cursor=cursor or ""))
    assert rest == [i for i in range(size, len(items)) if i != gone]


@given(st.text(max_size=60))
def test_bad_input_15_whatever_is_not_a_cursor_is_400(text: str) -> None:
    if text:
        with pytest.raises(HttpError) as told:
            page_of("test", [(("a",), 1)], PageQuery(cursor=text))
        assert told.value.status == 400


def test_bad_input_15_a_cursor_of_another_list_is_400() -> None:
    items = [((name,), name) for name in "abc"]
    _, cursor = page_of("accounts", items, PageQuery(limit=1))
    with pytest.raises(HttpError):
        page_of("worlds", items, PageQuery(limit=1, cursor=cursor or ""))


def fill(server: Running) -> None:
    for i in range(5):
        body = {"dialect": "twilio", "secret": SECRET}
        server.control("PUT", f"{WORLD}/accounts/AC{i:032x}", body)
        server.control("PUT", f"/v1/worlds/w{i}/accounts/shop-{i}", body)
    for i in range(5):
        server.accepted(us(i), StatusCallback=f"{server.url}/nobody")
    server.post(f"{WORLD}/clock/advance", {"by": "40d"})
    for i in range(5):
        server.accepted(us(i))


def content(path: str) -> str:
    name = path.rpartition("/")[2]
    return {"truth": "accounts", "ledger": "sheets"}.get(name, name)


@pytest.mark.parametrize("path", PAGED)
def test_every_list_is_paged_and_no_page_is_larger_than_asked(server: Running, path: str) -> None:
    fill(server)
    whole = server.get(path, limit=1000)
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = server.get(path, limit=2, cursor=cursor)
        assert len(page[content(path)]) <= 2
        found += page[content(path)]
        cursor = page["next"]
    assert whole["next"] is None
    assert found == whole[content(path)]
    assert len(found) >= 2


NO_LIMITS = ("0", "-1", "1001", "9" * 30, "1e3", "x", "")
NO_CURSORS = ("-1", "x", "%00", "AAAA", "1" * 600, "%ED%A0%80", "%C3%A9")


@pytest.mark.parametrize("path", PAGED)
def test_bad_input_15_a_page_that_cannot_be_is_400(server: Running, path: str) -> None:
    queries = [f"limit={limit}" for limit in NO_LIMITS]
    queries += [f"cursor={cursor}" for cursor in NO_CURSORS]
    for query in (*queries, "limit=1&limit=2", "page=2"):
        refused(server.control("GET", f"{path}?{query}"), 400, "bad_request")


@pytest.mark.parametrize("path", LISTS)
def test_bad_input_15_a_tampered_cursor_is_400(server: Running, path: str) -> None:
    fill(server)
    cursor = server.get(path, limit=1)["next"]
    data = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in range(len(data)):
        data[place] ^= 1
        forged = base64.urlsafe_b64encode(data).decode().rstrip("=")
        answer = server.control("GET", f"{path}?limit=1&cursor={forged}")
        refused(answer, 400, "bad_request", "cursor")
        data[place] ^= 1


def test_a_page_of_books_is_of_one_account(server: Running) -> None:
    fill(server)
    for path in (f"{WORLD}/{name}" for name in ("truth", "ledger", "invoices")):
        found = server.get(path, account=SID)[content(path)]
        assert {each["account"] for each in found} == {SID}
        refused(server.control("GET", f"{path}?account=nobody"), 404, "not_found")
    assert server.get(f"{WORLD}/truth", account=SID)["total"]["accepted"] == 10
