"""Twilio's parameters understood: a form becomes a `Submission`.

The one rule: a parameter that would change what happens is obeyed or refused by name, never
silently ignored; one that Twilio itself does not know is ignored, as Twilio does.

Where Twilio's public pages say nothing, this is what is assumed: the order in which parameters are
looked at; that an empty value is a missing one; that of a repeated parameter the last counts; that
1,600 characters are code points.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from simulator.core.command import Submission
from simulator.core.extra import Extra
from simulator.core.message import Reason, Rejection, State
from simulator.core.number import Number, NumberKind, parse
from simulator.core.text import count
from simulator.dialects import twilio_extra, twilio_magic
from simulator.dialects.forms import bad, integer, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Account
    from simulator.dialects.forms import Form

    Media = Callable[[], tuple[str, ...]]

BODY_CHARS_MAX: Final = 1600
CALLBACK_URL_CHARS_MAX: Final = 4096
VALIDITY_S_MAX: Final = 36_000
# The status that the reply itself shows is not called back: neither ACCEPTED nor RECEIVED is here.
NOTIFY: Final = sum(
    1 << state
    for state in (
        State.QUEUED,
        State.SENDING,
        State.SENT,
        State.DELIVERED,
        State.UNDELIVERED,
        State.EXPIRED,
        State.FAILED,
    )
)
_LATER: Final = 1 << State.ACCEPTED | 1 << State.CANCELED  # of a scheduled message
# Parameters that would change what happens, and the values that change nothing.
NOT_YET: Mapping[str, frozenset[str]] = {
    "AddressRetention": frozenset({"retain"}),
    "ApplicationSid": frozenset(),
    "ContentRetention": frozenset({"retain"}),
    "ContentSid": frozenset(),
    "ContentVariables": frozenset(),
    "FallbackFrom": frozenset(),
    "PersistentAction": frozenset(),
    "SendAsMms": frozenset({"false"}),
    "ShortenUrls": frozenset({"false"}),
    "SmartEncoded": frozenset({"false"}),
}


def submission(account: Account, form: Form, media: Media = tuple) -> Submission | Rejection:
    """Read the parameters of a create.

    Args:
        account: whose limits hold.
        form: the parameters; of a repeated one the last.
        media: returns every MediaUrl; it is not called for an ordinary message.
    """
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    missing = _missing(form, to, sender, body)
    if missing is not None:
        return missing
    if account.test and (magic := twilio_magic.refusal(to, sender)):
        return magic
    number = _recipient(to, sender)
    if isinstance(number, Rejection):
        return number
    extra, service = None, None
    if account.test or not twilio_extra.PARAMETERS.isdisjoint(form) or sender[:2] == "MG":
        asked = twilio_extra.read(account, form, media(), (to, number.country))
        if isinstance(asked, Rejection):
            return asked
        extra, sender, service = asked
    objection = (
        (None if service or not sender else _sender_objection(account, form, number, sender))
        or _region_objection(account, number)
        or _form_objection(form, body)
    )
    if objection is not None:
        return objection
    encoding, segments = count(body)
    callback_url = form.get("StatusCallback", "") or (service.callback_url if service else "")
    answerable = not sender or _NUMERIC_SENDER.fullmatch(sender) is not None
    return Submission(
        account=account.id,
        to=to,
        country=number.country,
        sender=sender,
        body=body,
        encoding=encoding,
        segments=1 if extra is not None and extra.media else segments,
        callback_url=callback_url,
        notify=_notify(extra) if callback_url else 0,
        validity_us=int(form.get("ValidityPeriod") or VALIDITY_S_MAX) * _SECOND_US,
        can_reply=answerable and (account.two_way or number.country != "JP"),
        extra=None if extra == _ORDINARY else extra,
    )


def _notify(extra: Extra | None) -> int:
    """Return what is called back; a scheduled message is accepted, or canceled, later than told."""
    return NOTIFY | _LATER if extra is not None and extra.send_at_us else NOTIFY


@lru_cache(maxsize=1024)
def is_callback_url(url: str) -> bool:
    """Tell whether Twilio would take a callback address: http(s), no underscore in the host."""
    found = _CALLBACK_URL.fullmatch(url) if len(url) <= CALLBACK_URL_CHARS_MAX else None
    return found is not None and int(found["port"] or 0) <= 65_535


_SECOND_US: Final = 1_000_000
_ORDINARY: Final = Extra()
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
    if not (sender or form.get("MessagingServiceSid")):
        return Rejection(Reason.NO_FROM, "From")
    if not (body or form.get("MediaUrl")):
        return Rejection(Reason.NO_BODY, "Body")
    return None


def _sender_objection(
    account: Account, form: Form, number: Number, sender: str
) -> Rejection | None:
    if account.senders:
        if sender not in account.senders:
            return Rejection(Reason.BAD_FROM, "From", f"saw {shown(sender)}, not one of yours")
    elif not _SENDER.fullmatch(sender):
        return Rejection(Reason.BAD_FROM, "From", f"saw {shown(sender)}")
    media = (form.get("MediaUrl", ""),) if form.get("MediaUrl") else ()
    if not twilio_extra.fits(sender, number.country, media):
        return Rejection(Reason.UNREACHABLE, "From", f"saw {shown(sender)}, a name")
    return None


def _region_objection(account: Account, number: Number) -> Rejection | None:
    if account.countries and number.country not in account.countries:
        return Rejection(Reason.FORBIDDEN_REGION, "To", f"saw {number.country}")
    if account.verified and number.e164 not in account.verified:
        return Rejection(Reason.NOT_VERIFIED, "To", f"saw {shown(number.e164)}")
    return None


def _form_objection(form: Form, body: str) -> Rejection | None:
    if len(body) > BODY_CHARS_MAX:
        return Rejection(Reason.TOO_LONG, "Body", f"saw {len(body)} characters")
    callback_url = form.get("StatusCallback", "")
    if callback_url and not is_callback_url(callback_url):
        return bad(form, "StatusCallback", "write http(s)://host/…, no _ in the host")
    validity = form.get("ValidityPeriod", "")
    if validity and integer(validity, 1, VALIDITY_S_MAX) is None:
        return bad(form, "ValidityPeriod", f"write 1 to {VALIDITY_S_MAX} seconds")
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
