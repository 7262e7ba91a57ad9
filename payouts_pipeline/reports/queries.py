"""The queries of the reports, which read the ledger and write nothing."""

from payouts_pipeline.queries import Queries

sql = Queries("payouts_pipeline.reports", "sql")
