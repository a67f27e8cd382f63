"""Twilio's errors that are answered at once: each reason's status, code and words, and their JSON.

Errors that come later, by the cause of a failure, stand in `twilio_render.CAUSES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.message import Reason
from simulator.core.wire import HttpReply
from simulator.dialects import forms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.dialects.shape import Ask, Refused, Result

# Reason -> HTTP status, Twilio's code, our words. {field} is the parameter. Where Twilio's public
# pages name no code for a case, the nearest general one stands (20422, 20409, 20429).
REASONS: Mapping[Reason, tuple[int, int, str]] = {
    Reason.UNAUTHORIZED: (401, 20003, "Authentication failed"),
    Reason.NOT_FOUND: (404, 20404, "There is no such resource"),
    Reason.METHOD: (405, 20004, "This resource does not know that method"),
    Reason.MALFORMED: (400, 20422, "Cannot read {field}"),
    Reason.TOO_LARGE: (413, 20413, "The request is too large"),
    Reason.TOO_SLOW: (408, 20422, "The request took too long to arrive"),
    Reason.NO_TO: (400, 21604, "A 'To' number is required"),
    Reason.NO_FROM: (400, 21603, "A 'From' or a 'MessagingServiceSid' is required"),
    Reason.NO_BODY: (400, 21602, "A 'Body' is required"),
    Reason.BAD_TO: (400, 21211, "'To' is not a valid phone number"),
    Reason.BAD_FROM: (400, 21606, "'From' cannot send to this destination"),
    Reason.BAD_PARAMETER: (400, 20422, "Invalid {field}"),
    Reason.UNKNOWN_PARAMETER: (400, 20422, "Unknown {field}"),
    Reason.MISSING_PARAMETER: (400, 20422, "Missing {field}"),
    Reason.NOT_MOBILE: (400, 21614, "'To' is not a mobile number"),
    Reason.TOO_LONG: (400, 21617, "'Body' is longer than 1600 characters"),
    Reason.OPTED_OUT: (400, 21610, "The recipient has unsubscribed from this sender"),
    Reason.KEY_REUSED: (409, 20409, "This key was used for another request"),
    Reason.DUPLICATE_REFERENCE: (409, 20409, "This reference was used before"),
    Reason.OVER_QUOTA: (429, 63038, "The account has reached its limit of messages"),
    Reason.QUEUE_FULL: (400, 21611, "The queue of this 'From' is full"),
    Reason.TOO_MANY_REQUESTS: (429, 20429, "Too many requests are under way"),
    Reason.SCHEDULE_FULL: (400, 35125, "The account has too many scheduled messages"),
    Reason.NO_SUCH_SERVICE: (404, 21701, "The account has no such Messaging Service"),
    Reason.SERVICE_CLOSED: (400, 21702, "The Messaging Service takes no messages"),
    Reason.SERVICE_UNFIT: (400, 21703, "No sender of the Messaging Service fits this message"),
    Reason.SERVICE_EMPTY: (400, 21704, "The Messaging Service has no senders"),
    Reason.NOT_IN_SERVICE: (400, 21711, "'From' is not in the Messaging Service's pool"),
    Reason.FORBIDDEN_REGION: (400, 21408, "The account may not send to this country"),
    Reason.UNREACHABLE: (400, 21612, "'From' cannot reach this 'To'"),
    Reason.NOT_VERIFIED: (400, 21608, "A trial account sends to verified numbers only"),
    Reason.INVALID_FROM: (400, 21212, "'From' is not a valid sender"),
    Reason.TOO_MANY_MEDIA: (400, 21623, "There are too many 'MediaUrl's"),
    Reason.TEST_CREDENTIALS: (403, 20008, "Test credentials can only create messages"),
    Reason.NOT_CANCELABLE: (409, 30409, "Only a scheduled message can be canceled"),
    Reason.NOT_FINISHED: (409, 20009, "The message is not finished yet"),
    Reason.THROTTLED: (429, 20429, "Too many requests"),
    Reason.BROKEN: (500, 20500, "Internal server error"),
}
# Statuses of a failing server that have a code of their own.
SERVER_CODES: Mapping[int, int] = {503: 20503}
# Parameters for which a bad value has a code of its own.
BAD_PARAMETERS: Mapping[str, int] = {
    "StatusCallback": 21609,
    "MediaUrl": 21620,
    "ValidityPeriod": 21624,
    "MessagingServiceSid": 21705,
    "SendAt": 35114,
    "ScheduleType": 35126,
}
# The same for a parameter that another one needs.
MISSING_PARAMETERS: Mapping[str, int] = {"SendAt": 35111, "MessagingServiceSid": 35118}

_CHALLENGE: Final = (("WWW-Authenticate", 'Basic realm="Twilio API"'),)
_LATER: Final = (("Retry-After", "1"),)  # seconds; Twilio's page names no number


def refusal(asked: Ask | Refused, result: Result) -> HttpReply:
    """Write why a request was refused: by the gateway, a rule or the dialect."""
    rejection = forms.rejection_of(asked, result)
    status, code, words = REASONS[rejection.reason]
    if rejection.reason is Reason.BAD_PARAMETER:
        code = BAD_PARAMETERS.get(rejection.field, code)
    elif rejection.reason is Reason.MISSING_PARAMETER:
        code = MISSING_PARAMETERS.get(rejection.field, code)
    elif rejection.status:
        status, code = rejection.status, SERVER_CODES.get(rejection.status, code)
    message = words.replace("{field}", rejection.field or "the request")
    if rejection.detail:
        message = f"{message}: {rejection.detail}"
    more = f"https://www.twilio.com/docs/errors/{code}"
    usual = _CHALLENGE if status == 401 else _LATER if status == 429 else ()
    headers = forms.retry_after(rejection, usual)
    return HttpReply(
        status, msgspec.json.encode(_Error(code, message, more, status)), headers=headers
    )


class _Error(msgspec.Struct, gc=False):
    code: int
    message: str
    more_info: str
    status: int
