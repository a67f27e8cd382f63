"""What few creates ask for: a Messaging Service, a schedule, media, feedback; read and checked.

The one rule: a service is what the account has declared; nothing is made up at first sight.

Facts: twilio.com/docs/messaging (services, message scheduling, media resource) and the pages of
errors 21620, 21623, 21701 to 21705, 35111, 35114, 35118 and 35126. Assumed, since no page says it:
that SendAt without ScheduleType is refused as a wrong ScheduleType (35126), that a From beside the
service must be in its pool (21711 is documented for other calls), and the order of these checks.
Media are neither fetched nor measured.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from yarl import URL

from simulator.core.extra import Extra
from simulator.core.message import Reason, Rejection
from simulator.dialects.forms import shown

if TYPE_CHECKING:
    from simulator.core.account import Service
    from simulator.core.message import Account
    from simulator.dialects.forms import Form

PARAMETERS: Final = frozenset(
    {"MessagingServiceSid", "ScheduleType", "SendAt", "MediaUrl", "ProvideFeedback"}
)
MEDIA_MAX: Final = 10
MEDIA_URL_CHARS_MAX: Final = 4096
SERVICE_SID: Final = re.compile(r"MG[0-9a-fA-F]{32}")


class Asked(NamedTuple):
    """What was asked for beside an ordinary message; no `sender`: the service chooses."""

    extra: Extra
    sender: str
    service: Service | None


def read(
    account: Account, form: Form, media: tuple[str, ...], number: tuple[str, str]
) -> Asked | Rejection:
    """Read the unusual parameters of a create.

    Args:
        account: whose services and test credentials count.
        form: the parameters.
        media: every MediaUrl.
        number: To, and its country.
    """
    sender, sid = form.get("From", ""), form.get("MessagingServiceSid", "")
    if SERVICE_SID.fullmatch(sender):  # Twilio's page on 35118: "instead, or along with a From"
        sender, sid = "", sid or sender
    service = _service(account, sid) if sid else None
    if isinstance(service, Rejection):
        return service
    send_at_us = _send_at(form, sid)
    if isinstance(send_at_us, Rejection):
        return send_at_us
    found = _media(media)
    if isinstance(found, Rejection):
        return found
    pool: tuple[str, ...] = ()
    if service is not None and not sender:
        pool = tuple(s for s in service.senders if s != number[0] and fits(s, number[1], found))
        if not pool:
            return Rejection(Reason.SERVICE_UNFIT, "MessagingServiceSid", f"for {number[0]}")
    elif service is not None and sender not in service.senders:
        return Rejection(Reason.NOT_IN_SERVICE, "From", f"saw {shown(sender)}")
    extra = Extra(
        send_at_us=send_at_us,
        service=sid,
        pool=pool,
        media=found,
        feedback=form.get("ProvideFeedback", "").lower() == "true",
        dry=account.test,
    )
    return Asked(extra, sender, service)


def fits(sender: str, country: str, media: tuple[str, ...]) -> bool:
    """Tell whether a sender can reach a country: a name reaches neither +1 nor carries media."""
    return not (media or country in _NO_NAMES) or sender.removeprefix("+").isdigit()


def instant_us(text: str) -> int | None:
    """Read SendAt: YYYY-MM-DDThh:mm:ss with Z or an offset, or without (then it is UTC).

    Instants without a day (a 30th of February, a leap second) are none; an offset settles what a
    clock change leaves open.
    """
    if not _INSTANT.fullmatch(text):
        return None
    try:
        seen = datetime.fromisoformat(text)
        return ((seen if seen.tzinfo else seen.replace(tzinfo=UTC)) - _EPOCH) // _US
    except (ValueError, OverflowError):
        return None


_NO_NAMES: Final = frozenset({"US", "CA"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_MEDIA_URL: Final = re.compile(
    r"https?://[^\x00-\x20\x7f/?#]+(?:[/?#][^\x00-\x20\x7f]*)?", re.IGNORECASE
)


def _service(account: Account, sid: str) -> Service | Rejection:
    name, seen = "MessagingServiceSid", f"saw {shown(sid)}"
    if not SERVICE_SID.fullmatch(sid):
        return Rejection(Reason.BAD_PARAMETER, name, f"{seen}; it is MG and 32 hex digits")
    service = next((each for each in account.services if each.id == sid), None)
    if service is None:
        return Rejection(Reason.NO_SUCH_SERVICE, name, f"{seen}; declare it on the account")
    if not service.enabled:
        return Rejection(Reason.SERVICE_CLOSED, name, seen)
    if not service.senders:
        return Rejection(Reason.SERVICE_EMPTY, name, seen)
    return service


def _send_at(form: Form, sid: str) -> int | Rejection:
    """Return the instant asked for, 0 if none; how far ahead it may be is the gateway's to say."""
    kind, send_at = form.get("ScheduleType", ""), form.get("SendAt", "")
    if not kind and not send_at:
        return 0
    if kind != "fixed":
        return Rejection(Reason.BAD_PARAMETER, "ScheduleType", f"saw {shown(kind)}; write fixed")
    if not sid:
        return Rejection(Reason.MISSING_PARAMETER, "MessagingServiceSid", "SendAt needs it")
    if not send_at:
        return Rejection(Reason.MISSING_PARAMETER, "SendAt", "ScheduleType needs it")
    at_us = instant_us(send_at)
    if at_us is None:
        wanted = "write YYYY-MM-DDThh:mm:ssZ, in UTC"
        return Rejection(Reason.BAD_PARAMETER, "SendAt", f"saw {shown(send_at)}; {wanted}")
    return max(at_us, 1)  # what lies before 1970 lies in the past


def _media(urls: tuple[str, ...]) -> tuple[str, ...] | Rejection:
    found = tuple(url for url in urls if url)
    if len(found) > MEDIA_MAX:
        seen = f"saw {len(found)}, at most {MEDIA_MAX}"
        return Rejection(Reason.TOO_MANY_MEDIA, "MediaUrl", seen)
    for url in found:
        if not _is_media_url(url):
            return Rejection(Reason.BAD_PARAMETER, "MediaUrl", f"saw {shown(url)}; write http(s)")
    return found


def _is_media_url(url: str) -> bool:
    if len(url) > MEDIA_URL_CHARS_MAX or not _MEDIA_URL.fullmatch(url):
        return False
    try:
        return bool(URL(url).host)
    except ValueError:
        return False
