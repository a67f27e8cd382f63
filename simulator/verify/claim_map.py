"""How another system's rows become claims: which field is what, and what its words mean.

    fields: {own_id: id, state: {field: 状態, values: {着信済: delivered}}, amount: 金額}

The one rule: what the mapping does not name is not claimed, and so not judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.verify.claim_rows import ClaimedState

if TYPE_CHECKING:
    from collections.abc import Mapping

AS_THEY_ARE: Mapping[str, ClaimedState] = {state.value: state for state in ClaimedState}
OPTED_OUT: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "y", "t"), True),
    **dict.fromkeys(("0", "false", "no", "n", "f", ""), False),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read rows.

    Attributes:
        fields: our names (`claim_rows.FIELDS`, and `currency`) -> theirs; a dotted path in JSON.
        totals: likewise for the seven totals; then there is one row, and it holds nothing else.
        states, opted_out: what their values mean.
        format: json, jsonl or csv; empty: found out, and said.
        encoding: a name of `claim_text.ENCODINGS`; empty: guessed, and said.
        delimiter: of CSV; empty: a comma, unless only tabs or semicolons stand in the first line.
        rows: the dotted path of the list of rows in a JSON document; empty: found out.
        currency: of all amounts, where no field holds it.
        region: whose national form of numbers is meant where there is no plus.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, ClaimedState] = field(default_factory=lambda: AS_THEY_ARE)
    opted_out: Mapping[str, bool] = field(default_factory=lambda: OPTED_OUT)
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    rows: str = ""
    currency: str = ""
    region: str = "JP"

    @property
    def wanted(self) -> tuple[str, ...]:
        """Their names of everything that is read."""
        return tuple({**self.fields, **self.totals}.values())
