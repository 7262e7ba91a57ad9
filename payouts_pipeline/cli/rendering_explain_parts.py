"""The sentences of explanations that need nothing but amounts: sums that add up visibly, terms, accounts."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from payouts_pipeline.cli.rendering import line
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.reports.explain.documents import BookedDay, HeldOut, Share, Total, Unpaid
from payouts_pipeline.reports.explain.funds_location import Movement, Position
from payouts_pipeline.reports.explain.league_now import Difference, Rule

_DIFFERENCES = 12


def heading(subject: str, days: Sequence[date], on_hold: str | None) -> None:
    """Who or what it is about, and a hold before anything else."""
    line(f"{subject}{' on ' if days else ''}{' and '.join(map(str, days))}")
    if on_hold:
        line(f"  {on_hold}")


def signed(amount_minor: int, currency: str) -> str:
    """An amount of a correction, with its sign."""
    return f"{'+' if amount_minor > 0 else ''}{format_minor(amount_minor, currency)}"


def sum_of(amounts_minor: Sequence[int], currency: str) -> str:
    """Amounts and what they add up to."""
    terms = " + ".join(format_minor(amount, currency) for amount in amounts_minor)
    return f"{terms} = {format_minor(sum(amounts_minor), currency)}"


def totals(found: Sequence[Total]) -> None:
    """For fees and shares: what is booked, and how much of it is where."""
    for (of, currency), group in groupby(found, key=lambda each: (each.of, each.currency)):
        each_place = list(group)
        booked = format_minor(sum(each.amount_minor for each in each_place), currency)
        places = " + ".join(f"{format_minor(each.amount_minor, currency)} {each.place}" for each in each_place)
        line(f"  {of:6}  {booked} = {places}")


def terms(share: Share, rule: Rule | None) -> str:
    """How the terms of now make a share, and whether that is what is booked."""
    part = share.terms
    if part is None or rule is None:
        return ""
    fixed = f"{format_minor(part.fixed_minor, rule.currency)} fixed" if part.fixed_minor else ""
    of_rest = f"{_percent(part.share_bps)} of {format_minor(rule.rest_minor, rule.currency)}" if part.share_bps else ""
    sentence = " + ".join(filter(None, [fixed, of_rest])) or "nothing"
    if part.amount_minor == share.amount_minor:
        return f" ({sentence})"
    return f" (by the terms of now {format_minor(part.amount_minor, rule.currency)}: {sentence})"


def _percent(share_bps: int) -> str:
    return f"{share_bps // 100}.{share_bps % 100:02}%" if share_bps % 100 else f"{share_bps // 100}%"


def rules(found: Sequence[Rule], problem: str | None) -> None:
    """The fee structures that the shares come from."""
    if problem:
        line(f"\nThe terms are not shown, since schema 'league' can't be read. {problem}")
    elif found:
        line("\nterms as schema 'league' has them now (the ledger keeps what they made; odd cents: largest remainder)")
    for rule in found:
        fixed_minor = rule.fee_minor - rule.rest_minor
        fixed = f", of which {format_minor(fixed_minor, rule.currency)} go as fixed parts" if fixed_minor else ""
        line(f"  fee structure {rule.fee_structure_id} of competition {rule.competition_id}, effective from "
             f"{rule.effective_from}: {format_minor(rule.fee_minor, rule.currency)}{fixed}")  # fmt: skip


def would_book(differences: Sequence[Difference]) -> None:
    """What `league` says otherwise by now."""
    for day, group in groupby(differences, key=lambda each: each.day):
        line(f"\nschema 'league' has changed since {day} was booked: 'payouts run {day}' books this difference")
        by_fee = [list(lines) for _, lines in groupby(group, key=lambda each: (each.match_id, each.match_player_id))]
        for lines in by_fee[:_DIFFERENCES]:
            amounts = ", ".join(f"{each.payee} {signed(each.amount_minor, each.currency)}" for each in lines)
            line(f"  match:{lines[0].match_id}, line-up row {lines[0].match_player_id}: {amounts}")
        if by_fee[_DIFFERENCES:]:
            line(f"  and {len(by_fee[_DIFFERENCES:])} more fees")


def held_out(found: Sequence[HeldOut]) -> None:
    """Fees that nobody is asked for, and why."""
    for each in found:
        line(f"held out: line-up row {each.match_player_id} of match:{each.match_id}, {each.day}: {each.reason}. "
             f"To move it: correct it in schema 'league', and 'payouts run {each.day}' books it.")  # fmt: skip


def position(account: Position) -> None:
    """Booked = settled + in flight + open, and what is open."""

    def amount(minor: int) -> str:
        return format_minor(minor, account.currency)

    line(f"\naccount of {account.payee} in {account.currency}")
    line(f"  booked {amount(account.booked_minor)} = settled {amount(account.settled_minor)} "
         f"+ in flight {amount(account.in_flight_minor)} + open {amount(account.open_minor)}")  # fmt: skip
    if account.payable_minor is not None:
        line(f"  open {amount(account.open_minor)} = {amount(account.not_collected_minor)} of fees not collected "
             f"+ {amount(account.payable_minor)} payable, in no payout yet")  # fmt: skip
    elif account.open_minor < 0:
        line(f"  a credit of {amount(-account.open_minor)}: the player's next fees are paid by it")


def unpaid(found: Sequence[Unpaid], most: int) -> None:
    """What carries over to the next payout, by the day that released it."""
    if found:
        line("\npayable, in no payout yet")
    for each in found[:most]:
        line(f"  released by the run of {each.day}: {format_minor(each.amount_minor, each.currency)}")
    if len(found) > most:
        line(f"  and of {len(found) - most} more days")


def of_the_day(payout: Movement, paid_minor: int) -> str:
    """How much of a payout is of the day that is asked for; the rest was carried over."""
    if paid_minor == payout.amount_minor:
        return ""
    carried = format_minor(payout.amount_minor - paid_minor, payout.currency)
    return f" ({format_minor(paid_minor, payout.currency)} are shares of this day, {carried} of other days)"


def covered(move: Movement, covered_minor: int) -> str:
    """What an instruction covers against what it moves."""
    total = format_minor(covered_minor, move.currency)
    credit_minor = covered_minor - move.amount_minor
    if not credit_minor:
        return f"= {total}"
    credit = format_minor(credit_minor, move.currency)
    return f"= {total}, of which a credit of the player pays {credit} and this charge {_amount(move)}"


def _amount(move: Movement) -> str:
    return format_minor(move.amount_minor, move.currency)


def days(subject: str, found: Sequence[BookedDay], most: int) -> None:
    """What was booked on which day; adds up to the accounts."""
    if found:
        line(f"\nbooked, latest days first ('payouts explain {subject} DAY' shows one)")
    for each in found[:most]:
        line(f"  {each.day}: {format_minor(each.booked_minor, each.currency)}")
    rest = sorted(found[most:], key=lambda each: each.currency)
    for currency, group in groupby(rest, key=lambda each: each.currency):
        older = list(group)
        amount = format_minor(sum(each.booked_minor for each in older), currency)
        line(f"  and {len(older)} days before: {amount}")
