"""The provider fails, others use it, and time passes."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from payouts_tests.stateful.ground import DAY, FAULT, NUMBER, PLENTY_MINOR, Ground, step
from payouts_tests.stateful.past import PAYABLE
from payouts_tests.stateful.season import DAYS, pick
from payouts_tests.stateful.world import HOUR_S

# A lease, the wait for lost messages, a rate limit, a key, a card's first and last retry and a debit's days.
JUMPS_S = st.sampled_from([5, 90, 20 * 60, 2 * HOUR_S, 25 * HOUR_S, 74 * HOUR_S, 122 * HOUR_S])
# What somebody pays with who pays a refused payment intent.
PAYS_WITH = ("pm_card_visa", "pm_card_visa", "pm_sepaDebit_success", "pm_sepaDebit_insufficientFunds")
BANK_SAYS = (None, None, "insufficient_funds", "account_closed")


class StepsAtStripe(Ground):
    """What happens at the provider, with us and without us."""

    @rule(
        fault=FAULT,
        method=st.sampled_from(["POST", "POST", "GET"]),
        times=st.sampled_from([1, 1, 2, 5]),
        nth=st.none() | st.sampled_from([2, 3]),
    )
    @step
    def provider_fails(self, fault: int, method: str, times: int, nth: int | None) -> None:
        self._fail(fault, method=method, times=times, nth=nth)

    @rule(faults=st.lists(FAULT, min_size=1, max_size=2), match=NUMBER, player=NUMBER, fee=NUMBER, day=DAY)
    @step
    def materialise_while_it_fails(self, faults: list[int], match: int, player: int, fee: int, day: int) -> None:
        """There is something to pay, and it goes wrong."""
        self.season.line_up(match, player)
        self.season.other_fee(match, fee)
        for fault in faults:
            self._fail(fault, times=1)
        self._materialise(pick(DAYS, day))

    @rule(is_empty=st.sampled_from([False, False, True]))
    @step
    def provider_recovers(self, *, is_empty: bool) -> None:
        """Nothing goes wrong any more, unless there is no money to pay out of."""
        self.parts.stripe.clear_faults()
        self.parts.stripe.set_balance(dict.fromkeys(PLENTY_MINOR, 0) if is_empty else PLENTY_MINOR)

    @rule(there_minor=st.sampled_from([0, 500, 3_000]), pending_h=st.sampled_from([0, 3, 48]), match=NUMBER, day=DAY)
    @step
    def money_is_pending(self, there_minor: int, pending_h: int, match: int, day: int) -> None:
        """Little is there, and what cards are charged from now on comes later: payouts wait."""
        self.parts.stripe.set_balance(dict.fromkeys(PLENTY_MINOR, there_minor))
        self.parts.stripe.set_availability_delay(pending_h * HOUR_S)
        self.season.line_up(match, day)
        self._materialise(pick(DAYS, day))

    @rule(seconds=JUMPS_S)
    @step
    def time_passes(self, seconds: int) -> None:
        self._pass_time(seconds)

    @rule(picks=st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=3))
    @step
    def pay_late(self, picks: list[tuple[int, int]]) -> None:
        """Players pay what was refused, by the bank's app or with another card, and tell nobody."""
        for which, with_what in picks:
            self._pay_late(which, pick(PAYS_WITH, with_what))

    @rule(card=st.sampled_from([1, 3, 4]), player=NUMBER, match=NUMBER, with_what=NUMBER, jump_s=JUMPS_S, other=NUMBER)
    @step
    def refused_and_paid_late(
        self, card: int, player: int, match: int, with_what: int, jump_s: int, other: int
    ) -> None:
        """Then the player has another card, or not, and the days are materialised again."""
        payer = self.season.payer(player)
        self.season.line_up(match, payer)
        self.season.other_card(payer, card)
        self._materialise_all()
        self._pay_late(0, pick(PAYS_WITH, with_what), f"cus_{self.season.players[payer]}")
        self._pass_time(jump_s)
        self.season.other_card(payer, other)
        self._materialise_all()

    def _materialise_all(self) -> None:
        for day in DAYS:
            self._materialise(day)

    def _pay_late(self, which: int, method: str, customer: str | None = None) -> None:
        payable = [
            intent
            for intent in self._seen().intents
            if intent["status"] in PAYABLE
            and self.season.may_pay(intent["customer"])
            and customer in (None, intent["customer"])
        ]
        if payable:
            intent = pick(payable, which)
            self.past.paid_late.add(intent["id"])
            self.parts.stripe.pay(intent["id"], method if intent["currency"] == "eur" else "pm_card_visa")

    @rule(which=NUMBER, says=NUMBER)
    @step
    def bank_answers(self, which: int, says: int) -> None:
        """For a payment that is processing: it is paid, or not."""
        processing = [intent for intent in self._seen().intents if intent["status"] == "processing"]
        if processing:
            self.parts.stripe.end_payment(pick(processing, which)["id"], pick(BANK_SAYS, says))

    @rule(which=st.lists(NUMBER, min_size=1, max_size=3))
    @step
    def neighbour_moves(self, which: list[int]) -> None:
        """Another ledger on our account moves just what we move."""
        for number in which:
            self.neighbour.moves(self.ledger, number)
