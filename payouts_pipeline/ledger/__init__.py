"""Postgres: what is owed, asked and paid. Schema `payouts` is the payment truth."""
