"""Who may ask Twilio's API: Basic credentials, of the account itself or of one of its API keys.

The one rule: whatever is wrong with them looks and takes the same.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final

from simulator.core.account import ApiKey, Schedule
from simulator.core.consent import SPOKEN
from simulator.core.message import Account, Reason, Rejection
from simulator.dialects import forms
from simulator.dialects.shape import Refused
from simulator.dialects.twilio_render import POLICY
from simulator.dialects.twilio_webhook import RETRY

if TYPE_CHECKING:
    from simulator.core.wire import HttpRequest
    from simulator.dialects.shape import Desk

NAME: Final = "twilio"

# Pages of errors 35114 and 35125; older pages say 900 s and 7 days.
SCHEDULE: Final = Schedule(300_000_000, 35 * 86_400_000_000, 500_000)

_ACCOUNT: Final = re.compile(r"AC[0-9a-fA-F]{32}")


def new_account(account_id: str, secret: str) -> Account:
    """Make an account as Twilio's customers have it, with the `twilio` billing policy."""
    return Account(
        id=account_id,
        dialect=NAME,
        secret=secret,
        policy=POLICY,
        retry=RETRY,
        keywords=SPOKEN,
        schedule=SCHEDULE,
    )


def enter(
    request: HttpRequest, desk: Desk, *, creates: bool = False
) -> tuple[Account, Account | None] | Refused:
    """Check the credentials, then that they are those of the account in the path.

    Args:
        request: its path names the account.
        desk: the accounts there are.
        creates: the one call that test credentials may make.
    """
    sid = request.tail[0]
    if sid not in desk.accounts and not _ACCOUNT.fullmatch(sid):
        return Refused(Rejection(Reason.NOT_FOUND, detail=f"saw {forms.shown(sid)}"))
    claimed = forms.basic_credentials(request.headers.get("Authorization", ""))
    if claimed is None:
        return Refused(Rejection(Reason.UNAUTHORIZED))
    if claimed[0] != sid:
        entered: tuple[Account, Account | None] | None = _by_key(desk.accounts.get(sid), claimed)
    else:
        entered = forms.admit(desk, NAME, claimed, new_account)
    if entered is None:
        return Refused(Rejection(Reason.UNAUTHORIZED))
    if entered[0].test and not creates:
        return Refused(Rejection(Reason.TEST_CREDENTIALS), sid)
    return entered


def _by_key(account: Account | None, claimed: tuple[str, str]) -> tuple[Account, None] | None:
    """Admit an API key of the account; every key is compared, and one that is not there as well."""
    name, secret = claimed
    keys = account.api_keys if account is not None and account.dialect == NAME else ()
    found = False
    for key in keys or (_NOBODYS,):
        equal = hmac.compare_digest(secret.encode(), key.secret.encode())
        found |= equal and key.id == name and key is not _NOBODYS
    return (account, None) if found and account is not None else None


_NOBODYS: Final = ApiKey("", "")
