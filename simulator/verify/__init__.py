"""The judgement: what a system says happened against what it was told, and what the run expected.

    bytes --claims--> Claims --+
    facts, totals -------------+--reconcile--> Reconciliation --+
    expectations, metrics --------expect-----> Results ---------+--verdict--> exit code, words

The one rule: pure values in, values out. Nothing here reads a clock, a socket or the engine; the
caller brings the facts from the store and the totals from the ledger.
"""
