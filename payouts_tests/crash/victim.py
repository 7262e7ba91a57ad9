"""The process that is killed: it runs a day, and dies by SIGKILL at the points that it is told.

As a program it runs the real command line: ``python -m payouts_tests.crash.victim CLAIM:after:1 -- run 2026-05-02``.
"""

import os
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from multiprocessing.connection import Connection as Pipe
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from payouts_pipeline.failpoints import Failpoint, Moment, observe
from payouts_pipeline.ledger.database import sql
from payouts_tests.crash.day import Place, until_quiet, warm_up
from payouts_tests.crash.faults import FOREIGN, THROUGH_PROXY, Fault
from payouts_tests.crash.proxy import FOREIGN_ANSWER, Proxy, Request

# A statement of each effect's transaction, or the name of the request.
_COMMITS = {
    Failpoint.RESUME: "resume",
    Failpoint.BOOK_DAY: "lock_day",
    Failpoint.RELEASE_DAY: "lock_day",
    Failpoint.FUND_PAYOUTS: "funds_queue",
    Failpoint.PLAN_PAYOUTS: "funds_queue",
    Failpoint.MARK_PUBLISHED: "mark_published",
    Failpoint.CLAIM: "claim",
    Failpoint.SET_PAYMENT_METHOD: "set_payment_method",
    Failpoint.RECORD_OUTCOMES: "record_outcomes",
    Failpoint.ORDER_RETURN: "insert_return_order",
    Failpoint.KEEP_MOVEMENTS: "keep_movements",
    Failpoint.WAKE_MOVED: "wake_moved",
    Failpoint.KEEP_TRANSACTIONS: "keep_transactions",
    Failpoint.ENTER_TRANSACTIONS: "make_journal_accounts",
    Failpoint.ENTER_RETURNS: "insert_return",
    Failpoint.OPEN_JOURNAL: "note_opened",
}
_REQUESTS = {Failpoint.PUBLISH: b"PublishBatch", Failpoint.DELETE_MESSAGES: b"DeleteMessageBatch"}


class Occurrences:
    """Counts the effects of the process, and does what was ordered for one of them."""

    def __init__(self, fault: Fault | None = None, proxy: Proxy | None = None) -> None:
        self.counts: Counter[tuple[Failpoint, Moment]] = Counter()
        self.sequence: list[tuple[int, Failpoint, Moment]] = []
        self._fault, self._proxy = fault, proxy
        self._lock = threading.Lock()

    def __call__(self, effect: Failpoint, moment: Moment) -> None:
        with self._lock:
            self.counts[effect, moment] += 1
            self.sequence.append((threading.get_ident(), effect, moment))
            nth = self.counts[effect, moment]
        if self._fault is None or (effect, nth) != (self._fault.effect, self._fault.nth):
            return
        if moment == self._fault.how:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._proxy and moment == "before":
            self._proxy.lose_answer_of(_request(effect))


def _request(effect: Failpoint) -> Request:
    if effect in _REQUESTS:
        return Request(_REQUESTS[effect], b"")
    # The comment of a query goes to the server with it.
    return Request(sql(_COMMITS[effect]).splitlines()[0].encode(), b"COMMIT")


def run(place: Place, work: Callable[[Place, date], object], day: date, fault: Fault | None, answer: Pipe) -> None:
    """Do the work with a fault in it; sends whether the fault occurred, unless that is the end of the process."""
    proxy = None
    if fault and fault.how in THROUGH_PROXY and not fault.at_stripe():
        place, proxy = _through_proxy(place, fault)
    occurrences = Occurrences(fault, proxy)
    observe(occurrences)
    try:
        work(place, day)
    finally:
        answer.send((occurrences.sequence, proxy.lost if proxy else 0))


def recover(place: Place, day: date, answer: Pipe) -> None:
    """Materialise a day until it is quiet; sends how often it took, or what went wrong."""
    try:
        answer.send(until_quiet(place, day))
    except BaseException:
        answer.send(traceback.format_exc())
        raise


def _through_proxy(place: Place, fault: Fault) -> tuple[Place, Proxy]:
    """The place with a proxy before the server that has the effect."""
    if fault.effect in _COMMITS:
        found: dict[str, Any] = conninfo_to_dict(place.database_url)
        port = found.get("port", 5432)
        is_socket = str(found["host"]).startswith("/")
        proxy = Proxy(f"{found['host']}/.s.PGSQL.{port}" if is_socket else (found["host"], int(port)))
        return replace(place, database_url=make_conninfo(place.database_url, host="127.0.0.1", port=proxy.port)), proxy
    address = urlsplit(place.aws_url)
    instead = FOREIGN_ANSWER if fault.how == FOREIGN else b""
    proxy = Proxy((str(address.hostname), int(address.port or 80)), instead)
    return replace(place, aws_url=f"http://127.0.0.1:{proxy.port}"), proxy


def main(arguments: Sequence[str]) -> None:
    """Take points, then the arguments of the command line."""
    from payouts_pipeline.cli.main import main as payouts

    at = arguments.index("--")
    observers = [Occurrences(Fault.parse(text)) for text in arguments[:at]]
    observe(lambda effect, moment: _tell(observers, effect, moment))
    sys.argv = ["payouts", *arguments[at + 1 :]]
    payouts()


def _tell(observers: Iterable[Occurrences], effect: Failpoint, moment: Moment) -> None:
    for observer in observers:
        observer(effect, moment)


if __name__ == "__main__":
    main(sys.argv[1:])
else:
    warm_up()
