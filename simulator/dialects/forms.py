"""What form-speaking dialects share: fields in and out, Basic credentials, who may come in.

The one rule: bytes from outside become a `Rejection`, never an exception, and no work is unbounded.

yarl reads a form of Japanese text twelve times faster than `urllib.parse.parse_qsl`, but writes
U+FFFD for what is not UTF-8; only where one shows is the form read again, strictly.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

import msgspec
from yarl import URL, query_to_pairs

from simulator.core.message import Reason, Rejection
from simulator.dialects.shape import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Account
    from simulator.core.wire import HttpRequest
    from simulator.dialects.shape import Ask, Desk, Result

FIELDS_MAX: Final = 200
SHOWN_CHARS_MAX: Final = 40
FORM_TYPE: Final = "application/x-www-form-urlencoded"

Form = dict[str, str]


def body_fields(request: HttpRequest) -> Form | Rejection:
    """Read a form body; of a repeated field the last value counts.

    A body of another type (JSON, multipart) holds no fields, so the client learns which one is
    missing first; a body of no type is taken for a form.
    """
    kind = request.headers.get("Content-Type", FORM_TYPE)
    if kind != FORM_TYPE and kind.partition(";")[0].strip().lower() != FORM_TYPE:
        return {}
    try:
        return _fields(request.body.decode())
    except UnicodeDecodeError:
        return Rejection(Reason.MALFORMED, "body", "it is not UTF-8")


def repeated(request: HttpRequest, name: str) -> tuple[str, ...]:
    """Return every value of a field of a form that `body_fields` has read."""
    return tuple(value for key, value in query_to_pairs(request.body.decode()) if key == name)


def query_fields(request: HttpRequest) -> Form | Rejection:
    """Read the query string; as above."""
    return _fields(request.query)


def write_form(fields: Mapping[str, str]) -> bytes:
    """Write a form body; of Japanese text three times faster than `urllib.parse.urlencode`."""
    return URL.build(query=fields).raw_query_string.encode()


def shown(text: str) -> str:
    """Quote what was seen, shortened and escaped, for a message to people."""
    return repr(text if len(text) <= SHOWN_CHARS_MAX else text[:SHOWN_CHARS_MAX] + "…")


def integer(text: str, low: int, high: int) -> int | None:
    """Read ASCII digits only: `int` would take 1_000, and digits of every script."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high))):
        return None
    value = int(text)
    return value if low <= value <= high else None


def bad(fields: Form, name: str, wanted: str) -> Rejection:
    """Refuse a parameter's value, with what was seen and what to write."""
    return Rejection(Reason.BAD_PARAMETER, name, f"saw {shown(fields[name])}; {wanted}")


@lru_cache(maxsize=1024)
def basic_credentials(header: str) -> tuple[str, str] | None:
    """Return user and password of an Authorization header, or None if it is not such a one."""
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def admit(
    desk: Desk, dialect: str, claimed: tuple[str, str], new_account: Callable[[str, str], Account]
) -> tuple[Account, Account | None] | None:
    """Check an account's id and secret, in the same time with and without such an account.

    Args:
        desk: the accounts there are.
        dialect: whose API was called; accounts of others do not exist here.
        claimed: id and secret, as the client gave them.
        new_account: makes one, where accounts are open.

    Returns:
        The account and, at first sight, what is to be configured before; None: not admitted.
    """
    name, secret = claimed
    account = desk.accounts.get(name) or new_account(name, "")
    equal = hmac.compare_digest(secret.encode(), account.secret.encode())
    if account.dialect != dialect:
        return None
    if account.secret:
        return (account, None) if equal else None
    if not desk.open_accounts or not secret:
        return None
    if name not in desk.accounts and len(desk.accounts) >= desk.accounts_max:
        return None
    opened = msgspec.structs.replace(account, secret=secret)  # also one declared without a secret
    return opened, opened


def rejection_of(asked: Ask | Refused, result: Result) -> Rejection:
    """Return why a request was refused: by the gateway or a rule, else by the dialect."""
    if isinstance(result, Rejection):
        return result
    assert isinstance(asked, Refused), f"nothing to show: {result!r} for {asked!r}"
    return asked.rejection


def retry_after(
    rejection: Rejection, usual: tuple[tuple[str, str], ...] = ()
) -> tuple[tuple[str, str], ...]:
    """Return the Retry-After header of a refusal: the rule's, where it has one, else the usual."""
    seconds = rejection.retry_after_s
    return usual if seconds < 0 else (("Retry-After", str(seconds)),)


def _fields(text: str) -> Form | Rejection:
    if text.count("&") >= FIELDS_MAX:
        return Rejection(Reason.MALFORMED, "form", f"it has more than {FIELDS_MAX} fields")
    if not text.isascii() and not _is_utf8(text):
        return Rejection(Reason.MALFORMED, "form", "it is not UTF-8")
    fields = dict(query_to_pairs(text))
    for name, value in fields.items():
        if "\0" in value:
            return Rejection(Reason.MALFORMED, name[:SHOWN_CHARS_MAX], "it holds a NUL")
        if "\ufffd" in value and not _is_utf8(text):
            return Rejection(Reason.MALFORMED, name[:SHOWN_CHARS_MAX], "it is not UTF-8")
    return fields


def _is_utf8(text: str) -> bool:
    """Tell whether a form decodes strictly; lone surrogates do not."""
    try:
        unquote_to_bytes(text).decode()
    except UnicodeError:
        return False
    return True
