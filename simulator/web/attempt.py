"""One attempt at a callback through aiohttp's client: https, names, and answers that are wanted.

The short way for the rest is `lines.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from multidict import CIMultiDict

from simulator.core.message import Outcome, OutcomeKind
from simulator.web.answers import answer_of, limits_of
from simulator.web.egress import Denied, EgressError, connector
from simulator.web.lines import RESPONSE_BYTES_MAX

if TYPE_CHECKING:
    from yarl import URL

    from simulator.core.wire import HttpCall
    from simulator.web.egress import Allow, Lookup

UNCARRIED = Denied("a header or a host that HTTP cannot carry")

_HEADERS = {"User-Agent": "todoku", "Accept-Encoding": "identity"}
_TIMED_OUT = Outcome(OutcomeKind.TIMED_OUT)
_UNREACHABLE = Outcome(OutcomeKind.UNREACHABLE)


def open_session(timeout_s: float, allow: Allow, lookup: Lookup) -> aiohttp.ClientSession:
    """Make a session that obeys the egress policy and remembers nothing."""
    return aiohttp.ClientSession(
        connector=connector(allow, lookup),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=RESPONSE_BYTES_MAX // 4,
    )


async def attempt(session: aiohttp.ClientSession, url: URL, call: HttpCall) -> Outcome | Denied:
    """Send a call once; it never raises."""
    try:
        response = await session.request(
            call.method,
            url,
            data=call.body or None,
            headers=CIMultiDict((("Content-Type", call.content_type), *call.headers)),
            allow_redirects=False,
            timeout=limits_of(call, session.timeout),
        )
        try:
            return await answer_of(response, call, RESPONSE_BYTES_MAX)
        finally:
            response.release()
    except EgressError as error:
        return Denied(error.reason)
    except TimeoutError as error:
        connected = not isinstance(error, aiohttp.ConnectionTimeoutError)
        return _TIMED_OUT if connected else _UNREACHABLE
    except ValueError:  # a line break in a header, say; the text may hold secrets
        return UNCARRIED
    except (aiohttp.ClientError, OSError):
        return _UNREACHABLE
    except Exception as error:  # noqa: BLE001 - a bug, and its caller goes on
        words = "a callback failed in a way not foreseen"
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": words, "exception": error})
        return _UNREACHABLE
