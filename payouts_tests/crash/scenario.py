"""A league in the middle of its life, so that one day has every effect, and who should have what in the end.

Prehistory: two days were materialised. Then the line-up was corrected, two players got a customer at Stripe, and the
charge of one has been without an answer for so long that Stripe has forgotten its key. Two others, whose cards were
refused, have another card now; one of them has meanwhile paid the refused payment intent by the bank's app.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import stripe

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.attempts import Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed, JournalRow
from payouts_pipeline.workflow.resume import resume
from payouts_tests.support import oracle
from payouts_tests.support.emulated_stripe import EmulatedStripe, intent_of
from payouts_tests.support.leagues import SYDNEY, League
from payouts_tests.support.ledger_steps import pass_time

DAY_BEFORE, DAY = date(2026, 5, 1), date(2026, 5, 2)
MINIMUM_MINOR = 50
_SHARES = (("club", None, 0, 6_000), ("organiser", None, 0, 3_000), ("partner", 0, 5, 0), ("platform", None, 0, 1_000))
_NO_FUNDS = "pm_card_chargeDeclinedInsufficientFunds"
_KEY_FORGOTTEN_H = 25.0
_REFUSED = """
    select a.stripe_customer_id, a.idempotency_key, i.amount_minor, i.currency, i.id::text, jsonb_build_object(
        'ledger', (select id from payouts.identity), 'instruction_id', i.id, 'attempt', a.number::text,
        'day', i.day, 'billing_type', i.billing_type)
    from payouts.attempts as a join payouts.instructions as i on i.id = a.instruction_id
    where a.outcome = 'refused' and a.stripe_customer_id = any(%s)
"""


@dataclass
class Scenario:
    """The ids that the corrections and the oracle need."""

    customers: list[str]
    accounts: list[str]
    declined: str
    late_customers: dict[int, str]
    long_unknown: int
    match: int
    struck_off: list[int]
    club: int
    corrected: int
    newcomer: int
    organiser: int
    other_cards: list[int]
    refused: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def pays_late(self) -> str:
        """The customer who has paid the payment intent that was refused."""
        return f"cus_{self.other_cards[0]}"


def populate(connection: Connection) -> Scenario:
    """The league as it was at first."""
    league = League(connection)
    organiser, partner = league.organiser(), league.partner()
    clubs = [league.club(), league.club(), league.club(account=None), league.club()]
    shares = tuple((s, partner if p == 0 else None, fixed, bps) for s, p, fixed, bps in _SHARES)
    competition = league.competition(organiser)
    league.terms(competition, 1_000, "EUR", shares)
    cheap = league.priced(30)
    players = [league.player(clubs[n]) for n in (0, 0, 1, 2, 3, 0)]
    late = [league.player(clubs[1], customer=None), league.player(clubs[2], customer=None)]
    eve = league.match(cheap, DAY_BEFORE)
    for player in (players[3], players[5]):
        league.plays(eve, player)
    match = league.match(competition, DAY)
    refused = [league.player(clubs[n]) for n in (0, 1)]
    lines = [league.plays(match, player) for player in (*players[:5], *late, *refused)]
    return Scenario(
        customers=[f"cus_{player}" for player in (*players, *late, *refused)],
        accounts=[f"acct_{payee}" for payee in (organiser, partner, clubs[0], clubs[1], clubs[3])],
        declined=f"cus_{players[1]}",
        late_customers={player: f"cus_{player}" for player in late},
        long_unknown=late[1],
        match=match,
        struck_off=[lines[2], lines[4]],
        club=clubs[1],
        corrected=players[2],
        newcomer=players[5],
        organiser=organiser,
        other_cards=refused,
    )


def correct(connection: Connection, scenario: Scenario) -> None:
    """What happened since the day was settled."""
    league = League(connection, _ids=iter(range(1_000, 2_000)))
    for player, customer in scenario.late_customers.items():
        league.set("players", player, stripe_customer_id=customer)
    _leave_without_answer(connection, scenario)
    for line in scenario.struck_off:
        league.strike_off(line)
    league.plays(scenario.match, scenario.newcomer)
    dear = league.competition(scenario.organiser)
    league.terms(dear, 1_500, "EUR", [("club", None, 0, 6_000), ("organiser", None, 0, 4_000)])
    league.plays(league.match(dear, DAY), scenario.corrected, scenario.club)
    scenario.refused = connection.execute(_REFUSED, ([f"cus_{player}" for player in scenario.other_cards],)).fetchall()
    assert len(scenario.refused) == len(scenario.other_cards)
    for player in scenario.other_cards:
        league.set("players", player, stripe_payment_method_id=f"pm_other_{player}")


def _leave_without_answer(connection: Connection, scenario: Scenario) -> None:
    """One charge was sent, or not, by a worker of which nothing was heard again; that was yesterday."""
    others = [player for player in scenario.late_customers if player != scenario.long_unknown]
    league = League(connection)
    for player in others:
        league.set("players", player, stripe_customer_id=None)
    assert resume(connection, connection, DAY, "prehistory") == 1
    pending = connection.execute("select id from payouts.instructions where status = 'pending'").fetchall()
    [attempt] = attempts.claim(connection, [row[0] for row in pending], 60, "prehistory")
    no_answer = Outcome(attempt.instruction_id, attempt.number, Status.UNKNOWN, ReasonCode.NO_ANSWER, retry_after_s=0)
    assert attempts.record(connection, [no_answer], "prehistory")
    for player in others:
        league.set("players", player, stripe_customer_id=scenario.late_customers[player])
    waiting = "select id, retry_at from payouts.instructions where status = 'waiting'"
    before = connection.execute(waiting).fetchall()
    pass_time(connection, _KEY_FORGOTTEN_H)
    with connection.cursor() as cursor:
        cursor.executemany("update payouts.instructions set retry_at = %s where id = %s", [row[::-1] for row in before])


def register(emulator: EmulatedStripe, scenario: Scenario) -> None:
    """An emulator that knows nothing but who is who, and which payment intents of the prehistory were refused."""
    admin = emulator.admin
    admin.reset()
    admin.put_accounts(AccountSeed(id=account) for account in scenario.accounts)
    without_funds = {scenario.declined, *(f"cus_{player}" for player in scenario.other_cards)}
    admin.put_customers(
        CustomerSeed(id=customer, default_payment_method=_NO_FUNDS if customer in without_funds else "pm_card_visa")
        for customer in scenario.customers
    )
    admin.set_balance({"eur": 1_000_000})
    for row in scenario.refused:
        intent = _refused(emulator.sdk(), *row)
        if row[0] == scenario.pays_late:
            admin.pay(intent, "pm_card_visa")
    admin.put_customers(
        CustomerSeed(id=f"cus_{player}", default_payment_method=f"pm_other_{player}", card="pm_card_visa")
        for player in scenario.other_cards
        if scenario.refused
    )


def _refused(
    api: stripe.StripeClient, customer: str, key: str, amount: int, currency: str, name: str, metadata: dict[str, str]
) -> str:
    """Make the payment intent of a charge that was refused, as the ledger has made it; its id."""
    order: Any = {"amount": amount, "currency": currency.lower(), "customer": customer, "payment_method": _NO_FUNDS}
    order |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}, "transfer_group": name}
    order |= {"off_session": True, "confirm": True, "metadata": metadata}
    with pytest.raises(stripe.CardError) as refused:
        api.v1.payment_intents.create(order, {"idempotency_key": key})
    return intent_of(refused).id


def moved(journal: Iterable[JournalRow]) -> Counter[str]:
    """Minor units by customer and account."""
    sums: Counter[str] = Counter()
    for row in journal:
        sums[str(row.customer if row.kind == "charge" else row.destination)] += row.amount
    return sums


def expected(connection: Connection, scenario: Scenario, before: Counter[str]) -> Counter[str]:
    """Who should have paid and got how much, by the source tables and what had moved before them alone."""
    fees = [fee for day in (DAY_BEFORE, DAY) for fee in oracle.fees_of_day(connection, day, SYDNEY)[0]]
    owed = Counter[str]()
    for fee in fees:
        owed[f"cus_{fee.player_id}"] += fee.amount_minor
    good = Counter({customer: amount for customer, amount in owed.items() if customer != scenario.declined})
    due = Counter[str]()
    for fee in fees:
        if f"cus_{fee.player_id}" in good:
            for (subject, subject_id), amount in fee.shares.items():
                due[f"acct_{subject_id}" if subject != "platform" else ""] += amount
    payable = Counter({account: amount for account, amount in due.items() if account in scenario.accounts})
    return _with_what_stays(good + payable, before)


def _with_what_stays(due: Counter[str], before: Counter[str]) -> Counter[str]:
    """What was moved is not taken back, and a difference under the minimum waits."""
    everyone = {*due, *before}
    total = {name: due[name] if due[name] - before[name] >= MINIMUM_MINOR else before[name] for name in everyone}
    return Counter({name: amount for name, amount in total.items() if amount})


def open_statuses(connection: Connection) -> Sequence[str]:
    """The statuses that a quiet ledger has besides `settled`, and besides what a person must judge after a restore."""
    query = """
        select distinct status from payouts.instructions
        where status not in ('settled', 'cancelled') and reason_code <> 'movement_differs' order by 1
    """
    return [row[0] for row in connection.execute(query)]


DAYS = (DAY_BEFORE, DAY)
assert timedelta(days=1) == DAY - DAY_BEFORE
