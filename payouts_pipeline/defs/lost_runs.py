"""Runs that live in the process of `payouts run`: one that is killed can't say that its run is over.

Dagster would take such a run for a running one for a day, and nothing else that moves money would start until then. So
each says in a tag who holds it: a lock of a session with the ledger, which goes with the process, on any machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from payouts_pipeline.defs.runs_in_progress import UNFINISHED
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import ledger_name, only_holder_of, was_let_go

_HOLDER = "payouts/held_by"
# Other installations may use the same instance; whether their sessions live, only their own ledger knows.
_LEDGER = "payouts/ledger"
# Whoever started it sees it end; without this, Dagster would say that it starts it again, and no alert would come.
_NO_RETRY = {"dagster/max_retries": "0"}

_LOST = "The process of 'payouts run' ended before its run did. Materialise its days again: nobody is paid twice."


@contextmanager
def held_by(ledger: Connection) -> Iterator[dict[str, str]]:
    """The tags for runs of this process; they count as lost when the connection ends."""
    with only_holder_of(ledger) as number:
        yield {_LEDGER: ledger_name(ledger), _HOLDER: str(number), **_NO_RETRY}


def end_lost_runs(instance: dg.DagsterInstance, ledger: Connection) -> None:
    """Mark the runs of processes that are gone as failed, so that their places become free."""
    ours = dg.RunsFilter(statuses=UNFINISHED, tags={_LEDGER: ledger_name(ledger)})
    for run in instance.get_runs(filters=ours):
        # One that the UI has made again has the tags, but lives where Dagster has started it.
        if not run.remote_job_origin and was_let_go(ledger, int(run.tags[_HOLDER])):
            instance.report_run_failed(run, _LOST)
