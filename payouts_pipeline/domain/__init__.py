"""The rules of the business, pure: no I/O, no Dagster, no clock and no environment."""
