"""Provider routes: exact parts before open ones, and what else a path takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.dialects import DIALECTS
from simulator.dialects.shape import Refused, Route
from simulator.web.routes import Match, Table

if TYPE_CHECKING:
    from simulator.core.wire import HttpReply


def route(method: str, path: str) -> Route:
    def parse(*_: object) -> Refused:
        raise NotImplementedError

    def render(*_: object) -> HttpReply:
        raise NotImplementedError

    return Route(method, path, parse, render)


TABLE = Table(
    ("test", route(method, path))
    for method, path in (
        ("GET", "/a/*/b.json"),
        ("POST", "/a/*/b.json"),
        ("GET", "/a/*/c/*"),
        ("GET", "/a/exact/c/d"),
        ("GET", "/"),
    )
)


@pytest.mark.parametrize(
    ("method", "path", "found", "tail"),
    [
        ("GET", "/a/x/b.json", "/a/*/b.json", ("x",)),
        ("POST", "/a/x/b.json", "/a/*/b.json", ("x",)),
        ("GET", "/a/x/c/y z", "/a/*/c/*", ("x", "y z")),
        ("GET", "/a/exact/c/d", "/a/exact/c/d", ()),
        ("GET", "/a//b.json", "/a/*/b.json", ("",)),
        ("GET", "/", "/", ()),
    ],
)
def test_a_route_is_found_with_what_stands_at_its_open_parts(
    method: str, path: str, found: str, tail: tuple[str, ...]
) -> None:
    match = TABLE.find(method, path)
    assert isinstance(match, Match)
    assert (match.dialect, match.route.path, match.route.method) == ("test", found, method)
    assert match.tail == tail


@pytest.mark.parametrize(
    "path",
    ["/b", "/a", "/a/x", "/a/x/b.json/", "/a/x/b.json/y", "/a/exact/b.json", "/" * 1_000],
)
def test_an_unknown_path_takes_no_method(path: str) -> None:
    assert TABLE.find("GET", path) == ()


def test_a_known_path_names_its_methods() -> None:
    assert TABLE.find("PUT", "/a/x/b.json") == ("GET", "POST")


def test_two_routes_may_not_be_one() -> None:
    twice = [("one", route("GET", "/a/*")), ("two", route("GET", "/a/*/"))]
    with pytest.raises(ValueError, match="two routes for GET /a"):
        Table(twice)


def test_every_route_of_every_dialect_is_found() -> None:
    table = Table((name, each) for name, dialect in DIALECTS.items() for each in dialect.ROUTES)
    for name, dialect in DIALECTS.items():
        for each in dialect.ROUTES:
            match = table.find(each.method, each.path.replace("*", "x"))
            assert isinstance(match, Match)
            assert (match.dialect, match.route) == (name, each)
