"""A closed loop, as locust users write it: so many FastHttpUsers, each waits for its answer.

What `bench_arrivals.py` holds arrivals against: the most that one process gets out of this target.
"""

from __future__ import annotations

from locust import FastHttpUser, constant

ACCOUNT, SECRET = "AC" + 32 * "b", "benchmark"  # as in harness.py, which imports no gevent
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
FORM = {"To": "+12015550100", "From": "+12015550123", "Body": "Your appointment is tomorrow."}


class Closed(FastHttpUser):
    """Sends, waits, sends."""

    wait_time = constant(0)

    def create(self) -> None:
        """Send one message."""
        self.client.post(PATH, data=FORM, auth=(ACCOUNT, SECRET), name="create")

    tasks = [create]  # noqa: RUF012 - locust wants a list
