"""Whatever happens to a league: what a preview says of a day is what its run then does, to the cent."""

import random
from collections import Counter
from datetime import date
from typing import Any

import pytest

from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.preview import preview
from payouts_tests.integration.ledger.test_corrections_at_random import DAYS, Season, _provider
from payouts_tests.support.leagues import SYDNEY, League
from payouts_tests.support.ledger_steps import ACTOR, fingerprint, pass_time, settle, violations

STEPS = 14
LIMITS = [ChangeLimit(), ChangeLimit(0.3, {"EUR": 2_000, "KWD": 2_000})]
APPROVALS = Limits({"EUR": 6_000})


@pytest.mark.parametrize("seed", range(7))
def test_a_preview_says_what_a_run_then_does(ledger: Connection, source: Connection, league: League, seed: int) -> None:
    chance = random.Random(seed)
    season = Season(league, chance)
    said = 0
    for _ in range(STEPS):
        for _ in range(chance.randint(0, 3)):
            season.correct()
        if chance.random() < 0.2:
            pass_time(ledger, chance.choice([0.5, 2, 30]))
        said += _says_what_it_does(ledger, source, chance.choice(DAYS), chance.choice(LIMITS))
        if chance.random() < 0.7:
            settle(ledger, None, _provider(chance))
    assert said, "something has moved"
    assert violations(ledger) == {}


def _says_what_it_does(ledger: Connection, source: Connection, day: date, limit: ChangeLimit) -> int:
    """How many instructions it has said something of."""
    before, fees_before, untouched = _instructions(ledger), _fees(ledger), fingerprint(ledger)
    shown = preview(ledger, source, day, SYDNEY, {}, APPROVALS, limit)
    assert fingerprint(ledger) == untouched, "it leaves nothing behind"
    splits = split(reader.fees_of_day(source, day, SYDNEY))
    phases.open_charges(ledger, source, day, splits, ACTOR, APPROVALS, change_limit=limit)
    phases.open_payouts(ledger, source, day, {}, ACTOR, APPROVALS)
    told = Counter[tuple[str, ...]]()
    for each in shown.instructions:
        told[each.billing_type, each.currency, each.status, str(each.reason_code)] += each.amount_minor
    assert told == _moved(before, _instructions(ledger))
    added = {each.currency: each.added_minor - each.taken_back_minor for each in shown.fees}
    assert _without_zero(added) == _without_zero({c: _fees(ledger)[c] - fees_before[c] for c in ("EUR", "KWD")})
    waits = proposals.find(ledger, day)
    assert (shown.proposal and shown.proposal.details) == (waits and waits.details)
    return len(shown.instructions)


def _instructions(ledger: Connection) -> dict[Any, tuple[Any, ...]]:
    query = "select id, billing_type, currency, status, reason_code, amount_minor, status_at from payouts.instructions"
    return {row[0]: row[1:] for row in ledger.execute(query)}


def _moved(before: dict[Any, tuple[Any, ...]], after: dict[Any, tuple[Any, ...]]) -> Counter[tuple[str, ...]]:
    """The amounts of what is new or stands elsewhere now, by billing type, currency, status and code."""
    moved = Counter[tuple[str, ...]]()
    for key, (billing_type, currency, status, code, amount_minor, _) in after.items():
        if before.get(key) != after[key]:
            moved[billing_type, currency, status, str(code)] += amount_minor
    return moved


def _fees(ledger: Connection) -> Counter[str]:
    return Counter(dict(ledger.execute("select currency, sum(amount_minor)::bigint from payouts.fees group by 1")))


def _without_zero(amounts: dict[str, int]) -> dict[str, int]:
    return {currency: amount for currency, amount in amounts.items() if amount}
