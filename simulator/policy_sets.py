"""Rule sets for contacting people, as data: what each asks, and where that is from.

The one rule: a set holds checks as a scenario's `policy:` would (their names and their parameters
as text), and each rule names its source, a law or the word "custom". Laws are told in our own
words and are no legal advice; docs/policies.md says what each check can see. "$sender" stands for
the parameter of that name that a scenario gives with the set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of a set.

    Attributes:
        check: its name, as in a scenario.
        source: the law and its paragraph, or "custom: ..." with the reason.
        given: its parameters, as text; those left out have the check's defaults.
    """

    check: str
    source: str
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that belong together; `about`: what for, in one line; `custom`: no law is behind it."""

    about: str
    custom: bool
    rules: tuple[Rule, ...]


_MAIL_LAW = "特定電子メール法 (Act on Regulation of Transmission of Specified Electronic Mail)"
_LENDERS = "貸金業法 (Money Lending Business Act) Art. 21 (1) 1; 施行規則 Art. 19 (1)"
_FCC = "47 CFR 64.1200 (rules under the TCPA)"
_COURTESY = "custom: courtesy; no law sets these hours"
_CADENCE = "custom: the cadence 3 calls, 3 mails, 2 SMS in 7 days (14 for business recipients)"
_PRACTICE = "custom: the practice of outreach articles, mail then SMS then call; no law"

RULE_SETS: Mapping[str, RuleSet] = {
    "jp-advertising": RuleSet(
        "advertising by SMS or mail to recipients in Japan",
        custom=False,
        rules=(
            Rule("consent_on_record", f"{_MAIL_LAW} Art. 3 (1) 1 and (2)", {}),
            Rule("no_send_after_opt_out", f"{_MAIL_LAW} Art. 3 (3)", {}),
            Rule("names_sender", f"{_MAIL_LAW} Art. 4 no. 1", {"any_of": ["$sender"]}),
            Rule("offers_refusal", f"{_MAIL_LAW} Art. 4 no. 2; 施行規則 Art. 9 no. 1", {}),
            Rule("reaches_contact", f"{_MAIL_LAW} Art. 4 no. 3; 施行規則 Art. 9", {}),
        ),
    ),
    "jp-lender": RuleSet(
        "hours in which a lender in Japan may not press a debtor",
        custom=False,
        rules=(Rule("quiet_hours", _LENDERS, {"from": "21:00", "until": "8:00"}),),
    ),
    "jp-courtesy": RuleSet(
        "daytime only, and not on a public holiday",
        custom=True,
        rules=(
            Rule("quiet_hours", _COURTESY, {"from": "20:00", "until": "9:00"}),
            Rule("no_holidays", _COURTESY, {}),
        ),
    ),
    "us-tcpa-hours": RuleSet(
        "hours for solicitation in the United States, by the recipient's clock",
        custom=False,
        rules=(Rule("quiet_hours", f"{_FCC} (c)(1)", {"from": "21:00", "until": "8:00"}),),
    ),
    "us-tcpa-opt-out": RuleSet(
        "nothing after STOP but one confirmation within five minutes",
        custom=False,
        rules=(Rule("no_send_after_opt_out", f"{_FCC} (a)(10) and (12)", {"confirmation": "5m"}),),
    ),
    "cadence": RuleSet(
        "how often one person may be contacted",
        custom=True,
        rules=tuple(
            Rule(
                "at_most_per_window",
                _CADENCE,
                {"channel": channel, "count": count, "in": "7d", "business": "14d"},
            )
            for channel, count in (("call", "3"), ("mail", "3"), ("sms", "2"))
        ),
    ),
    "outreach-practice": RuleSet(
        "mail first, then SMS, then at most three announced calls, and then an end",
        custom=True,
        rules=(
            Rule("mail_first", _PRACTICE, {}),
            Rule("sms_before_first_call", _PRACTICE, {}),
            Rule("sms_after_unanswered_call", _PRACTICE, {"within": "10m"}),
            Rule("one_caller_number", _PRACTICE, {}),
            Rule("at_most_per_window", _PRACTICE, {"channel": "call", "count": "3"}),
            Rule("consent_on_record", _PRACTICE, {"channel": "call"}),
            Rule("in_chosen_band", _PRACTICE, {"channel": "call"}),
            Rule("stop_after_unanswered", _PRACTICE, {"channel": "sms", "count": "2"}),
            Rule("stop_after", _PRACTICE, {"span": "7d", "business": "14d"}),
        ),
    ),
}
