"""Where each cent is, why it is not further, and the next step: what support tells who asks for it.

A line of a fee is at the player's end (collected or not), a line of a share at the payee's (paid or not).
"""

from dataclasses import replace
from datetime import date

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.currencies import format_minor, minimum_charge_minor
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.reports.explain.documents import FundsLocation, Place
from payouts_pipeline.reports.explain.snapshot import Instruction, Line, Position, ShareLine, Snapshot


def of_fee(snapshot: Snapshot, line: Line) -> FundsLocation:
    """Where the fee's part is that a line adds to it, or is a share of."""
    if line.release_id is not None and line.charge_id is not None:
        return FundsLocation(Place.COLLECTED, line.charge_id)
    if line.release_id is not None:
        # A credit paid for it, or there was nothing to collect.
        return FundsLocation(Place.CREDITED if line.fee_minor > 0 else Place.LOWERED)
    if line.charge_id is not None:
        return _charged(snapshot.instructions[line.charge_id])
    if line.is_held:
        return _taken_back(line)
    account = str(line.player), line.currency
    why, next_step = _why_not_charged(
        line.day, line.fee_minor, snapshot.positions[account], account in snapshot.blocked
    )
    return FundsLocation(Place.NOT_CHARGED, None, why, next_step)


def of_share(snapshot: Snapshot, line: ShareLine) -> FundsLocation:
    """Where a share's part is."""
    if line.release_id is None:
        return replace(of_fee(snapshot, line), place=Place.NOT_COLLECTED)
    if line.billing_subject == BillingSubject.PLATFORM:
        return FundsLocation(Place.KEPT)
    if line.payout_id is not None:
        payout = snapshot.instructions[line.payout_id]
        is_paid = payout.status == Status.SETTLED
        return FundsLocation(Place.PAID, payout.id) if is_paid else _open(Place.IN_PAYOUT, payout)
    minimum_minor = snapshot.minimum_payouts_minor.get(line.currency, minimum_charge_minor(line.currency))
    why, next_step = _why_not_paid(line.amount_minor, snapshot.positions[str(line.payee), line.currency], minimum_minor)
    return FundsLocation(Place.PAYABLE, None, why, next_step)


def _taken_back(line: Line) -> FundsLocation:
    """A fee that was collected once."""
    return FundsLocation(
        Place.NOT_CHARGED,
        None,
        "Stripe took it back (a refund or a dispute), and nobody is charged again for that automatically",
        f"if it is owed all the same, 'payouts unhold {line.player} --reason …' and 'payouts run {line.day}'; if not, "
        "correct the line-up or the terms in schema 'league'",
    )


def _charged(charge: Instruction) -> FundsLocation:
    """A fee that a charge pays for, and whose shares are not released."""
    if charge.status != Status.SETTLED:
        return _open(Place.CHARGED, charge)
    why = f"{charge.name} is settled, and the shares are not released yet"
    next_step = f"they are released automatically, or with 'payouts run {charge.day}'"
    return FundsLocation(Place.CHARGED, charge.id, why, next_step)


def _open(place: Place, instruction: Instruction) -> FundsLocation:
    """Money that an instruction moves which is not at its end."""
    why = f"{instruction.name} is {instruction.status}: {instruction.reason}"
    return FundsLocation(place, instruction.id, why, instruction.next_step, instruction.retry_at)


def _why_not_charged(day: date, fee_minor: int, player: Position, is_blocked: bool) -> tuple[str, str]:
    """Why no charge pays for a line, in the order of the rules by which charges are made.

    ``player`` is the account that owes it. ``is_blocked``: a fee of the player was corrected while its charge is open.
    """
    owes = format_minor(player.open_minor, player.currency)
    minimum_minor = minimum_charge_minor(player.currency)
    if is_blocked:
        return (
            "a fee of the player was corrected while its charge is open: what is left to ask for is known after it",
            f"that charge must end first ('payouts explain {player.payee}' shows it)",
        )
    if fee_minor < 0:
        return "a credit", "the player's next charge is lower by it"
    if player.open_minor <= 0:
        return "a credit of the player pays for it", f"'payouts run {day}' records that"
    if player.open_minor < minimum_minor:
        minimum = format_minor(minimum_minor, player.currency)
        return (
            f"the player owes {owes} in all, under Stripe's minimum of {minimum}",
            "the player's next charge includes it",
        )
    return f"no charge was made yet of the {owes} that the player owes", f"'payouts run {day}' makes one"


def _why_not_paid(amount_minor: int, account: Position, minimum_minor: int) -> tuple[str, str]:
    """Why no payout pays a share that was collected, in the order of the rules by which payouts are made."""
    payable_minor = account.payable_minor or 0
    payable = format_minor(payable_minor, account.currency)
    if amount_minor < 0 or payable_minor <= 0:
        why = "a correction took it back" if amount_minor < 0 else "it works off what was paid too much"
        return f"{why} (payable in all: {payable})", "the next payouts are lower by it"
    if payable_minor < minimum_minor:
        minimum = format_minor(minimum_minor, account.currency)
        return f"{payable} is payable in all, under the minimum payout of {minimum}", "the next payout includes it"
    if account.open_minor < payable_minor:
        return (
            "a correction took a share back whose fee waits for a charge: it is worked off before more is paid",
            f"'payouts explain {account.payee}' says which",
        )
    return f"no payout was made yet of the {payable} payable", f"'payouts run {account.payable_day}' makes one"
