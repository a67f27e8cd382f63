"""Load for the gateway: one message at each arrival, in the dialect of the arrival's account.

    locust -f loadtests/gateway.py --host http://127.0.0.1:8080                      web UI
    locust -f loadtests/gateway.py --headless --rate 200 --run-time 30s --host ...   no UI
    locust -f loadtests/gateway.py ... --processes 2      or --master, and --worker elsewhere

Arrivals come when they are due, whatever becomes of those before; latencies count from the instant
an arrival was meant for. Exit code: 0 every message was taken; 1 a request failed; 2 the host or an
option is refused; 3 the load proves nothing: none was taken, a worker was lost, arrivals were late
or dropped. A recipient who has said STOP is refused, as at the provider, and that is no failure.
"""

from __future__ import annotations

from locust import events

from loadtests.hooks import install
from loadtests.users import Arrivals, ArrivalUser

__all__ = ["Arrivals", "GatewayUser"]


class GatewayUser(ArrivalUser):
    """Sends messages."""


install(events, "gateway")
