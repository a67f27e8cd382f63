"""What is laid over a scenario file: another system under test, expectations, rate of arrivals.

The one rule: it replaces a section as the file would have written it, before anything is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator.errors import ConfigError, Problem

if TYPE_CHECKING:
    from simulator import strict_yaml

DEFAULT_SUT: strict_yaml.Node = {  # where the file has no `sut:` and --sut is given
    "start": {"request": "POST /campaigns", "body": {"recipients": "$recipients"}},
    "claims": "GET /claims",
}
_LASTS = "10s"  # of arrivals at one rate, where neither the file nor --for says


class Offered(NamedTuple):
    """What --rate and --for say, as the file would write it; `lasts` may be empty."""

    rate: str
    lasts: str = ""


def expected(document: strict_yaml.Document, file: str) -> strict_yaml.Node:
    """Return the expectations of a file that holds them, alone or in a scenario."""
    if document.problems:
        raise ConfigError(document.problems)
    if not isinstance(document.tree, dict) or "expect" not in document.tree:
        raise ConfigError([Problem("expect", "is missing: add a list of expectations", file)])
    return document.tree["expect"]


def with_rate(tree: strict_yaml.Node, offered: Offered | None) -> strict_yaml.Node:
    """Put one rate in place of the file's arrivals, whatever shape they have.

    They keep their chance where they have it (`poisson`), and their length where it is one.
    """
    load = tree.get("load") if isinstance(tree, dict) else None
    if offered is None or not isinstance(tree, dict) or not isinstance(load, dict):
        return tree
    arrivals = load.get("arrivals")
    written = arrivals if isinstance(arrivals, dict) else {}
    shape = "poisson" if "poisson" in written else "constant"
    lasts = offered.lasts or written.get("for", _LASTS)
    return {**tree, "load": {**load, "arrivals": {shape: offered.rate, "for": lasts}}}


def with_sut(tree: strict_yaml.Node, sut: str | None) -> strict_yaml.Node:
    """Put what --sut says in place of the file's command or url."""
    if sut is None or not isinstance(tree, dict):
        return tree
    section = tree.get("sut", DEFAULT_SUT)
    if not isinstance(section, dict):
        return tree
    kept = {key: value for key, value in section.items() if key not in ("command", "url")}
    way = "url" if sut.startswith(("http://", "https://")) else "command"
    return {**tree, "sut": {**kept, way: sut}}
