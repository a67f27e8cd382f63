r"""Load for a system under test: at each arrival a campaign is started; pages are asked for.

    locust -f loadtests/system.py --headless --host http://127.0.0.1:9000 --people people.csv \
        --start "POST /campaigns" --batch 50 --rate 2 --run-time 1m --poll "GET /health"

Arrivals, latencies and exit codes are those of `loadtests/gateway.py`.
"""

from __future__ import annotations

from locust import events

from loadtests.hooks import install
from loadtests.users import Arrivals, ArrivalUser

__all__ = ["Arrivals", "SystemUser"]


class SystemUser(ArrivalUser):
    """Starts campaigns."""


install(events, "system")
