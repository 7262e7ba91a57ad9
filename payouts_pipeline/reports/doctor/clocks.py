"""Clocks: keys, leases and rates are counted by ours, the ledger's and Stripe's, which have to agree."""

from datetime import datetime, timedelta

from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, ok, problem, warning

# A worker's lease lasts about a minute; an idempotency key is taken to be young for an hour less than Stripe keeps it.
_NOTICED = timedelta(minutes=1)
_DANGEROUS = timedelta(minutes=30)


def compared(subject: str, theirs: datetime, before: datetime, after: datetime) -> Diagnosis:
    """How far a clock is from ours, which was read before and after it was asked; it may say whole seconds."""
    skew = max(before - timedelta(seconds=1) - theirs, theirs - after, timedelta())
    seconds = int(skew.total_seconds())
    if skew < _NOTICED:
        return ok(subject, "within a minute of this machine's", skew_s=seconds)
    says = problem if skew >= _DANGEROUS else warning
    found = f"{seconds:,} s away from this machine's: leases and Stripe's idempotency keys count on time"
    return says(subject, found, "set both clocks by a time server.", skew_s=seconds)
