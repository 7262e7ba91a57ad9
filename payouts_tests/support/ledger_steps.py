"""Moves a day through the ledger without a bus or a provider, and says what must hold after every step."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import attempts, outbox
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import phases
from payouts_tests.support.leagues import SYDNEY

ACTOR = "test"
LEASE_S = 60.0

Decide = Callable[[Attempt], Outcome | None]

# An attempt that was never sent, of a payout.
TRANSFER = Attempt(
    ledger_id=UUID(int=9),
    instruction_id=UUID(int=1),
    billing_type=BillingType.CLUB_PAYOUT,
    day=date(2026, 5, 2),
    currency="AUD",
    amount_minor=1_000,
    number=1,
    idempotency_key="1:1",
    stripe_account_id="acct_receives",
    stripe_customer_id=None,
    stripe_payment_method_id=None,
    first_sent_at=datetime(2026, 5, 3, tzinfo=UTC),
    sends=0,
    key_is_old=False,
    is_gone=False,
)


def book(ledger: Connection, source: Connection, day: date, timezone: ZoneInfo = SYDNEY) -> phases.Progress:
    """What asset `collected_fees` does first."""
    return phases.open_charges(ledger, source, day, split(reader.fees_of_day(source, day, timezone)), ACTOR)


def release(
    ledger: Connection, source: Connection, day: date, minimums_minor: dict[str, int] | None = None
) -> phases.Progress:
    """What asset `settled_payouts` does first."""
    return phases.open_payouts(ledger, source, day, minimums_minor or {}, ACTOR)


def settled(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt.instruction_id, attempt.number, Status.SETTLED, provider_reference=f"p_{attempt.idempotency_key}"
    )


def waiting(attempt: Attempt) -> Outcome:
    """Stripe was busy: no card, and nobody's fault."""
    return Outcome(
        attempt.instruction_id, attempt.number, Status.WAITING, reason_code="lock_timeout", retry_after_s=3600
    )


def rejected(attempt: Attempt) -> Outcome:
    return Outcome(attempt.instruction_id, attempt.number, Status.REJECTED, reason_code="stolen_card")


def unknown(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt.instruction_id, attempt.number, Status.UNKNOWN, reason_code=ReasonCode.NO_ANSWER, retry_after_s=0
    )


def cancelled(attempt: Attempt) -> Outcome:
    """Stripe was asked, and nothing of it has moved or can."""
    return Outcome(attempt.instruction_id, attempt.number, Status.CANCELLED, is_absent=True)


def left_alone(attempt: Attempt) -> None:
    """A worker that stopped in its call: the instruction stays `sending`."""


def ids(ledger: Connection, day: date | None = None, *statuses: str) -> list[UUID]:
    query = "select id from payouts.instructions where day = coalesce(%s, day) and status = any(%s) order by id"
    return [row[0] for row in ledger.execute(query, (day, list(statuses or ("pending", "published", "unknown"))))]


def claim(ledger: Connection, wanted: Iterable[UUID], lease_s: float = LEASE_S) -> list[Attempt]:
    return attempts.claim(ledger, list(wanted), lease_s, ACTOR)


def mark_published(ledger: Connection, published: Sequence[UUID]) -> None:
    outbox.mark_published(ledger, published, datetime.now(UTC), ACTOR)


def settle(ledger: Connection, day: date | None = None, decide: Decide = settled, *statuses: str) -> int:
    """What the workers do; how many outcomes counted. Of what is to be cancelled, nothing has moved."""
    claimed = claim(ledger, ids(ledger, day, *statuses))
    outcomes = [cancelled(attempt) if attempt.is_to_cancel else decide(attempt) for attempt in claimed]
    return len(attempts.record(ledger, [outcome for outcome in outcomes if outcome], ACTOR))


def materialise(ledger: Connection, source: Connection, day: date, decide: Decide = settled) -> None:
    """Both assets of the ledger, with whatever the provider says."""
    for phase in (book, release):
        phase(ledger, source, day)
        if settle_cancellations(ledger):
            phase(ledger, source, day)
        settle(ledger, day, decide)


def settle_cancellations(ledger: Connection) -> int:
    """What the workers make of what is being cancelled, with nothing of it moved; how many that were."""
    being_cancelled = [row[0] for row in ledger.execute("select id from payouts.being_cancelled order by id")]
    return len(attempts.record(ledger, [cancelled(attempt) for attempt in claim(ledger, being_cancelled)], ACTOR))


def pass_time(ledger: Connection, hours: float) -> None:
    """Let the ledger believe that this much time has passed, for everything that is not at its end."""
    ago = timedelta(hours=hours)
    ledger.execute(
        "update payouts.instructions set retry_at = retry_at - %s, leased_until = leased_until - %s,"
        " published_at = published_at - %s, status_at = status_at - %s",
        (ago, ago, ago, ago),
    )
    ledger.execute(
        "update payouts.attempts set first_sent_at = first_sent_at - %s, last_sent_at = last_sent_at - %s", (ago, ago)
    )
    ledger.execute(
        "update payouts.payee_accounts set seen_at = seen_at - %s, rests_until = rests_until - %s", (ago, ago)
    )
    ledger.execute("update payouts.charges_to_release set settled_at = settled_at - %s", (ago,))


def account(ledger: Connection, subject: str, subject_id: int, currency: str = "EUR") -> tuple[int, int, int, int]:
    """Booked, released, in flight, settled."""
    row = ledger.execute(
        "select booked_minor, released_minor, in_flight_minor, settled_minor from payouts.accounts"
        " where subject = %s and subject_id = %s and currency = %s",
        (subject, subject_id, currency),
    ).fetchone()
    return row if row else (0, 0, 0, 0)


def instructions(ledger: Connection, subject: str, subject_id: int) -> list[tuple[str, int]]:
    """Status and amount of each of an account's instructions, in the order in which they were made."""
    return ledger.execute(
        "select i.status, i.amount_minor from payouts.instructions as i join payouts.accounts as a on a.id = account_id"
        " where a.subject = %s and a.subject_id = %s order by i.created_at, i.day, i.sequence",
        (subject, subject_id),
    ).fetchall()


def fingerprint(ledger: Connection) -> dict[str, str]:
    """A hash of every row of every table of the ledger: equal only if nothing at all was written."""
    tables = ledger.execute("select tablename from pg_tables where schemaname = 'payouts' order by 1").fetchall()
    query = (
        "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from payouts.{} as t"
    )
    return {name: ledger.execute(query.format(name)).fetchall()[0][0] for (name,) in tables}


# Each query finds what must not be. They are written from the rules, not from the booking's queries.
_VIOLATIONS = {
    "booked on a player is what the fees say": """
        select subject_id, currency from payouts.accounts as a where subject = 'player' and booked_minor <>
        (select coalesce(sum(amount_minor), 0) from payouts.fees f
            where player_id = subject_id and f.currency = a.currency)
    """,
    "booked on a payee is what the shares say": """
        select subject, subject_id, currency from payouts.accounts as a where subject not in ('player', 'provider')
        and booked_minor <> (select coalesce(sum(amount_minor), 0) from payouts.shares s
            where billing_subject = subject and s.subject_id = a.subject_id and s.currency = a.currency)
            + (select coalesce(sum(-amount_minor), 0) from payouts.entries e
                where e.account_id = a.id and adjustment_id is not null and a.subject <> 'write_offs')
    """,
    "in flight is what the open instructions say": """
        select subject, subject_id from payouts.accounts as a where in_flight_minor <> (
            select coalesce(sum(amount_minor), 0) from payouts.instructions
            where account_id = a.id and status not in ('settled', 'cancelled')
            and billing_type not in ('charge_refund', 'payout_reversal'))
    """,
    "settled is what the settled instructions say, less what was taken back": """
        select subject, subject_id from payouts.accounts as a where settled_minor <> (
            select coalesce(sum(amount_minor - coalesce((
                select sum(r.amount_minor) from payouts.returns r where r.instruction_id = i.id), 0)), 0)
            from payouts.instructions i where account_id = a.id and status = 'settled'
            and billing_type not in ('charge_refund', 'payout_reversal'))
            + (select coalesce(sum(-amount_minor), 0) from payouts.entries e
                where e.account_id = a.id and adjustment_id is not null and a.subject = 'player')
    """,
    "released on a player is what the released fees say": """
        select subject_id from payouts.accounts as a where subject = 'player' and released_minor <> (
            select coalesce(sum(amount_minor), 0) from payouts.booked_fees f
            where player_id = a.subject_id and f.currency = a.currency and release_id is not null)
    """,
    "released on a payee is what the shares of released fees say": """
        select subject, subject_id from payouts.accounts as a where subject not in ('player', 'provider')
        and released_minor <> (
            select coalesce(sum(s.amount_minor), 0) from payouts.shares s
            join payouts.booked_fees f using (day, match_id, match_player_id, player_id, currency, booking_id)
            where s.billing_subject = a.subject and s.subject_id = a.subject_id and s.currency = a.currency
            and f.release_id is not null)
            + (select coalesce(sum(-amount_minor), 0) from payouts.entries e
                where e.account_id = a.id and adjustment_id is not null and a.subject <> 'write_offs')
    """,
    "released on a payee is what its release lines say": """
        select subject, subject_id from payouts.accounts as a where subject not in ('player', 'provider')
        and released_minor <> (select coalesce(sum(amount_minor), 0) from payouts.release_lines where account_id = a.id)
    """,
    "entries of an account are what is booked less what is settled": """
        select subject, subject_id from payouts.accounts as a
        where subject in ('player', 'club', 'organiser', 'partner', 'platform')
        and (booked_minor - settled_minor) * case when subject = 'player' then 1 else -1 end
        <> (select coalesce(sum(amount_minor), 0) from payouts.entries where account_id = a.id)
    """,
    "entries sum to zero": "select currency from payouts.entries group by currency having sum(amount_minor) <> 0",
    "the shares of every fee add up to it, in each booking": """
        select f.match_player_id from payouts.fees f left join payouts.shares s
            using (booking_id, day, match_id, match_player_id, player_id, currency)
        group by booking_id, day, match_id, match_player_id, player_id, currency, f.amount_minor
        having f.amount_minor <> coalesce(sum(s.amount_minor), 0)
    """,
    "no share is without its fee": """
        select s.match_player_id from payouts.shares s left join payouts.fees f
            using (booking_id, day, match_id, match_player_id, player_id, currency) where f.day is null
    """,
    "no fee is booked below zero": """
        select match_player_id from payouts.fees group by day, match_id, match_player_id, player_id, currency
        having sum(amount_minor) < 0
    """,
    "what was released of players' fees was collected, or taken back beyond the fees": """
        select subject_id from payouts.accounts a where subject = 'player' and released_minor > settled_minor
            + (select coalesce(sum(beyond_minor), 0) from payouts.returns r join payouts.instructions i
                on i.id = r.instruction_id where i.account_id = a.id)
    """,
    "no released fee has a charge that is not settled": """
        select match_player_id from payouts.booked_fees join payouts.instructions i on i.id = charge_id
        where release_id is not null and i.status <> 'settled'
    """,
    "no fee hangs on a charge that was taken back": """
        select match_player_id from payouts.fees join payouts.instructions i on i.id = charge_id
        where i.status = 'cancelled'
    """,
    "no charge asks for more than the fees that it covers, and what was taken back beyond fees": """
        select i.id from payouts.instructions i where billing_type = 'player_charge' and status <> 'cancelled'
        and amount_minor > (select coalesce(sum(amount_minor), 0) from payouts.fees where charge_id = i.id)
            + (select coalesce(sum(beyond_minor), 0) from payouts.returns r join payouts.instructions o
                on o.id = r.instruction_id where o.account_id = i.account_id and r.lifted_at is not null)
    """,
    "money is not promised twice: collected and covered fees are within what was and will be charged": """
        select subject_id from payouts.accounts as a where subject = 'player' and settled_minor + in_flight_minor
        + (select coalesce(sum(beyond_minor), 0) from payouts.returns r join payouts.instructions i
            on i.id = r.instruction_id where i.account_id = a.id)
        < (select coalesce(sum(amount_minor), 0) from payouts.booked_fees f where player_id = a.subject_id
            and f.currency = a.currency and (release_id is not null or charge_id is not null))
    """,
    "a payout is what its release lines add up to, and what was taken back of it": """
        select i.id from payouts.instructions i where billing_type like '%_payout' and status <> 'cancelled'
        and amount_minor <> (select coalesce(sum(amount_minor), 0) from payouts.release_lines where payout_id = i.id)
            + (select coalesce(sum(amount_minor), 0) from payouts.returns where instruction_id = i.id)
    """,
    "no more was or will be given back than was moved": """
        select i.id from payouts.instructions i where i.amount_minor < (
            select coalesce(sum(given.amount_minor), 0) from payouts.return_orders o
            join payouts.instructions given on given.id = o.instruction_id
            where o.takes_back_id = i.id and given.status in ('pending', 'published', 'sending', 'unknown', 'waiting'))
    """,
    "every instruction that is not settled has a reason": """
        select id from payouts.instructions where status <> 'settled' and coalesce(reason_code, '') = ''
    """,
    "the last event of an instruction is its status": """
        select i.id from payouts.instructions i where status <> (
            select to_status from payouts.events e where instruction_id = i.id order by e.id desc limit 1)
    """,
    "exactly the settled instructions have a settled attempt": """
        select i.id from payouts.instructions i where (status = 'settled') <> exists (
            select from payouts.attempts where instruction_id = i.id and outcome = 'settled')
    """,
    "only what was sent has an open attempt": """
        select i.id from payouts.instructions i join payouts.attempts a on a.instruction_id = i.id
        where a.outcome is null and status not in ('sending', 'unknown')
    """,
}


def violations(ledger: Connection) -> dict[str, list[tuple[object, ...]]]:
    found = {rule: ledger.execute(query).fetchall() for rule, query in _VIOLATIONS.items()}
    return {rule: rows for rule, rows in found.items() if rows}
