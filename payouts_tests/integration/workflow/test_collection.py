"""Charges, releases, credit, carry-over, corrections and taking instructions back: the rules of money, one by one."""

from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    account,
    book,
    claim,
    fingerprint,
    ids,
    instructions,
    left_alone,
    materialise,
    pass_time,
    rejected,
    release,
    settle,
    settle_cancellations,
    settled,
    unknown,
    violations,
    waiting,
)

NEXT = DAY + timedelta(days=1)
LATER = DAY + timedelta(days=2)


@pytest.fixture(autouse=True)
def every_rule_holds_in_the_end(ledger: Connection) -> object:
    yield
    assert violations(ledger) == {}


class Scene:
    """A player and the club that gets all of the player's fees."""

    def __init__(self, ledger: Connection, source: Connection, league: League) -> None:
        self.ledger, self.source, self.league = ledger, source, league
        self.club = league.club()
        self.player = league.player(self.club)

    def fee(self, day: date, fee_minor: int = 1_000, currency: str = "EUR") -> int:
        return self.league.fee(self.player, day, fee_minor, currency)

    def book(self, day: date = DAY) -> None:
        """As a run does, which makes what is due once workers have cancelled what is not any more."""
        book(self.ledger, self.source, day)
        if settle_cancellations(self.ledger):
            book(self.ledger, self.source, day)

    def release(self, day: date = DAY, minimums_minor: dict[str, int] | None = None) -> None:
        release(self.ledger, self.source, day, minimums_minor)

    def materialise(self, day: date = DAY, decide: Decide = settled) -> None:
        materialise(self.ledger, self.source, day, decide)

    @property
    def charges(self) -> list[tuple[str, int]]:
        return instructions(self.ledger, "player", self.player)

    @property
    def payouts(self) -> list[tuple[str, int]]:
        return instructions(self.ledger, "club", self.club)

    @property
    def owes(self) -> int:
        booked, _, in_flight, paid = account(self.ledger, "player", self.player)
        return booked - in_flight - paid

    @property
    def collected(self) -> int:
        return account(self.ledger, "player", self.player)[1]

    @property
    def payable(self) -> int:
        _, released, in_flight, paid = account(self.ledger, "club", self.club)
        return released - in_flight - paid


@pytest.fixture
def scene(ledger: Connection, source: Connection, league: League) -> Scene:
    return Scene(ledger, source, league)


def test_one_charge_covers_all_fees_of_a_day_and_one_payout_all_shares(scene: Scene) -> None:
    scene.fee(DAY, 300)
    scene.fee(DAY, 700)
    scene.materialise()
    assert scene.charges == [("settled", 1_000)]
    assert scene.payouts == [("settled", 1_000)]


def test_currencies_are_charged_apart(scene: Scene) -> None:
    scene.fee(DAY, 1_000, "EUR")
    scene.fee(DAY, 2_000, "KWD")
    scene.materialise()
    assert sorted(scene.charges) == [("settled", 1_000), ("settled", 2_000)]
    assert account(scene.ledger, "club", scene.club, "KWD") == (2_000, 2_000, 0, 2_000)


@pytest.mark.parametrize("decide", [waiting, rejected, unknown, left_alone])
def test_nobody_is_paid_from_a_fee_that_was_not_collected(scene: Scene, decide: Decide) -> None:
    scene.fee(DAY)
    scene.materialise(DAY, decide)
    scene.release()
    assert scene.payouts == []
    assert (scene.collected, scene.payable) == (0, 0)


def test_a_late_payment_releases_the_shares_then(scene: Scene) -> None:
    scene.fee(DAY)
    scene.materialise(DAY, unknown)
    settle(scene.ledger)
    scene.release()
    assert scene.payouts == [("pending", 1_000)]


def test_a_fee_of_nothing_asks_for_nothing(scene: Scene) -> None:
    scene.fee(DAY, 0)
    scene.materialise()
    assert (scene.charges, scene.payouts) == ([], [])


@pytest.mark.parametrize(("currency", "minimum"), [("EUR", 50), ("GBP", 30), ("DKK", 250), ("KWD", 50), ("ISK", 100)])
def test_the_minimum_charge_is_reached_exactly(scene: Scene, currency: str, minimum: int) -> None:
    step = {"KWD": 10, "ISK": 100}.get(currency, 1)
    scene.fee(DAY, minimum - step, currency)
    scene.book()
    assert scene.charges == []
    scene.fee(DAY, step, currency)
    scene.book()
    assert scene.charges == [("pending", minimum)]


def test_what_is_under_the_minimum_goes_out_with_the_next_charge_and_is_released_with_it(scene: Scene) -> None:
    scene.fee(DAY, 30)
    scene.fee(NEXT, 30)
    scene.materialise(DAY)
    assert (scene.charges, scene.owes) == ([], 30)
    scene.materialise(NEXT)
    assert scene.charges == [("settled", 60)]
    assert scene.payouts == [("settled", 60)]
    before = fingerprint(scene.ledger)
    scene.materialise(DAY)
    assert fingerprint(scene.ledger) == before


def test_a_charge_is_released_by_its_own_day_whichever_days_its_fees_are_of(scene: Scene) -> None:
    scene.fee(DAY, 30)
    scene.book(DAY)
    scene.fee(NEXT, 80)
    scene.book(NEXT)
    settle(scene.ledger)
    scene.release(NEXT)
    assert scene.collected == 110


def test_payouts_under_the_minimum_carry_over_to_the_next_day(scene: Scene) -> None:
    scene.fee(DAY, 60)
    scene.book()
    settle(scene.ledger)
    scene.release(DAY, {"EUR": 100})
    assert (scene.payouts, scene.payable) == ([], 60)
    scene.fee(NEXT, 60)
    scene.book(NEXT)
    settle(scene.ledger)
    scene.release(NEXT, {"EUR": 100})
    assert scene.payouts == [("pending", 120)]


def test_a_smaller_minimum_payout_sends_what_was_left(scene: Scene) -> None:
    scene.fee(DAY, 60)
    scene.book()
    settle(scene.ledger)
    scene.release(DAY, {"EUR": 100})
    scene.release(DAY, {"EUR": 1})
    assert scene.payouts == [("pending", 60)]


def test_a_match_struck_off_leaves_a_credit_that_the_next_charge_uses(scene: Scene) -> None:
    line = scene.fee(DAY)
    scene.materialise()
    scene.league.strike_off(line)
    scene.materialise()
    assert (scene.owes, scene.payable) == (-1_000, -1_000)
    scene.fee(NEXT, 1_400)
    scene.materialise(NEXT)
    assert scene.charges == [("settled", 1_000), ("settled", 400)]
    assert scene.payouts == [("settled", 1_000), ("settled", 400)]


def test_a_fee_that_a_credit_pays_for_is_collected_without_a_call(scene: Scene) -> None:
    line = scene.fee(DAY)
    scene.materialise()
    scene.league.strike_off(line)
    scene.materialise()
    scene.fee(NEXT, 700)
    scene.book(NEXT)
    assert scene.charges == [("settled", 1_000)]
    assert scene.collected == 700
    assert scene.owes == -300


def test_a_credit_pays_the_oldest_fees_first_and_never_a_part_of_one(scene: Scene) -> None:
    line = scene.fee(DAY)
    scene.materialise()
    scene.league.strike_off(line)
    scene.book()
    scene.league.set("players", scene.player, stripe_customer_id=None)
    late, early = scene.fee(LATER, 200), scene.fee(NEXT, 900)
    scene.book(NEXT)
    assert scene.collected == 900, "the credit pays for the first fee that comes"
    scene.book(LATER)
    assert scene.collected == 900, "100 are left, which is no fee"
    assert scene.charges[1:] == [("held", 100)]
    covered = scene.ledger.execute(
        "select match_player_id from payouts.booked_fees where charge_id is not null and release_id is null"
    ).fetchall()
    assert covered == [(late,)]
    assert early


def test_a_credit_is_not_spent_twice_while_a_charge_counts_on_it(scene: Scene) -> None:
    line = scene.fee(DAY, 300)
    scene.materialise()
    scene.league.strike_off(line)
    scene.book()
    scene.fee(NEXT, 1_000)
    scene.book(NEXT)
    scene.fee(LATER, 300)
    scene.book(LATER)
    assert scene.charges == [("settled", 300), ("pending", 700), ("pending", 300)]
    assert scene.collected == 0


def test_a_payee_who_got_too_much_works_it_off_with_the_next_payouts(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.materialise()
    scene.league.fee_becomes(line, 200)
    scene.materialise()
    assert scene.payable == -800
    scene.league.fee(scene.league.player(scene.club), NEXT, 500)
    scene.materialise(NEXT)
    assert (scene.payable, len(scene.payouts)) == (-300, 1)
    scene.league.fee(scene.league.player(scene.club), LATER, 500)
    scene.materialise(LATER)
    assert scene.payouts == [("settled", 1_000), ("settled", 200)]


def test_a_fee_that_grew_is_charged_the_difference(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.materialise()
    scene.league.fee_becomes(line, 1_500)
    scene.materialise()
    assert scene.charges == [("settled", 1_000), ("settled", 500)]
    assert scene.payouts == [("settled", 1_000), ("settled", 500)]


def test_another_club_gets_the_share_and_the_first_one_owes_it(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.materialise()
    other = scene.league.club()
    scene.league.set("match_players", line, club_id=other)
    scene.materialise()
    assert scene.charges == [("settled", 1_000)]
    assert scene.payable == -1_000
    assert instructions(scene.ledger, "club", other) == [("settled", 1_000)]


def test_terms_of_another_currency_are_a_new_fee_and_a_credit_of_the_old_one(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000, "EUR")
    scene.materialise()
    scene.league.connection.execute("update league.fee_structures set currency = 'KWD'")
    scene.materialise()
    assert account(scene.ledger, "player", scene.player, "KWD") == (1_000, 1_000, 0, 1_000)
    assert scene.owes == -1_000
    assert line


def test_another_player_owes_the_fee_and_the_first_has_a_credit(scene: Scene) -> None:
    line, other = scene.fee(DAY), scene.league.player(scene.club)
    scene.materialise()
    scene.league.set("match_players", line, player_id=other)
    scene.materialise()
    assert scene.owes == -1_000
    assert instructions(scene.ledger, "player", other) == [("settled", 1_000)]
    assert scene.payouts == [("settled", 1_000)], "the club got it from one and gets it from the other"


def test_a_line_moved_to_another_match_of_the_day_moves_no_money(scene: Scene) -> None:
    competition = scene.league.priced()
    line = scene.league.plays(scene.league.match(competition, DAY), scene.player)
    scene.materialise()
    scene.league.set("match_players", line, match_id=scene.league.match(competition, DAY))
    scene.materialise()
    assert scene.charges == [("settled", 1_000)]
    assert scene.payouts == [("settled", 1_000)]
    assert scene.owes == 0


def test_a_match_moved_to_another_day_is_paid_by_the_credit_of_the_first(scene: Scene) -> None:
    match = scene.league.match(scene.league.priced(), DAY)
    scene.league.plays(match, scene.player)
    scene.materialise()
    scene.league.connection.execute("update league.matches set kicked_off_at = kicked_off_at + interval '1 day'")
    scene.materialise(DAY)
    scene.materialise(NEXT)
    assert scene.charges == [("settled", 1_000)]
    assert (scene.owes, scene.payable) == (0, 0)


@pytest.mark.parametrize("decide", [None, waiting, rejected])
def test_a_charge_of_too_much_is_taken_back_when_nothing_is_under_way(scene: Scene, decide: Decide | None) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    if decide:
        settle(scene.ledger, None, decide)
    scene.league.fee_becomes(line, 600)
    scene.book()
    assert [status for status, _ in scene.charges] == ["cancelled", "pending"]
    assert scene.charges[-1] == ("pending", 600)
    settle(scene.ledger)
    scene.release()
    assert scene.payouts == [("pending", 600)]


@pytest.mark.parametrize("decide", [left_alone, unknown])
def test_a_charge_that_may_be_under_way_is_left_alone(scene: Scene, decide: Decide) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    settle(scene.ledger, None, decide)
    scene.league.fee_becomes(line, 600)
    scene.book()
    scene.release()
    assert len(scene.charges) == 1
    assert (scene.collected, scene.payouts) == (0, [])
    pass_time(scene.ledger, 1)
    settle(scene.ledger, None, settled, "sending", "unknown")
    scene.release()
    assert scene.collected == 600
    assert scene.payouts == [("pending", 600)]
    assert scene.owes == -400


def test_a_fee_that_grows_while_its_charge_is_unknown_waits_for_it(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    settle(scene.ledger, None, unknown)
    scene.league.fee_becomes(line, 1_500)
    scene.book()
    assert scene.charges == [("unknown", 1_000)]
    settle(scene.ledger)
    scene.book()
    assert scene.charges == [("settled", 1_000), ("pending", 500)]
    settle(scene.ledger)
    scene.release()
    assert scene.payouts == [("pending", 1_500)]


def test_an_unknown_charge_that_proves_refused_is_replaced_by_the_corrected_amount(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    settle(scene.ledger, None, unknown)
    scene.league.fee_becomes(line, 600)
    scene.book()
    settle(scene.ledger, None, rejected)
    scene.book()
    assert scene.charges == [("cancelled", 1_000), ("pending", 600)]


def test_a_payout_of_too_much_is_taken_back_when_nothing_is_under_way(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    settle(scene.ledger)
    scene.release()
    scene.league.fee_becomes(line, 700)
    scene.book()
    scene.release()
    assert scene.payouts == [("cancelled", 1_000), ("pending", 700)]


@pytest.mark.parametrize("decide", [left_alone, unknown])
def test_a_payout_that_may_be_under_way_is_left_alone_and_worked_off(scene: Scene, decide: Decide) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    settle(scene.ledger)
    scene.release()
    settle(scene.ledger, None, decide)
    scene.league.fee_becomes(line, 700)
    scene.book()
    scene.release()
    assert len(scene.payouts) == 1
    assert scene.payable == -300


def test_a_correction_of_one_day_takes_back_a_payout_of_another(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.materialise()
    scene.league.set("clubs", scene.club, stripe_account_id=None)
    scene.league.fee(scene.league.player(scene.club), NEXT, 800)
    scene.materialise(NEXT)
    assert scene.payouts == [("settled", 1_000), ("held", 800)]
    scene.league.fee_becomes(line, 700)
    scene.materialise(DAY)
    scene.materialise(NEXT)
    assert scene.payouts == [("settled", 1_000), ("cancelled", 800), ("held", 500)]


def test_a_correction_that_another_days_charge_settles_takes_back_the_payout(scene: Scene) -> None:
    # The club's only match is of DAY, the player's charge of the next day covers a part of its fee.
    scene.league.set("clubs", scene.club, stripe_account_id=None)
    line = scene.fee(DAY, 1_000)
    scene.materialise()
    assert scene.payouts == [("held", 1_000)]
    scene.league.fee_becomes(line, 1_030)
    scene.book()
    elsewhere = scene.league.club()
    scene.league.plays(scene.league.match(scene.league.priced(), NEXT), scene.player, elsewhere)
    scene.book(NEXT)
    assert scene.charges[-1] == ("pending", 1_030)
    settle(scene.ledger, None, unknown)
    scene.league.strike_off(line)
    scene.book(DAY)
    settle(scene.ledger)
    scene.release(NEXT)
    assert scene.payouts == [("cancelled", 1_000)]


def test_a_struck_off_fee_whose_charge_was_never_paid_leaves_nothing(scene: Scene) -> None:
    line = scene.fee(DAY)
    scene.materialise(DAY, rejected)
    scene.league.strike_off(line)
    scene.materialise()
    assert scene.charges == [("cancelled", 1_000)]
    assert (scene.owes, scene.payable, scene.collected) == (0, 0, 0)


def test_a_fee_struck_off_and_put_back_is_paid_once(scene: Scene) -> None:
    match = scene.league.match(scene.league.priced(), DAY)
    line = scene.league.plays(match, scene.player)
    scene.materialise()
    scene.league.strike_off(line)
    scene.materialise()
    scene.league.plays(match, scene.player)
    scene.materialise()
    assert scene.charges == [("settled", 1_000)]
    assert scene.payouts == [("settled", 1_000)]


def test_terms_that_break_after_a_day_was_settled_turn_its_fees_into_credits_until_mended(scene: Scene) -> None:
    structure = scene.league.terms(competition := scene.league.competition())
    scene.league.plays(scene.league.match(competition, DAY), scene.player)
    scene.materialise()
    scene.league.shares(structure, [("club", None, 0, 1)])
    scene.materialise()
    assert scene.owes == -1_000
    scene.league.shares(structure, [("club", None, 0, 10_000)])
    scene.materialise()
    assert (scene.owes, scene.payable) == (0, 0)
    assert scene.charges == [("settled", 1_000)]


def test_the_same_input_writes_nothing_wherever_a_day_stands(scene: Scene) -> None:
    scene.fee(DAY)
    scene.fee(DAY, 20)
    for decide in (None, waiting, unknown, settled):
        if decide:
            pass_time(scene.ledger, 2)
            settle(scene.ledger, None, decide)
        scene.book()
        scene.release()
        before = fingerprint(scene.ledger)
        scene.book()
        scene.release()
        assert fingerprint(scene.ledger) == before


def test_thirty_settled_days_can_be_materialised_again_without_a_row(scene: Scene) -> None:
    days = [DAY + timedelta(days=n) for n in range(30)]
    for n, day in enumerate(days):
        scene.fee(day, 40 + n)
        scene.materialise(day)
    before = fingerprint(scene.ledger)
    for day in reversed(days):
        scene.materialise(day)
    assert fingerprint(scene.ledger) == before


def test_days_in_any_order_charge_the_same_in_all(scene: Scene) -> None:
    for n in range(4):
        scene.fee(DAY + timedelta(days=n), 30 * (n + 1))
    for n in (2, 0, 3, 1, 0, 2):
        scene.materialise(DAY + timedelta(days=n))
    assert sum(amount for _, amount in scene.charges) == 300
    assert sum(amount for _, amount in scene.payouts) == 300


def test_the_ids_of_instructions_are_of_their_day_payee_and_sequence(scene: Scene) -> None:
    line = scene.fee(DAY, 1_000)
    scene.book()
    scene.league.fee_becomes(line, 900)
    scene.book()
    rows = scene.ledger.execute("select day, sequence, status from payouts.instructions order by sequence").fetchall()
    assert rows == [(DAY, 1, "cancelled"), (DAY, 2, "pending")]


def test_the_platform_keeps_its_share_without_a_call(scene: Scene) -> None:
    shares = [("club", None, 0, 9_000), ("platform", None, 0, 1_000)]
    scene.league.fee(scene.player, DAY, 1_000, shares=shares)
    scene.materialise()
    assert account(scene.ledger, "platform", 0) == (100, 100, 0, 0)
    assert scene.payouts == [("settled", 900)]


def test_a_settlement_that_arrives_between_booking_and_release_counts_once(scene: Scene) -> None:
    scene.fee(DAY)
    scene.book()
    (attempt,) = claim(scene.ledger, ids(scene.ledger))
    scene.release()
    attempts.record(scene.ledger, [settled(attempt)], ACTOR)
    scene.book()
    scene.release()
    assert scene.collected == 1_000
    assert scene.payouts == [(Status.PENDING, 1_000)]


def test_support_sees_line_by_line_where_the_money_is(scene: Scene) -> None:
    scene.fee(DAY)
    components = "select billing_subject, amount_minor, payment_status from payouts.fee_components order by 1, 2"
    scene.book()
    assert scene.ledger.execute(components).fetchall() == [
        ("club", 1_000, "fee not collected"),
        ("player", 1_000, "pending"),
    ]
    settle(scene.ledger)
    scene.release(DAY, {"EUR": 5_000})
    assert scene.ledger.execute(components).fetchall() == [("club", 1_000, "open"), ("player", 1_000, "settled")]
    scene.release()
    settle(scene.ledger)
    assert scene.ledger.execute(components).fetchall() == [("club", 1_000, "settled"), ("player", 1_000, "settled")]
