"""A server in stepped time for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running


@pytest.fixture
def server() -> Iterator[Running]:
    with running() as found:
        yield found
