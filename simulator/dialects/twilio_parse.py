"""Twilio's parameters understood: a form becomes a `Submission`, a query string a `Page`.

The one rule: a parameter that would change what happens is obeyed or refused by name, never
silently ignored; one that Twilio itself does not know is ignored, as Twilio does.

Where Twilio's public pages say nothing, this is what is assumed: the order in which parameters are
looked at; that an empty value is a missing one; that of a repeated parameter the last counts; that
1,600 characters are code points.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from simulator.core.command import Submission
from simulator.core.message import Reason, Rejection, State
from simulator.core.number import Number, NumberKind, parse
from simulator.core.query import Page
from simulator.core.text import count
from simulator.dialects.forms import shown, write_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Account
    from simulator.dialects.forms import Form

BODY_CHARS_MAX: Final = 1600
CALLBACK_URL_CHARS_MAX: Final = 4096
PAGE_SIZE, PAGE_SIZE_MAX = 50, 1000
VALIDITY_S_MAX: Final = 36_000
# The status that the reply itself shows is not called back: neither ACCEPTED nor RECEIVED is here.
NOTIFY: Final = sum(
    1 << state
    for state in (
        State.SENDING,
        State.SENT,
        State.DELIVERED,
        State.UNDELIVERED,
        State.EXPIRED,
        State.FAILED,
    )
)
# Parameters that would change what happens, and the values that change nothing.
NOT_YET: Mapping[str, frozenset[str]] = {
    "AddressRetention": frozenset({"retain"}),
    "ApplicationSid": frozenset(),
    "ContentRetention": frozenset({"retain"}),
    "ContentSid": frozenset(),
    "ContentVariables": frozenset(),
    "FallbackFrom": frozenset(),
    "MediaUrl": frozenset(),
    "MessagingServiceSid": frozenset(),
    "PersistentAction": frozenset(),
    "ScheduleType": frozenset(),
    "SendAsMms": frozenset({"false"}),
    "SendAt": frozenset(),
    "ShortenUrls": frozenset({"false"}),
    "SmartEncoded": frozenset({"false"}),
}


def submission(account: Account, form: Form) -> Submission | Rejection:
    """Read the parameters of a create."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    missing = _missing(form, to, sender, body)
    if missing is not None:
        return missing
    number = _recipient(to, sender)
    if isinstance(number, Rejection):
        return number
    objection = _objection(account, form, sender, body)
    if objection is not None:
        return objection
    encoding, segments = count(body)
    callback_url = form.get("StatusCallback", "")
    by_number = _NUMERIC_SENDER.fullmatch(sender) is not None
    return Submission(
        account=account.id,
        to=to,
        country=number.country,
        sender=sender,
        body=body,
        encoding=encoding,
        segments=segments,
        callback_url=callback_url,
        notify=NOTIFY if callback_url else 0,
        validity_us=int(form.get("ValidityPeriod") or VALIDITY_S_MAX) * _SECOND_US,
        can_reply=by_number and (account.two_way or number.country != "JP"),
    )


def page(account: Account, query: Form) -> tuple[Page, tuple[str, ...]] | Rejection:
    """Read the parameters of a list.

    A size above 1,000 is served as 1,000: Twilio's own SDK asks so for `list(limit=5000)`.
    `DateSent` means the whole UTC day; `DateSent>` and `DateSent<` include the second they name.

    Returns:
        The query, and for the page's addresses: filters and size as a query string, the page's
        index, the token it was asked by.
    """
    size = _integer(query.get("PageSize") or str(PAGE_SIZE), 1, _INTEGER_MAX)
    if size is None:
        return _bad(query, "PageSize", f"write 1 to {PAGE_SIZE_MAX}")
    index = _integer(query.get("Page") or "0", 0, _INTEGER_MAX)
    if index is None:
        return _bad(query, "Page", "write 0 or more")
    token = query.get("PageToken", "")
    if token and not _TOKEN.fullmatch(token):
        return _bad(query, "PageToken", "copy it from next_page_uri")
    from_us, before_us = 0, 0
    for name in ("DateSent", "DateSent>", "DateSent<"):
        if not (text := query.get(name, "")):
            continue
        span = _span(name, text)
        if span is None:
            return _bad(query, name, "write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ, in GMT")
        from_us = max(from_us, span[0])
        before_us = min(before_us or span[1], span[1] or before_us)
    size = min(size, PAGE_SIZE_MAX)
    asked = Page(
        account=account.id,
        to=query.get("To", ""),
        sender=query.get("From", ""),
        sent_from_us=from_us,
        sent_before_us=before_us,
        size=size,
        cursor=token[_TOKEN_PREFIX:],
        back=token.startswith(BACK),
    )
    kept = {name: query[name] for name in _FILTERS if query.get(name)}
    echo = write_form({**kept, "PageSize": str(size)}).decode()
    return asked, (echo, str(index), token)


@lru_cache(maxsize=1024)
def is_callback_url(url: str) -> bool:
    """Tell whether Twilio would take a callback address: http(s), no underscore in the host."""
    found = _CALLBACK_URL.fullmatch(url) if len(url) <= CALLBACK_URL_CHARS_MAX else None
    return found is not None and int(found["port"] or 0) <= 65_535


ONWARD, BACK = "PA", "PB"  # what a page token starts with; Twilio's examples show PA only
_INTEGER_MAX: Final = 999_999_999
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_SECOND_US, _DAY_US = 1_000_000, 86_400_000_000
_FILTERS: Final = ("To", "From", "DateSent", "DateSent<", "DateSent>")
_TOKEN_PREFIX: Final = len("PASM")
_TOKEN: Final = re.compile(rf"(?:{ONWARD}|{BACK})SM[0-9a-f]{{32}}")
_SENDER: Final = re.compile(  # E.164, a short code, an alphanumeric sender with a letter in it
    r"\+[1-9][0-9]{7,14}|[0-9]{3,8}|(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}"
)
_NUMERIC_SENDER: Final = re.compile(r"\+?[0-9]+")  # one that a person can answer
_CALLBACK_URL: Final = re.compile(
    r"https?://(?:[^\x00-\x20\x7f/?#@\\]*@)?"
    r"(?:\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f/?#@:\[\]_\\]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?#][^\x00-\x20\x7f]*)?",
    re.IGNORECASE,
)


def _missing(form: Form, to: str, sender: str, body: str) -> Rejection | None:
    if not to:
        return Rejection(Reason.NO_TO, "To")
    if not NOT_YET.keys().isdisjoint(form):
        for name, harmless in NOT_YET.items():
            if (value := form.get(name)) and value.lower() not in harmless:
                return Rejection(Reason.BAD_PARAMETER, name, "Todoku does not simulate it yet")
    if not sender:
        return Rejection(Reason.NO_FROM, "From")
    if not body:
        return Rejection(Reason.NO_BODY, "Body")
    return None


def _objection(account: Account, form: Form, sender: str, body: str) -> Rejection | None:
    if len(body) > BODY_CHARS_MAX:
        return Rejection(Reason.TOO_LONG, "Body", f"saw {len(body)} characters")
    if account.senders:
        if sender not in account.senders:
            return Rejection(Reason.BAD_FROM, "From", f"saw {shown(sender)}, not one of yours")
    elif not _SENDER.fullmatch(sender):
        return Rejection(Reason.BAD_FROM, "From", f"saw {shown(sender)}")
    callback_url = form.get("StatusCallback", "")
    if callback_url and not is_callback_url(callback_url):
        return _bad(form, "StatusCallback", "write http(s)://host/…, no _ in the host")
    validity = form.get("ValidityPeriod", "")
    if validity and _integer(validity, 1, VALIDITY_S_MAX) is None:
        return _bad(form, "ValidityPeriod", f"write 1 to {VALIDITY_S_MAX} seconds")
    return None


def _recipient(to: str, sender: str) -> Number | Rejection:
    """Read To as Twilio asks for it: E.164, without spaces or dashes, and not the sender itself.

    Twilio's page on 21211 lists all three mistakes. Its newer, finer codes are not imitated.
    """
    number = parse(to, "US")
    if not isinstance(number, Number):
        return Rejection(Reason.BAD_TO, "To", number.message)
    if number.e164 != to or to == sender:
        wrong = "that is From" if to == sender else "write E.164, such as +817001234567"
        return Rejection(Reason.BAD_TO, "To", f"saw {shown(to)}; {wrong}")
    if number.kind is not NumberKind.MOBILE and (
        number.kind is not NumberKind.UNKNOWN or number.country == "JP"
    ):
        kind = number.kind.value.replace("_", " ")
        return Rejection(Reason.NOT_MOBILE, "To", f"saw {shown(to)}, {kind}")
    return number


def _integer(text: str, low: int, high: int) -> int | None:
    """Read ASCII digits only: `int` would take 1_000, and digits of every script."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high))):
        return None
    value = int(text)
    return value if low <= value <= high else None


def _span(name: str, text: str) -> tuple[int, int] | None:
    """Return the half-open range of microseconds that a date filter leaves; 0: open."""
    try:
        seen = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = seen if seen.tzinfo else seen.replace(tzinfo=UTC)
    at_us = (aware - _EPOCH) // _US
    if name == "DateSent":
        at_us -= at_us % _DAY_US
        return max(at_us, 0), max(at_us + _DAY_US, 1)
    at_us -= at_us % _SECOND_US
    return (max(at_us, 0), 0) if name == "DateSent>" else (0, max(at_us + _SECOND_US, 1))


def _bad(fields: Form, name: str, wanted: str) -> Rejection:
    return Rejection(Reason.BAD_PARAMETER, name, f"saw {shown(fields[name])}; {wanted}")
