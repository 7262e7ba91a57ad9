"""What a person has given back, written off, moved or judged in the UI: shown first, and done once it is confirmed.

What imports Stripe's SDK is imported by the run that needs it, so that loading the definitions takes little time.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from payouts_pipeline.defs import operator_forms as forms
from payouts_pipeline.defs.operator_forms import UNCONFIRMED
from payouts_pipeline.defs.operator_steps import about
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.returns import returnable
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import instructions, previews
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.instructions import Instruction
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.workflow import adjustments, operator_actions

if TYPE_CHECKING:
    from payouts_pipeline.workflow.give_back import Ordered, Target


def refund(config: forms.OfRefund, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Gives back what was collected: of a charge, of a match, or of a player's day; who was paid already works it off.

    The fees stay open and are held, so that nobody is charged again before `unhold_payee`. It is sent at once, unless
    the amount wants approval.
    """
    from payouts_pipeline.workflow import give_back

    target = give_back.Target.of(returnable(config.subject.strip()), forms.day_if_given(config.day))
    with ledger.connect() as connection:
        ordered = give_back.refund(
            connection,
            target,
            _asked(connection, config, target),
            stripe.approval_above_minor,
            again=config.is_asked_again,
            is_rehearsal=not config.is_confirmed,
        )
    return _given_back(ordered, config, ledger, stripe)


def reverse(config: forms.OfReversal, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Takes a payout back from its payee, as far as the payee's balance at Stripe covers it.

    The payee is owed it again, and it is held: nothing is paid again before `unhold_payee`. It is sent at once, unless
    the amount wants approval.
    """
    from payouts_pipeline.workflow import give_back

    payout = forms.uuid(config.instruction, "an instruction")
    with ledger.connect() as connection, previews.rehearsal(connection, is_meant=config.is_confirmed):
        asked, limits = _asked(connection, config, give_back.Target(payout)), stripe.approval_above_minor
        order = give_back.reverse(connection, payout, asked, limits, again=config.is_asked_again)
        ordered = give_back.Ordered([instructions.find(connection, order)])
    return _given_back(ordered, config, ledger, stripe)


def _asked(connection: Connection, config: forms.OfRefund | forms.OfReversal, target: "Target") -> Asked:
    from payouts_pipeline.workflow import give_back

    amount = config.given_amount
    amount_minor = None if amount is None else give_back.in_minor(connection, target, amount)
    return Asked(target.name, amount_minor, config.actor, config.why)


def _given_back(
    ordered: "Ordered", config: forms.OfRefund | forms.OfReversal, ledger: LedgerResource, stripe: StripeResource
) -> str:
    """What became of what was asked for, which is sent now; in a rehearsal, what would be asked for."""
    lines = [f"Not asked for: {refused}" for refused in ordered.refused]
    if not config.is_confirmed:
        lines += [f"Would be given back: {_order(each)}." for each in ordered.made]
        return "\n\n".join([*lines, UNCONFIRMED])
    found = _sent(ordered, config.actor, ledger, stripe) if stripe.workers else ordered.made
    return "\n\n".join([*lines, *map(_what_became_of, found)])


def _sent(ordered: "Ordered", actor: str, ledger: LedgerResource, stripe: StripeResource) -> Sequence[Instruction]:
    from payouts_pipeline.workflow import give_back

    with ledger.connect() as connection, stripe.settlement(ledger.database_url)() as parts:
        found = give_back.settle_now(connection, parts, ordered.orders)
        give_back.bring_in(connection, parts, actor)
        return found


def _order(order: Instruction) -> str:
    waits = f", once it is approved: {order.reason}" if order.status == Status.HELD else ""
    return f"{order.billing_type} of {format_minor(order.amount_minor, order.currency)} ({order.payee}){waits}"


def _what_became_of(order: Instruction) -> str:
    which = f"{order.billing_type} {order.id} of {format_minor(order.amount_minor, order.currency)} ({order.payee})"
    if order.status == Status.SETTLED:
        return f"Given back: {which}."
    return f"Not given back yet: {which} is {order.status}: {order.reason}. It continues with the run of {order.day}."


def write_off(config: forms.OfDebt, ledger: LedgerResource) -> str:
    """Writes off what a player owes, or a payee owes back, or an amount of it: the platform bears it."""
    payee, currency = config.whom, config.currency.strip().upper()
    with ledger.connect() as connection, previews.rehearsal(connection, is_meant=config.is_confirmed):
        amount = config.given_amount
        written_off = adjustments.write_off(connection, payee, currency, amount, config.actor, config.why)
    return _adjusted("written off", f"{written_off} of {payee}", is_confirmed=config.is_confirmed)


def transfer_balance(config: forms.OfBalance, ledger: LedgerResource) -> str:
    """Moves what a payee is owed now, or owes back, to another of its kind that it has become one with."""
    payee, to = config.whom, forms.payee(config.to)
    with (
        ledger.connect_source() as source,
        ledger.connect() as connection,
        previews.rehearsal(connection, is_meant=config.is_confirmed),
    ):
        moved = adjustments.transfer_balance(connection, source, payee, to, config.actor, config.why)
    amounts = ", ".join(map(str, moved))
    return _adjusted("moved", f"{amounts} from {payee} to {to}", is_confirmed=config.is_confirmed)


def _adjusted(done: str, what: str, *, is_confirmed: bool) -> str:
    return f"{done.capitalize()}: {what}." if is_confirmed else f"Would be {done}: {what}. {UNCONFIRMED}"


def resolve(config: forms.OfUnknown, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Says what became of an instruction that stays unknown, after a look at Stripe's dashboard.

    Stripe is asked all the same: a reference counts once Stripe confirms amount and payee; that nothing has moved
    counts where Stripe can't say, a day after the call. It is then sent anew.
    """
    reference, instruction = config.reference.strip() or None, forms.uuid(config.instruction, "an instruction")
    if (reference is None) != config.has_not_moved:
        raise PayoutsError("Say what became of it: either its reference, or that it has not moved.")
    with ledger.connect() as connection:
        with previews.rehearsal(connection, is_meant=config.is_confirmed):
            found = operator_actions.judge(connection, instruction, reference, config.actor, config.why)
        if not config.is_confirmed:
            return about(found, is_confirmed=False, what="")
        with stripe.settlement(ledger.database_url)() as parts:
            found = operator_actions.settle_now(connection, parts, instruction)
    return about(found, is_confirmed=True, what=f"is {found.status}{f': {found.reason}' if found.reason else ''}")
