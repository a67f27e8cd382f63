"""Claims posted to the control port, and judged there against the world as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers import SID, us
from tests.web.test_control_gate import refused

if TYPE_CHECKING:
    from tests.servers import Running

CLAIMS = "/v1/worlds/default/claims"
JUDGEMENT = f"{CLAIMS}/judgement"


def claimed(*keys: str, state: str = "accepted", amount: str = "0") -> dict[str, Any]:
    rows = [
        {"provider_id": f"SM{key}", "to": us(n), "state": state, "units": 0, "amount": amount}
        for n, key in enumerate(keys)
    ]
    sums = {"accepted": len(keys), "delivered": 0, "units": 0, "excluded_units": 0}
    money = {"subtotal": "0", "tax": "0", "total": "0"}
    return {"currency": "USD", "messages": rows, "totals": {**sums, **money}}


def test_posted_claims_are_judged_against_the_world_as_it_is(server: Running) -> None:
    keys = [server.accepted(us(n)) for n in range(2)]
    assert server.control("POST", CLAIMS, claimed(*keys)).status == 202
    found = server.get(JUDGEMENT, region="US")
    assert (found["account"], found["claimed"], found["accepted"]) == (SID, 2, 2)
    assert (found["proves"], found["why"]) == (True, [])
    kinds = {row["kind"] for row in found["rows"]}
    one = server.control("POST", CLAIMS, claimed(keys[0]))
    assert one.json["times"] == 2
    after = server.get(JUDGEMENT, account=SID, region="US", rows=0)
    assert after["rows"] == []
    assert {c["code"]: c["count"] for c in after["classes"]}["lost-by-the-system"] == 1
    assert "lost by the system" not in kinds


def test_what_cannot_be_judged_is_said(server: Running) -> None:
    refused(server.control("GET", JUDGEMENT), 409, "conflict", "no claims were posted")
    server.accepted()
    server.control("POST", CLAIMS, claimed())
    assert server.get(JUDGEMENT)["why"] == [
        "the claims are empty, but the provider accepted 1 message"
    ]
    unknown = server.control("GET", f"{JUDGEMENT}?account=nobody")
    refused(unknown, 404, "not_found", "no account 'nobody' in this world")
    server.control("POST", CLAIMS, b"{}")
    answer = server.control("GET", JUDGEMENT)
    assert answer.status == 422
    assert "currency: is missing" in str(answer.json)
    assert "[claims-missing]" in str(answer.json)
