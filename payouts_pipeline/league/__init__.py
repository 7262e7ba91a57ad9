"""Schema `league`, the operator's: its public contract (`schema.sql`), and all that is ever read of it."""
