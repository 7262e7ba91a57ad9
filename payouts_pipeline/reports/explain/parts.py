"""The sentences of explanations that need no times: sums that add up visibly, terms, accounts.

And what several fees or shares have in common, to be said once with their count: where they are, why, the next step.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from uuid import UUID

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.reports.banks import PayeeBank
from payouts_pipeline.reports.explain.documents import AT_ITS_END, Fee, Part, PayeeShare, Place, Share, Total
from payouts_pipeline.reports.explain.league_now import Difference, Rule
from payouts_pipeline.reports.explain.snapshot import BookedDay, HeldOut, Instruction, Position, Returned, Unpaid

# How many fees are listed by their names.
_NAMES = 12
# Of these, nothing is said that others could have in common.
_SAYS_NOTHING = AT_ITS_END | {Place.NOT_COLLECTED}
_FEE_PLACES = frozenset({Place.CHARGED, Place.NOT_CHARGED})


@dataclass(frozen=True)
class NamedPart:
    """A part of a fee or share with the short name that people know it by; ``note`` comes after its amount."""

    name: str
    currency: str
    part: Part
    note: str = ""

    def __str__(self) -> str:
        """As it is listed."""
        return f"{self.name}: {format_minor(self.part.amount_minor, self.currency)}{self.note}"

    @property
    def what(self) -> str:
        """What it is a part of."""
        return "fee" if self.part.place in _FEE_PLACES else "share"


Alike = Sequence[NamedPart]


def alike(parts: Iterable[NamedPart]) -> list[Alike]:
    """Those together of which the same is to be said, but for the ids of their instructions and when they are retried.

    In the order of their first ones. What is at its end is told apart by its instruction.
    """
    found: dict[tuple[object, ...], list[NamedPart]] = {}
    for each in parts:
        own = each.part.instruction_id if each.part.place in AT_ITS_END else None
        general = _without_id(each.part)
        found.setdefault((each.currency, general.place, general.why, general.next_step, own), []).append(each)
    return list(found.values())


def _without_id(part: Part) -> Part:
    """As it reads of any instruction."""
    texts = part.why, part.next_step
    why, next_step = (text.replace(str(part.instruction_id), "ID") if text else None for text in texts)
    return replace(part, why=why, next_step=next_step)


def common(parts: Alike) -> tuple[Part, list[str]]:
    """One that stands for all; and for each what that means by ID, if they are in several instructions."""
    ids = [each.part.instruction_id for each in parts]
    if len(set(ids)) == 1:
        return parts[0].part, [""] * len(parts)
    return _without_id(parts[0].part), [f", ID {instruction_id}" for instruction_id in ids]


def how_many(parts: Alike) -> str:
    """Of how many fees or shares, and how much in all."""
    amount_minor = sum(each.part.amount_minor for each in parts)
    names = {each.name for each in parts}
    return f"{_count(len(names), parts[0].what)}, {format_minor(amount_minor, parts[0].currency)}"


def open_parts(fees: Iterable[Fee]) -> list[NamedPart]:
    """The open parts of fees and of their shares; not the shares of a fee that is not collected: they wait for it."""
    found = []
    for fee in fees:
        named = [(str(fee), part) for part in fee.parts]
        named += [(f"{share.payee} of {fee}", part) for share in fee.shares for part in share.parts]
        found += [NamedPart(name, fee.currency, part) for name, part in named if part.place not in _SAYS_NOTHING]
    return found


def heading(subject: str, days: Sequence[date], on_hold: str | None) -> Iterator[str]:
    """Who or what it is about, and a hold before anything else."""
    yield f"{subject}{' on ' if days else ''}{' and '.join(map(str, days))}"
    if on_hold:
        yield f"  {on_hold}"


def bank(found: Sequence[PayeeBank]) -> Iterator[str]:
    """That what was paid does not reach the payee's bank."""
    for each in found:
        yield f"  {each.sentence}. Next step: {each.what_to_do}."


def signed(amount_minor: int, currency: str) -> str:
    """An amount of a correction, with its sign."""
    return f"{'+' if amount_minor > 0 else ''}{format_minor(amount_minor, currency)}"


def sum_of(amounts_minor: Sequence[int], currency: str) -> str:
    """Amounts and what they add up to."""
    terms = " + ".join(format_minor(amount, currency) for amount in amounts_minor)
    return f"{terms} = {format_minor(sum(amounts_minor), currency)}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def more(left_out: int, what: str, where: str = "") -> Iterator[str]:
    """How many are left out, if any, and where they are."""
    if left_out > 0:
        yield f"  and {_count(left_out, f'more {what}')}{where}"


def totals(found: Sequence[Total]) -> Iterator[str]:
    """For fees and shares: what is booked, and how much of it is where."""
    for (of, currency), group in groupby(found, key=lambda each: (each.of, each.currency)):
        each_place = list(group)
        booked = format_minor(sum(each.amount_minor for each in each_place), currency)
        places = " + ".join(f"{format_minor(each.amount_minor, currency)} {each.place}" for each in each_place)
        yield f"  {of:6}  {booked} = {places}"


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


def rules(found: Sequence[Rule], problem: str | None) -> Iterator[str]:
    """The fee structures that the shares come from."""
    if problem:
        yield f"\nThe terms are not shown, since schema 'league' can't be read. {problem}"
    elif found:
        yield "\nterms as schema 'league' has them now (the ledger keeps what they made; odd cents: largest remainder)"
    for rule in found:
        fixed_minor = rule.fee_minor - rule.rest_minor
        fixed = f", of which {format_minor(fixed_minor, rule.currency)} go as fixed parts" if fixed_minor else ""
        yield (
            f"  fee structure {rule.fee_structure_id} of competition {rule.competition_id}, effective from "
            f"{rule.effective_from}: {format_minor(rule.fee_minor, rule.currency)}{fixed}"
        )


def would_book(differences: Sequence[Difference]) -> Iterator[str]:
    """What `league` says otherwise by now."""
    for day, group in groupby(differences, key=lambda each: each.day):
        yield f"\nschema 'league' has changed since {day} was booked: 'payouts run {day}' books this difference"
        by_fee = [list(lines) for _, lines in groupby(group, key=lambda each: (each.match_id, each.match_player_id))]
        for lines in by_fee[:_NAMES]:
            amounts = ", ".join(f"{each.payee} {signed(each.amount_minor, each.currency)}" for each in lines)
            yield f"  match:{lines[0].match_id}, line-up row {lines[0].match_player_id}: {amounts}"
        yield from more(len(by_fee) - _NAMES, "fee")


def held_out(found: Sequence[HeldOut]) -> Iterator[str]:
    """Fees that nobody is asked for, by day and reason."""
    by_reason: dict[tuple[date, str], list[HeldOut]] = {}
    for each in found:
        by_reason.setdefault((each.day, each.reason), []).append(each)
    for (day, reason), fees in by_reason.items():
        yield f"\nheld out: {_count(len(fees), 'fee')} of {day}: {reason}"
        yield f"  Next step: correct it in schema 'league'; 'payouts run {day}' then books it."
        for each in fees[:_NAMES]:
            yield f"  match:{each.match_id}, line-up row {each.match_player_id}"
        yield from more(len(fees) - _NAMES, "fee")


def position(account: Position) -> Iterator[str]:
    """Booked = settled + in flight + open, and what is open."""

    def amount(minor: int) -> str:
        return format_minor(minor, account.currency)

    yield f"\naccount of {account.payee} in {account.currency}"
    yield (
        f"  booked {amount(account.booked_minor)} = settled {amount(account.settled_minor)} "
        f"+ in flight {amount(account.in_flight_minor)} + open {amount(account.open_minor)}"
    )
    if account.payable_minor is not None:
        yield (
            f"  open {amount(account.open_minor)} = {amount(account.not_collected_minor)} of fees not collected "
            f"+ {amount(account.payable_minor)} payable, in no payout yet"
        )
    elif account.open_minor < 0:
        yield f"  a credit of {amount(-account.open_minor)}: it pays for the player's next fees"


def unpaid(found: Sequence[Unpaid], most: int) -> Iterator[str]:
    """What carries over to the next payout, by the day that released it."""
    if found:
        yield "\npayable, in no payout yet"
    for each in found[:most]:
        yield f"  released by the run of {each.day}: {format_minor(each.amount_minor, each.currency)}"
    yield from more(len(found) - most, "day")


def paid_by(shares: Iterable[PayeeShare]) -> dict[UUID, int]:
    """How much of the shares each payout pays."""
    paid: dict[UUID, int] = {}
    for part in (part for each in shares for part in each.share.parts):
        if part.instruction_id and part.place in (Place.PAID, Place.IN_PAYOUT):
            paid[part.instruction_id] = paid.get(part.instruction_id, 0) + part.amount_minor
    return paid


def of_the_day(payout: Instruction, paid_minor: int) -> str:
    """How much of a payout is of the day that is asked for; the rest was carried over."""
    if paid_minor == payout.amount_minor:
        return ""
    carried = format_minor(payout.amount_minor - paid_minor, payout.currency)
    return f" ({format_minor(paid_minor, payout.currency)} are shares of this day, {carried} of other days)"


def paid_for(move: Instruction, covered_minor: int) -> str:
    """What an instruction pays for against what it moves."""
    total = format_minor(covered_minor, move.currency)
    credit_minor = covered_minor - move.amount_minor
    if not credit_minor:
        return f"= {total}"
    credit, charged = format_minor(credit_minor, move.currency), format_minor(move.amount_minor, move.currency)
    return f"= {total}, of which a credit of the player pays {credit} and this charge {charged}"


def came_back(move: Instruction) -> str:
    """How much Stripe has taken back of an instruction, and where to see it one by one."""
    if not move.returned_minor:
        return ""
    return f"; {format_minor(move.returned_minor, move.currency)} of it came back ('payouts explain {move.id}')"


def since_returned(move: Instruction, each: Returned) -> str:
    """What became of the balance of who was charged or paid."""
    amount = format_minor(abs(each.amount_minor), move.currency)
    what = "charged" if move.is_charge else "paid"
    if each.amount_minor < 0:
        return f"it came again: {move.payee} {'owes' if move.is_charge else 'is owed'} {amount} less"
    owed = f"{move.payee} {'owes' if move.is_charge else 'is owed'} {amount} again"
    if each.is_held:
        return f"{owed}: held, and not {what} before 'payouts unhold {move.payee} --reason ...'"
    if each.again_id:
        return f"{owed}: in payout {each.again_id}"
    return f"{owed}: {what} again with what is due next"


def days(subject: str, found: Sequence[BookedDay], most: int) -> Iterator[str]:
    """What was booked on which day; adds up to the accounts."""
    if found:
        yield f"\nbooked, latest days first ('payouts explain {subject} DAY' shows one)"
    for each in found[:most]:
        yield f"  {each.day}: {format_minor(each.booked_minor, each.currency)}"
    rest = sorted(found[most:], key=lambda each: each.currency)
    for currency, group in groupby(rest, key=lambda each: each.currency):
        older = list(group)
        amount = format_minor(sum(each.booked_minor for each in older), currency)
        yield f"  and {len(older)} days before: {amount}"
