"""TwiML, the answer to an inbound webhook, read as orders: messages, and where to ask next.

    <Response>
      <Message to= from= statusCallback=><Body>text</Body></Message>
      <Redirect method=>address</Redirect>
    </Response>

The one rule: whatever a receiver sends is orders or a `Trouble`, never an exception: at most
64 KiB, no entities, no DTD. From Twilio's pages on TwiML for messaging and on errors 11750 to
14109: text/xml, application/xml and text/html are TwiML, text/plain is sent to the person as it
stands (so an "ok" is a message). `Media` and `action` are not simulated; what follows a Redirect
is unreachable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from simulator.core.message import Reason, Rejection
from simulator.core.orders import Orders
from simulator.core.trouble import Trouble
from simulator.core.webhook import address_of
from simulator.dialects import twilio_parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

    from simulator.core.command import Submission
    from simulator.core.message import Account, Call, Outcome

BYTES_MAX: Final = 65_536
ELEMENTS_MAX: Final = 1_000

_TWIML: Final = frozenset({"text/xml", "application/xml", "text/html"})
_MESSAGES: Final = frozenset({"Message", "Sms"})
# What a bad parameter of the message is called where it stands in TwiML.
_TROUBLES: Mapping[str, Trouble] = {
    "To": Trouble.BAD_TO,
    "From": Trouble.BAD_FROM,
    "Body": Trouble.BAD_BODY,
}


def orders(call: Call, account: Account, answer: Outcome) -> Orders:
    """Read the answer to an inbound webhook, a 2xx.

    Args:
        call: what was answered; its message is the inbound one.
        account: whose it is.
        answer: with its body; one byte too many is too many.
    """
    kind = answer.content_type.partition(";")[0].strip().lower()
    if len(answer.body) > BYTES_MAX:
        return _fatal(Trouble.TOO_LARGE)
    if not answer.body.strip():
        return Orders()
    if kind == "text/plain":
        said = _say(call, account, {}, answer.body.decode(errors="replace").strip())
        return Orders(troubles=(said,)) if isinstance(said, Trouble) else Orders((said,))
    if kind not in _TWIML:
        return _fatal(Trouble.CONTENT_TYPE)
    root = _parsed(answer.body)
    return _fatal(Trouble.MALFORMED) if root is None else _read(call, account, root)


def _parsed(body: bytes) -> Element | None:
    """Parse a document; None: it is not TwiML."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):  # an unknown encoding, too
        return None
    many = sum(1 for _ in root.iter()) > ELEMENTS_MAX
    return None if many or root.tag != "Response" else root


def _read(call: Call, account: Account, root: Element) -> Orders:
    says: list[Submission] = []
    troubles: list[Trouble] = []
    for verb in root:
        if verb.tag == "Redirect":
            url = urljoin(address_of(call).partition("#")[0], (verb.text or "").strip())
            if twilio_parse.is_callback_url(url):
                method = "GET" if verb.get("method", "").upper() == "GET" else "POST"
                return Orders(tuple(says), url, method, tuple(troubles))
            troubles.append(Trouble.HTTP)
            break
        if verb.tag not in _MESSAGES:
            troubles.append(Trouble.UNKNOWN_VERB)
            continue
        said = _say(call, account, verb.attrib, "".join(_texts(verb)))
        if isinstance(said, Trouble):
            troubles.append(said)
        else:
            says.append(said)
    return Orders(tuple(says), troubles=tuple(dict.fromkeys(troubles)))


def _texts(verb: Element) -> Iterator[str]:
    """Yield the text of a message: its bodies, or what stands in it directly."""
    bodies = [noun.text or "" for noun in verb if noun.tag == "Body"]
    yield from bodies or [(verb.text or "").strip()]


def _say(
    call: Call, account: Account, attributes: Mapping[str, str], text: str
) -> Submission | Trouble:
    """Make a message of it, by the rules of the API; the person is who wrote."""
    inbound = call.message
    form = {
        "To": attributes.get("to") or inbound.sender,
        "From": attributes.get("from") or inbound.to,
        "Body": text,
    }
    callback = attributes.get("statusCallback", "")
    if callback:
        form["StatusCallback"] = urljoin(address_of(call).partition("#")[0], callback)
    found = twilio_parse.submission(account, form)
    if not isinstance(found, Rejection):
        return found
    if found.reason is Reason.NOT_MOBILE:
        return Trouble.BAD_TO
    return _TROUBLES.get(found.field, Trouble.MALFORMED)


def _fatal(trouble: Trouble) -> Orders:
    return Orders(troubles=(trouble,), fatal=True)
