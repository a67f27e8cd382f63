"""Twilio's pages: the parameters of a list read, the addresses of its pages written.

The one rule: a page's addresses are relative, repeat the filters, and name the place by a token.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from simulator.core.message import Rejection
from simulator.core.query import Page
from simulator.dialects.forms import bad, integer, write_form

if TYPE_CHECKING:
    from simulator.core.message import Account
    from simulator.dialects.forms import Form

PAGE_SIZE, PAGE_SIZE_MAX = 50, 1000
ONWARD, BACK = "PA", "PB"  # what a page token starts with; Twilio's examples show PA only
MESSAGES: Final = re.compile(rf"(?:{ONWARD}|{BACK})(?:SM|MM)([0-9a-f]{{32}})")
MEDIA: Final = re.compile(rf"(?:{ONWARD}|{BACK})(ME[0-9a-f]{{32}})")

_INTEGER_MAX: Final = 999_999_999
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_SECOND_US, _DAY_US = 1_000_000, 86_400_000_000


class Window(NamedTuple):
    """Which page of what is asked for.

    Attributes:
        size: 1 to 1,000; `number`: of the page, from 0, as the client counts.
        token: as given; `mark`: the id in it, or empty.
        from_us, before_us: half-open range of the instant filtered by; 0: open.
        echo: the filters and the size as a query string.
    """

    size: int
    number: int
    token: str
    mark: str
    from_us: int
    before_us: int
    echo: str


def window(
    query: Form, date: str, tokens: re.Pattern[str], filters: tuple[str, ...] = ()
) -> Window | Rejection:
    """Read the parameters of a list.

    A size above 1,000 is served as 1,000: Twilio's own SDK asks so for `list(limit=5000)`. `date`
    (such as DateSent) means the whole UTC day; with > or < it includes the second it names.
    """
    size = integer(query.get("PageSize") or str(PAGE_SIZE), 1, _INTEGER_MAX)
    if size is None:
        return bad(query, "PageSize", f"write 1 to {PAGE_SIZE_MAX}")
    index = integer(query.get("Page") or "0", 0, _INTEGER_MAX)
    if index is None:
        return bad(query, "Page", "write 0 or more")
    token = query.get("PageToken", "")
    mark = tokens.fullmatch(token)
    if token and not mark:
        return bad(query, "PageToken", "copy it from next_page_uri")
    from_us, before_us = 0, 0
    dates = (date, f"{date}>", f"{date}<")
    for name in dates:
        if not (text := query.get(name, "")):
            continue
        span = _span(name, text)
        if span is None:
            return bad(query, name, "write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ, in GMT")
        from_us = max(from_us, span[0])
        before_us = min(before_us or span[1], span[1] or before_us)
    size = min(size, PAGE_SIZE_MAX)
    kept = {name: query[name] for name in (*filters, *dates) if query.get(name)}
    echo = write_form({**kept, "PageSize": str(size)}).decode()
    return Window(size, index, token, mark[1] if mark else "", from_us, before_us, echo)


def messages(account: Account, query: Form) -> tuple[Page, tuple[str, ...]] | Rejection:
    """Read the parameters of a list of messages.

    Returns:
        The query, and for the page's addresses: filters and size as a query string, the page's
        index, the token it was asked by.
    """
    seen = window(query, "DateSent", MESSAGES, ("To", "From"))
    if isinstance(seen, Rejection):
        return seen
    if seen.number and not seen.token:  # whoever counts upward would meet page 0 for ever
        return bad(query, "Page", "it goes with the PageToken of next_page_uri")
    asked = Page(
        account=account.id,
        to=query.get("To", ""),
        sender=query.get("From", ""),
        sent_from_us=seen.from_us,
        sent_before_us=seen.before_us,
        size=seen.size,
        cursor=seen.mark,
        back=seen.token.startswith(BACK),
    )
    return asked, (seen.echo, str(seen.number), seen.token)


class Addresses(NamedTuple):
    """Of a page and its neighbours, as its JSON names them."""

    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


def addresses(
    path: str,
    place: tuple[str, int, str],
    ends: tuple[str, str] | None,
    *,
    older: bool,
    newer: bool,
) -> Addresses:
    """Write the addresses of a page.

    Args:
        path: of the list.
        place: filters and size as a query string, the page's index, the token it was asked by.
        ends: ids of its first and last row; None: it has none.
        older, newer: whether rows follow, and whether rows precede.
    """
    filters, index, token = place
    base = f"{path}?{filters}&Page="
    onward = f"{base}{index + 1}&PageToken={ONWARD}{ends[1]}" if ends else None
    back = f"{base}{max(index - 1, 0)}&PageToken={BACK}{ends[0]}" if ends else None
    return Addresses(
        f"{base}{index}&PageToken={token}" if token else f"{base}{index}",
        f"{base}0",
        onward if older else None,
        back if newer else None,
    )


def _span(name: str, text: str) -> tuple[int, int] | None:
    """Return the half-open range of microseconds that a date filter leaves; 0: open."""
    try:
        seen = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = seen if seen.tzinfo else seen.replace(tzinfo=UTC)
    at_us = (aware - _EPOCH) // _US
    if name[-1] not in "<>":
        at_us -= at_us % _DAY_US
        return max(at_us, 0), max(at_us + _DAY_US, 1)
    at_us -= at_us % _SECOND_US
    return (max(at_us, 0), 0) if name[-1] == ">" else (0, max(at_us + _SECOND_US, 1))
