"""Outreach: a small, honest system that sends SMS through a provider and keeps its own books.

It is the default system under test. It knows nothing of the simulator: it talks HTTP to a provider,
as any such system would, and sleeps on the clock it is given (`docs/system-under-test.md`).

    POST /campaigns --> campaign --> agenda --> provider --> (the provider's API)
                                        |           |
                                      clock       books <-- POST receipts, inbound
                                                    |
    GET /claims <---------- bugs <-- claims <-------+

The one rule: books hold only what the provider told us, and everything else is computed from them.
"""
