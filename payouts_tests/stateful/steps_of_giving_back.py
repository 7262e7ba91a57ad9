"""A person has money given back, gives up on debts, and merges payees; banks send back what payees are paid."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.workflow import adjustments, give_back
from payouts_pipeline.workflow.give_back import Target
from payouts_tests.stateful.ground import NUMBER, Ground, step
from payouts_tests.stateful.operations import PERSON
from payouts_tests.stateful.season import CURRENCIES, pick
from payouts_tests.stateful.steps_of_returns import PARTS
from payouts_tests.support.oracle import Account

_SETTLED_CHARGES = """
    select id, amount_minor from payouts.instructions
    where billing_type = 'player_charge' and status = 'settled' order by created_at, day, sequence, id
"""
_SETTLED_PAYOUTS = """
    select id, amount_minor from payouts.instructions
    where billing_type in ('club_payout', 'organiser_payout', 'partner_payout') and status = 'settled'
    order by created_at, day, sequence, id
"""
_FEES_OF = "select match_id, player_id, day from payouts.fees where charge_id = %s order by day, match_id limit 12"
# Held since it was taken back from a payee, by account.
_HELD = """
    select a.subject, a.subject_id, a.currency, h.amount_minor
    from payouts.held_payouts as h join payouts.accounts as a on a.id = h.account_id
"""
_DECIMALS = {"EUR": 2, "KWD": 3}
WHY = "as was agreed"


class StepsOfGivingBack(Ground):
    """What operators do with money that has moved, and with what will not come right by itself."""

    @rule(
        which=NUMBER, part=st.sampled_from(PARTS), of=st.sampled_from(["instruction", "match", "day"]), fee=NUMBER,
        again=st.booleans(), is_sent=st.booleans(),
    )  # fmt: skip
    @step
    def order_refund(self, which: int, part: int | None, of: str, fee: int, *, again: bool, is_sent: bool) -> None:
        charges = self.ledger.execute(_SETTLED_CHARGES).fetchall()
        if charges:
            charge, amount_minor = pick(charges, which)
            target = self._target(charge, of, fee)
            asked = Asked(target.name, _part(amount_minor, part), PERSON, WHY)
            orders: list[UUID] = []
            ask = partial(give_back.refund, self.ledger, target, asked, {}, again=again)
            self.operator.tries(lambda: orders.extend(ask().orders))
            self._send_orders(orders, is_sent=is_sent)

    @rule(which=NUMBER, part=st.sampled_from(PARTS), again=st.booleans(), is_sent=st.booleans())
    @step
    def order_reversal(self, which: int, part: int | None, *, again: bool, is_sent: bool) -> None:
        payouts = self.ledger.execute(_SETTLED_PAYOUTS).fetchall()
        if payouts:
            payout, amount_minor = pick(payouts, which)
            asked = Asked("instruction", _part(amount_minor, part), PERSON, WHY)
            orders: list[UUID] = []
            ask = partial(give_back.reverse, self.ledger, payout, asked, {}, again=again)
            self.operator.tries(lambda: orders.append(ask()))
            self._send_orders(orders, is_sent=is_sent)

    def _target(self, charge: UUID, of: str, fee: int) -> Target:
        fees = self.ledger.execute(_FEES_OF, (charge,)).fetchall()
        if of == "instruction" or not fees:
            return Target(charge)
        match, player, day = pick(fees, fee)
        return Target(match_id=match) if of == "match" else Target(player_id=player, day=day)

    def _send_orders(self, orders: Sequence[UUID], *, is_sent: bool) -> None:
        """At once, or by whoever materialises the day."""
        if orders and is_sent:
            try:
                give_back.settle_now(self.ledger, self.parts.settlement(), orders)
            except PayoutsError as refused:
                self._stands_badly(refused)

    @rule(whose=NUMBER, currency=NUMBER, part=st.sampled_from(PARTS))
    @step
    def write_off(self, whose: int, currency: int, part: int | None) -> None:
        """What a player who may pay owes, or what a payee owes back."""
        payers = [("player", player) for player in self.season.players if player not in self.season.never_pay]
        account = (*pick([*payers, *self.season.payees], whose), pick(CURRENCIES, currency))
        debt_minor = self._debt(account)
        amount_minor = None if part is None else max(10, debt_minor * part // 1_000 * 10)
        written_off: list[adjustments.Moved] = []
        amount = None if amount_minor is None else Decimal(amount_minor).scaleb(-_DECIMALS[account[2]])
        payee = Payee(BillingSubject(account[0]), account[1])
        ask = partial(adjustments.write_off, self.ledger, payee, account[2], amount, PERSON, WHY, again=True)
        self.operator.tries(lambda: written_off.append(ask()))
        for each in written_off:
            assert each.amount_minor == (amount_minor or debt_minor), f"{account} owes {debt_minor}"
            assert each.amount_minor <= debt_minor
            self.expectation.write_off(account, each.amount_minor)

    def _debt(self, account: Account) -> int:
        """By the league and Stripe alone, but for what is held."""
        open_minor = self.watch.open_now(self._seen())[account]
        return open_minor if account[0] == "player" else self._held()[account] - open_minor

    def _held(self) -> Counter[Account]:
        rows = self.ledger.execute(_HELD).fetchall()
        return Counter({(subject, number, currency): amount for subject, number, currency, amount in rows})

    @rule(whose=NUMBER, to=NUMBER)
    @step
    def move_balance(self, whose: int, to: int) -> None:
        """To another payee of the kind, of which the person does not know better."""
        payee, other = pick(self.season.payees, whose), pick(self.season.payees, to)
        before = self.watch.open_now(self._seen())
        moved: list[adjustments.Moved] = []
        named, to_named = (Payee(BillingSubject(subject), number) for subject, number in (payee, other))
        ask = partial(adjustments.transfer_balance, self.ledger, self.source, named, to_named, PERSON, WHY)
        self.operator.tries(lambda: moved.extend(ask()))
        for each in moved:
            assert each.amount_minor == before[*payee, each.currency], f"{payee} is owed {before}"
            self.expectation.move((*payee, each.currency), (*other, each.currency), each.amount_minor)
        if moved:
            left = {currency for currency in CURRENCIES if before[*payee, currency]}
            assert {each.currency for each in moved} == left

    @rule(whose=NUMBER, currency=NUMBER, is_failing=st.booleans())
    @step
    def bank_is_paid(self, whose: int, currency: int, *, is_failing: bool) -> None:
        """Stripe pays what a payee has to its bank, which may send it back; then there is less to take back."""
        account, code = self.season.account_of(pick(self.season.payees, whose)), pick(CURRENCIES, currency).lower()
        with suppress(PayoutsError):
            payout = self.parts.stripe.begin_payout(code, account=account)
            failure = "account_closed" if is_failing else None
            self.parts.stripe.end_payout(payout["id"], account=account, failure_code=failure)
            self.banks[account, code.upper()] = is_failing


def _part(amount_minor: int, part: int | None) -> int | None:
    return None if part is None else max(10, amount_minor * part // 1_000 * 10)
