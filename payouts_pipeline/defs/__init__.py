"""Dagster, and nothing else: what happens is in `ledger` and `settlement`, which rules hold is in `domain`."""
