"""`/metrics`: what Prometheus is told. Everything is read when it asks; nothing is kept for it.

The one rule: every family is a row of `FAMILIES` and a row of docs/metrics.md, and every label has
few values: names from tables of ours, and worlds, of which the first `WORLDS_SHOWN` have a name. No
number, no id and no account is ever a label.
"""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from simulator import __version__
from simulator.web import metrics_world
from simulator.web.control_ask import NoQuery, query_of
from simulator.web.latency import OTHER, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.typedefs import Handler, Middleware

    from simulator.web.control_panel import Panel
    from simulator.web.metrics_world import Samples
    from simulator.web.server import Server

WORLDS_SHOWN = 32
_LIKE_A_NUMBER = re.compile(r"[0-9]{7}")  # a world may be named so; a label may not


class Family(NamedTuple):
    """One metric; `labels` in the order of its samples."""

    name: str
    kind: str
    words: str
    labels: tuple[str, ...] = ()


def _rows(kind: str, *rows: tuple[str, tuple[str, ...], str]) -> tuple[Family, ...]:
    return tuple(Family(f"todoku_{name}", kind, words, labels) for name, labels, words in rows)


_W = ("world",)
FAMILIES: tuple[Family, ...] = (
    *_rows(
        "counter",
        ("messages_accepted", (*_W, "dialect"), "Messages accepted."),
        ("segments_accepted", (*_W, "dialect"), "Segments of accepted messages."),
        ("requests_refused", (*_W, "reason"), "Requests refused by a provider's rules."),
        (
            "messages_ended",
            (*_W, "carrier", "state", "cause"),
            "Messages that met their fate at the handset, or before it.",
        ),
        ("receipts", (*_W, "state"), "Ends of messages that became known to the provider."),
        ("told", (*_W, "state"), "States that customers were told, by callback or by reading."),
        ("handset_attempts_failed", _W, "Attempts at a handset that failed for the time being."),
        ("reactions", (*_W, "kind"), "What people did with a message."),
        ("inbound_messages", _W, "Messages that people wrote."),
        ("opt_outs", _W, "Opt-outs that the provider noted."),
        ("callback_attempts", (*_W, "attempt", "outcome"), "Attempts at calling a customer back."),
        ("callbacks_abandoned", (*_W, "outcome"), "Callbacks given up, by their last outcome."),
        ("rules_fired", (*_W, "rule", "seam", "verdict"), "Firings of rules."),
        ("forged_callbacks", (*_W, "outcome"), "Calls forged by a rule, by how they ended."),
        ("messages_pruned", _W, "Messages forgotten by retention or deleted."),
        ("events", _W, "Facts in the log."),
    ),
    *_rows(
        "gauge",
        ("messages_in_flight", _W, "Messages accepted whose end the provider does not know."),
        ("messages_kept", (*_W, "stage"), "Messages in memory."),
        ("accounts", _W, "Accounts."),
        ("callbacks_outstanding", _W, "Callbacks begun that have no outcome: the backlog."),
        ("agenda_entries", _W, "Steps, callbacks and waits that are planned."),
        ("time_lag_seconds", _W, "Virtual time by which the oldest step not yet run is late."),
        ("time_lag_max_seconds", _W, "The largest such lag so far."),
        ("clock_seconds", _W, "Virtual now, seconds since 1970."),
        ("clock_rate", _W, "Virtual seconds per real second; 0: stepped."),
        ("faults", _W, "What is wrong with the world's books, as far as was noticed."),
        ("billed_units", (*_W, "policy"), "Units charged, less reversals."),
        ("excluded_units", (*_W, "policy", "cause"), "Units left out of the bill."),
        ("pending_units", (*_W, "policy"), "Units neither charged nor left out yet."),
        ("billed_amount", (*_W, "policy", "currency"), "Charges and fees without tax."),
        ("info", ("version",), "1, with the version."),
        ("ready", (), "1 while the ports serve, else 0."),
        ("connections", ("port",), "Connections open."),
        ("event_streams", (), "Subscribers of event streams."),
    ),
    *_rows(
        "histogram",
        (
            "http_request_seconds",
            ("port", "route", "status"),
            "Real time from a request's head to its reply.",
        ),
        (
            "callback_attempt_seconds",
            (),
            "Real time of one callback attempt, from its connection on: to acknowledge or fail.",
        ),
        (
            "callback_lateness_seconds",
            (),
            "Real time from the planned instant of a callback attempt to its outcome.",
        ),
    ),
)


async def scrape(panel: Panel, request: web.Request) -> web.Response:
    """Answer with every metric. Nothing in it is anybody's, hence no token."""
    query_of(request, NoQuery)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    body = encode(Page(panel))
    return web.Response(body=body, headers={"Content-Type": content_type})


class Page:
    """One scrape of a server; what prometheus_client calls a collector."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def collect(self) -> Iterator[Metric]:
        """Yield every family, in the order of the table."""
        server = self._panel.server
        samples: Samples = {}
        for place, (name, driver) in enumerate(server.drivers.items()):
            shown = place < WORLDS_SHOWN and not _LIKE_A_NUMBER.search(name)
            metrics_world.add(samples, driver, name if shown else OTHER)
        self._add_server(samples, server)
        for family in FAMILIES:
            metric = Metric(family.name, family.words, family.kind)
            if family.kind == "histogram":
                for values, histogram in self._histograms(family.name):
                    _fill(metric, dict(zip(family.labels, values, strict=True)), histogram)
            suffix = "_total" if family.kind == "counter" else ""
            for values, value in sorted(samples.get(family.name, {}).items()):
                labels = dict(zip(family.labels, values, strict=True))
                metric.add_sample(family.name + suffix, labels, value)
            yield metric

    def _add_server(self, samples: Samples, server: Server) -> None:
        samples["todoku_info"] = {(__version__,): 1}
        samples["todoku_ready"] = {(): int(server.ready())}
        samples["todoku_connections"] = {(k,): n for k, n in server.connections().items()}
        samples["todoku_event_streams"] = {(): self._panel.streams}

    def _histograms(self, name: str) -> Iterator[tuple[tuple[str, ...], Histogram]]:
        server = self._panel.server
        if name == "todoku_callback_lateness_seconds":
            yield (), server.lateness
            return
        if name == "todoku_callback_attempt_seconds":
            yield (), server.caller.took
            return
        for port, latency in (("control", server.latency), ("gateway", server.front.latency)):
            for route, row in sorted(latency.routes.items()):
                for hundreds, histogram in enumerate(row):
                    if any(histogram.counts):
                        yield (port, route, f"{hundreds}xx"), histogram


def _fill(metric: Metric, labels: dict[str, str], histogram: Histogram) -> None:
    buckets = histogram.cumulative()
    for bound, n in buckets:
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, n)
    metric.add_sample(f"{metric.name}_count", labels, buckets[-1][1])
    metric.add_sample(f"{metric.name}_sum", labels, histogram.sum_s)


def timed(server: Server) -> Middleware:
    """Make the middleware that times the control port's requests, refusals included."""

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        began_s = perf_counter()
        reply = await handler(request)
        resource = request.match_info.route.resource
        route = OTHER if resource is None else f"{request.method} {resource.canonical}"
        server.latency.observe(route, perf_counter() - began_s, reply.status)
        return reply

    return watch
