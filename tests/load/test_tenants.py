"""Three hundred customers: some quiet, a few large, and a volume that grows."""

from __future__ import annotations

import re

import numpy as np
import pytest

from simulator.load.offer import Offer, accounts_of
from simulator.load.shape import US, expected, intended
from simulator.load.tenants import COUNT, GROWTH, growing, tenants


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_quarters_or_more_send_and_the_largest_tenth_sends_most(seed: int) -> None:
    accounts = tenants("twilio", seed)
    shape = growing(1000, 60 * US)
    offer = Offer(run="r", seed=seed, url="", shape=shape, accounts=accounts)
    sent = np.bincount(accounts_of(offer, np.arange(60_000)), minlength=COUNT)
    assert len({account.id for account in accounts}) == COUNT
    assert 0.75 <= (sent > 0).mean() < 1
    largest = np.sort(sent)[-COUNT // 10 :].sum() / sent.sum()
    assert 0.25 < largest < 0.6


def test_the_same_seed_has_the_same_customers() -> None:
    assert tenants("native", 5) == tenants("native", 5)
    assert tenants("native", 5) != tenants("native", 6)


@pytest.mark.parametrize(
    ("dialect", "form"),
    [("twilio", "AC[0-9a-f]{32}"), ("native", "tenant-[0-9a-f]{12}"), ("zettai_reach", "[0-9]{8}")],
)
def test_ids_have_the_form_of_their_provider(dialect: str, form: str) -> None:
    made = tenants(dialect, 1)  # type: ignore[arg-type]
    assert all(re.fullmatch(form, account.id) for account in made)
    assert all(len(account.secret) == 32 for account in made)


def test_the_volume_grows_and_its_mean_is_what_was_asked() -> None:
    shape = growing(100, 60 * US)
    assert expected(shape) == pytest.approx(6000)
    assert shape.to_rate == pytest.approx(shape.from_rate * GROWTH)
    times = intended(shape, 1)
    assert (times >= 30 * US).sum() > (times < 30 * US).sum()
