"""The catalogue of checks: for each its name, how bad a failure is, how it is found, and what an operator reads of it.

`asset_checks` makes Dagster's checks of it. What a check looks at of one day is read once, when the first one asks for
it. A text says what the check is for, what its failure means, and what to do then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from payouts_pipeline.domain import findings, league_findings
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.findings import Finding
from payouts_pipeline.domain.league_findings import LeagueOfDay
from payouts_pipeline.league import inspection, reader
from payouts_pipeline.ledger import checkpoints
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports import activity, checks, old_balances
from payouts_pipeline.reports.audit import Audit, audit_of_run
from payouts_pipeline.reports.old_balances import OldBalance

# Wrong totals are errors; what waits for a person is a warning.
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

Of = TypeVar("Of")


@dataclass(frozen=True)
class Check(Generic[Of]):
    """One check of an asset. ``blocking``: going on would book, charge or pay wrong amounts."""

    name: str
    find: Callable[[Of], Finding]
    text: str
    severity: dg.AssetCheckSeverity
    blocking: bool = False


@dataclass(frozen=True)
class Checks(Generic[Of]):
    """All checks of one asset, and the asset that they read besides."""

    asset: str
    reads: str | None
    all: tuple[Check[Of], ...]

    def of(self, day: Of) -> dict[str, Finding]:
        """What each check finds of a day, by name."""
        return {check.name: check.find(day) for check in self.all}

    @property
    def names(self) -> set[str]:
        """The names of all checks."""
        return {check.name for check in self.all}


@dataclass(frozen=True)
class MatchesOfDay:
    """The fees of a day as `matches` has them, and schema `league` as it stands now."""

    day: date
    timezone: ZoneInfo
    source: Connection
    fees: Batches

    @cached_property
    def each_fee_once(self) -> Finding:
        """Whether the day has each fee once."""
        return findings.each_fee_once(self.fees)

    @property
    def league(self) -> LeagueOfDay:
        """Its words and ids, as they stand now; a player who stands twice has fees that do."""
        long_ago = datetime.now(UTC) - league_findings.LONG_AGO
        suspects = [] if self.each_fee_once.passed else league_findings.players_to_look_at(self.fees)
        return inspection.league_of_day(self.source, self.day, self.timezone, long_ago, suspects)


@dataclass(frozen=True)
class SplitsOfDay:
    """The fees of a day, and what `splits` made of them."""

    fees: Batches
    splits: Batches


@dataclass(frozen=True)
class ChargesOfDay:
    """What was split of a day, and the ledger after its charges."""

    day: date
    ledger: Connection
    splits: Batches


@dataclass(frozen=True)
class PayoutsOfDay:
    """The ledger after the payouts of a day.

    Of the whole run: what is overdue, what is left standing on accounts, and the dead letters or why not.
    """

    day: date
    ledger: Connection
    overdue: Sequence[checks.Overdue]
    standing: Sequence[OldBalance]
    dead_letters: Mapping[BillingType, int] | Exception

    @cached_property
    def audit(self) -> Audit:
        """What the auditor says of the day; where nothing is wrong, the next one begins where this one ended."""
        end = checkpoints.next_end(self.ledger)
        found = audit_of_run(self.ledger, self.day)
        if end and not found.errors:
            checkpoints.write(self.ledger, end)
        return found


@dataclass(frozen=True)
class ActivityOfDay:
    """What moved our account at Stripe on a day, and the ledger."""

    day: date
    ledger: Connection
    lines: pd.DataFrame


MATCHES = Checks[MatchesOfDay](
    "matches",
    None,
    (
        Check(
            "each_fee_once",
            lambda day: day.each_fee_once,
            "A line-up names nobody twice, and no view multiplies rows. If it fails, players would be charged twice "
            "for a match, so the day stops before anything is booked. Correct the line-up or the view of schema "
            "'league', and materialise the day again.",
            ERROR,
            blocking=True,
        ),
        Check(
            "every_fee_has_terms",
            lambda day: findings.every_fee_has_terms(day.fees),
            "The competition of every match has exactly one set of terms on the day. If it fails, the fees of these "
            "competitions are held out, and the others continue. Correct league.fee_structures, and materialise the "
            "day again.",
            WARN,
        ),
        Check(
            "every_match_has_line_up",
            lambda day: findings.every_match_has_line_up(
                reader.matches_without_line_up(day.source, day.day, day.timezone)
            ),
            "Every match that was played has a line-up. If it fails, nobody is charged or paid for these matches. Ask "
            "the organisers for the line-ups; once they are in league.match_players, materialise the day again.",
            WARN,
        ),
        Check(
            "league_keeps_its_contract",
            lambda day: league_findings.league_keeps_its_contract(day.league),
            "What schema 'league' says of the day is what its contract says: words that are known, ids that stand "
            "there once, and results that are in. If it fails, the description names the rows, what became of them, "
            "and what to do. Correct the view or the rows, and materialise the day again. (A column of another type "
            "stops the day before anything is read.)",
            WARN,
        ),
    ),
)

SPLITS = Checks[SplitsOfDay](
    "splits",
    "matches",
    (
        Check(
            "shares_equal_fees",
            lambda day: findings.shares_equal_fees(day.fees, day.splits),
            "Rule of money 1: the shares of every fee add up to it, in every currency. If it fails, somebody would get "
            "too much or too little, so the day stops before anything is booked. Materialise 'matches' and 'splits' of "
            "the day again; if it still fails, it is a defect of the pipeline: stop its schedule and report the "
            "figures.",
            ERROR,
            blocking=True,
        ),
        Check(
            "no_negative_share",
            lambda day: findings.no_negative_share(day.splits),
            "No fee and no share is negative. If it fails, money would flow the wrong way, so the day stops before "
            "anything is booked. Correct league.fee_structures and league.fee_shares, and materialise the day again.",
            ERROR,
            blocking=True,
        ),
        Check(
            "no_fee_held_out",
            lambda day: findings.no_fee_held_out(day.splits),
            "Every fee of the day could be split. If it fails, nobody is charged for the fees that are held out, and "
            "the others continue. The reasons say what to correct in schema 'league'; then materialise the day again.",
            WARN,
        ),
    ),
)

COLLECTED_FEES = Checks[ChargesOfDay](
    "collected_fees",
    "splits",
    (
        Check(
            "booked_equals_split",
            lambda day: checks.booked_equals_split(day.ledger, day.day, day.splits),
            "The ledger has booked of the day what was split, neither more nor less. If it fails, nothing is paid out "
            "of it. Materialise the day again; if it still fails, somebody changed the ledger by hand: compare "
            "payouts.bookings with the figures.",
            ERROR,
            blocking=True,
        ),
        Check(
            "ledger_sums_to_zero",
            lambda day: checks.ledger_sums_to_zero(audit_of_run(day.ledger, day.day, only=["ledger"])),
            "Rule of money 7: every debit of the ledger has its credit. If it fails, entries were changed by hand, and "
            "nothing is paid out. Run 'payouts verify', restore them from a backup, and materialise the day again.",
            ERROR,
            blocking=True,
        ),
        Check(
            "no_change_waits",
            lambda day: checks.no_change_waits(day.ledger, day.day),
            "Nothing of the day waits for a person. If it fails, what league says now would change more of the day "
            "than PAYOUTS_CHANGE_LIMIT, or its fees are far above what is usual: nothing of that was booked or asked "
            "for. 'payouts preview DAY' shows what it would do. If that is right, run 'payouts accept DAY --reason "
            "...' and materialise the day again; if not, correct schema 'league' and do the same.",
            WARN,
        ),
        Check(
            "no_match_on_another_day",
            lambda day: checks.no_match_on_another_day(day.ledger, day.day),
            "No match of the day is booked under another day. If it fails, matches have moved here after they were "
            "booked, and are held out, so that nobody is charged and paid for them twice. Materialise the days that it "
            "names, which takes back what was booked there, and then this day once more; the sensors do so within the "
            "last 30 days.",
            WARN,
        ),
        Check(
            "fees_in_usual_band",
            lambda day: checks.fees_usual(day.ledger, day.day),
            "The fees are about as high as on the same weekday of the last weeks. If it fails, the day was still "
            "charged: matches may be missing or there twice, or terms may be wrong. Correct schema 'league' and "
            "materialise the day again: only the difference moves. If the day was just unusual, there is nothing to "
            "do.",
            WARN,
        ),
        Check(
            "every_charge_settled",
            lambda day: checks.all_settled(day.ledger, day.day, [BillingType.PLAYER_CHARGE]),
            "Every charge of the day is settled. If it fails, some players have not paid yet, and the shares of their "
            "fees wait. The reasons say for what; what needs no person continues automatically.",
            WARN,
        ),
    ),
)

# These come when the day's money has moved: they fail loudly, and block nothing.
SETTLED_PAYOUTS = Checks[PayoutsOfDay](
    "settled_payouts",
    None,
    (
        Check(
            "instructions_equal_account_movements",
            lambda day: checks.accounts_agree(day.audit),
            "Rule of money 7: booked = settled + in flight + open for every account. If it fails, the ledger was "
            "changed by hand. Stop the schedule, run 'payouts verify', and fix what it names before anything else is "
            "paid.",
            ERROR,
        ),
        Check(
            "nobody_paid_from_uncollected_fees",
            lambda day: checks.nobody_paid_early(day.audit),
            "Rule of money 2: a share is paid only after its fee was collected. If it fails, we have paid money that "
            "we do not have. Stop the schedule, run 'payouts verify', and ask the payees that it names.",
            ERROR,
        ),
        Check(
            "ledger_sums_to_zero",
            lambda day: checks.ledger_sums_to_zero(day.audit),
            "Rule of money 7: every debit of the ledger has its credit. If it fails, entries were changed by hand. "
            "Stop the schedule, run 'payouts verify', and restore them from a backup.",
            ERROR,
        ),
        Check(
            "audit",
            lambda day: checks.all_rules_hold(day.audit),
            "The auditor, who recomputes everything from the source lines, finds no rule of money broken. If it fails, "
            "stop the schedule, run 'payouts verify', and fix what it names before anything else is paid.",
            ERROR,
        ),
        Check(
            "every_payout_settled",
            lambda day: checks.all_settled(day.ledger, day.day, PAYOUT_TYPES),
            "Every payout of the day is settled. If it fails, some payees have not been paid yet. The reasons say why; "
            "what needs no person continues automatically.",
            WARN,
        ),
        Check(
            "no_unknown_outcome",
            lambda day: checks.none_unknown(day.ledger, day.day),
            "Stripe has answered every call of the day. If it fails, money may have moved without us knowing. Stripe "
            "is asked again automatically; never pay these by other means. What stays unknown for more than a day, a "
            "person resolves ('payouts resolve').",
            WARN,
        ),
        Check(
            "nothing_over_age",
            lambda day: checks.none_overdue(day.day, day.overdue),
            "Nothing of this day or an earlier one is open for more than ten days. If it fails, time alone will not "
            "settle it. See the reasons: fix the data in schema 'league', lift the hold or approve the amount of what "
            "is held, or cancel it.",
            WARN,
        ),
        Check(
            "no_old_balance",
            lambda day: old_balances.none_old(day.standing),
            "No player has a credit and no payee a debt that nothing has worked off for 30 days, of whatever day. "
            "If it fails, later fees or shares will hardly do so. Give a charge back ('payouts refund'), move the "
            "balance to whom the payee has become ('payouts transfer-balance'), or write it off ('payouts write-off').",
            WARN,
        ),
        Check(
            "no_dead_letters",
            lambda day: checks.no_dead_letters(day.dead_letters),
            "No message has died on its way to a worker; asked of all queues, whatever day the messages are of. If it "
            "fails, 'payouts redrive --dry-run' says why each of them died. No money is lost.",
            WARN,
        ),
    ),
)


# These, too, come when the day's money has moved. What is not understood holds the payouts of the next run.
STRIPE_ACTIVITY = Checks[ActivityOfDay](
    "stripe_activity",
    None,
    (
        Check(
            "each_movement_once",
            lambda day: activity.each_movement_once(day.ledger, day.day),
            "Rule of money 3: Stripe's journal has every settled instruction of the day once, with its amount, "
            "currency and payee. If it fails, money has moved twice, otherwise, or not at all: look the instructions "
            "up in Stripe's dashboard, and run 'payouts verify --provider'.",
            ERROR,
        ),
        Check(
            "every_movement_booked",
            lambda day: activity.every_movement_booked(day.lines, datetime.now(UTC)),
            "Rule of money 12: every line of Stripe's journal that names one of our instructions is entered. If it "
            "fails, some wait for the end of their instruction: materialise its day, or run 'payouts recover' if the "
            "ledger was restored.",
            WARN,
        ),
        Check(
            "nothing_unknown",
            lambda day: activity.nothing_unknown(day.lines),
            "Every line of Stripe's journal of the day is of an instruction, a fee of Stripe's, or our own funds. If "
            "it fails, somebody else uses the account: find out who in Stripe's dashboard. The ledger has these on "
            "account 'unassigned'.",
            WARN,
        ),
        Check(
            "provider_balance",
            lambda day: activity.provider_balance(activity.balances(day.ledger)),
            "Rule of money 12: our balance at Stripe, available and pending, is what the ledger says, to the minor "
            "unit. If it fails, no payout is sent in that currency after ten minutes, until it is understood: run "
            "'payouts sync', then 'payouts verify --provider', which names each line that differs.",
            ERROR,
        ),
    ),
)


def blocking() -> set[tuple[str, str]]:
    """The blocking checks, by asset and name."""
    of_assets = (MATCHES, SPLITS, COLLECTED_FEES, SETTLED_PAYOUTS, STRIPE_ACTIVITY)
    return {(checks.asset, check.name) for checks in of_assets for check in checks.all if check.blocking}
