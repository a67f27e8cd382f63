"""The offer of a load test, pure: what is to arrive when, what came of it, and what that proves.

No locust, no gevent, no asyncio and no clock in here: `loadtests` (gevent) and `simulator.run`
(asyncio) both import this room and never each other.

    shape -> offer.schedule -> (loadtests: the arrivals themselves) -> parts -> outcome, books
"""
