"""Where is my money? Each answer, and that all answers together are what the accounts say."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.reader import fees_of_day
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.explain.documents import Part, Place
from payouts_pipeline.workflow import operator_actions, phases
from payouts_tests.integration.ledger.test_corrections_at_random import Season, _phase_at_random
from payouts_tests.support.explaining import Explain, parts_of, require_adds_up
from payouts_tests.support.leagues import DAY, SYDNEY, League, ShareRow
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    book,
    ids,
    left_alone,
    materialise,
    rejected,
    release,
    settle,
    settled,
    unknown,
    waiting,
)
from payouts_tests.support.oracle import BookedDays

NEXT = DAY + timedelta(days=1)


class Scene:
    """A match in which one player plays for a club; 70% of what is above the organiser's 1.00 is the club's."""

    def __init__(self, ledger: Connection, source: Connection, league: League) -> None:
        self.ledger, self.source, self.league = ledger, source, league
        self.club, self.organiser, self.partner = league.club(), league.organiser(), league.partner()
        self.player = league.player(self.club, method="pm_1")
        self.competition = league.competition(self.organiser)
        self.shares: list[ShareRow] = [
            ("club", None, 0, 7_000), ("organiser", None, 100, 2_000), ("partner", self.partner, 0, 567),
            ("platform", None, 0, 433),
        ]  # fmt: skip
        self.terms = league.terms(self.competition, 1_499, shares=self.shares)
        self.match = league.match(self.competition, DAY)
        self.line = league.plays(self.match, self.player)
        self.explain = Explain(ledger, source)

    def materialise(self, day: date = DAY, decide: Decide = settled) -> None:
        materialise(self.ledger, self.source, day, decide)

    def fee_becomes(self, fee_minor: int) -> None:
        self.league.set("fee_structures", self.terms, fee_minor=fee_minor)

    def club_parts(self, day: date = DAY) -> list[Part]:
        return parts_of(self.explain.payee_day("club", self.club, day))


@pytest.fixture
def scene(ledger: Connection, source: Connection, league: League) -> Iterator[Scene]:
    """Whatever a test does, in the end all explanations add up."""
    made = Scene(ledger, source, league)
    yield made
    # Sums need the ledger alone, and reading `league` takes most of the time.
    require_adds_up(Explain(ledger, None))


def test_a_settled_fee_names_its_terms_its_charge_and_the_payout_of_each_share(scene: Scene) -> None:
    scene.materialise()
    explained = scene.explain.match(scene.match)
    (fee,) = explained.fees
    assert (fee.day, fee.player_id, fee.match_player_id, fee.amount_minor) == (DAY, scene.player, scene.line, 1_499)
    (part,) = fee.parts
    assert (part.place, part.booked_by) == (Place.COLLECTED, "test")
    assert part.released_at
    assert [(share.payee, share.amount_minor) for share in fee.shares] == [
        (f"club:{scene.club}", 979), (f"organiser:{scene.organiser}", 380), (f"partner:{scene.partner}", 79),
        ("platform", 61),
    ]  # fmt: skip
    assert [share.parts[0].place for share in fee.shares] == [Place.PAID, Place.PAID, Place.PAID, Place.KEPT]
    (rule,) = explained.rules
    assert (rule.fee_structure_id, rule.effective_from, rule.rest_minor) == (scene.terms, "2020-01-01", 1_399)
    terms = fee.shares[1].terms
    assert terms is not None
    assert (terms.fixed_minor, terms.share_bps, terms.amount_minor) == (100, 2_000, 380)
    moves = {move.id: move for move in explained.instructions}
    charge = moves[part.instruction_id] if part.instruction_id else None
    assert charge is not None
    assert charge.provider_reference == f"p_{charge.id}:1"
    assert [attempt.outcome for attempt in charge.attempts] == ["settled"]


@pytest.mark.parametrize(
    ("decide", "why", "next_step"),
    [
        (
            waiting,
            "is waiting: Stripe was busy with the same account",
            "it is retried automatically, or from then on with 'payouts run 2026-03-07'",
        ),
        (rejected, "is rejected: the card was reported stolen", "a card that works and enter it in schema 'league'"),
        (unknown, "is unknown: Stripe did not answer", "Stripe is asked"),
        (left_alone, "is sending: is being sent to Stripe", "it continues automatically"),
    ],
)
def test_why_a_fee_has_not_reached_the_club(scene: Scene, decide: Decide, why: str, next_step: str) -> None:
    scene.materialise(DAY, decide)
    (fee,) = scene.explain.match(scene.match).fees
    for part in (fee.parts[0], *fee.shares[0].parts, *scene.club_parts()):
        assert part.why
        assert why in part.why
        assert part.next_step
        assert next_step in part.next_step
        assert bool(part.retry_at) == (decide in (waiting, unknown))
    assert fee.parts[0].place == Place.CHARGED
    assert fee.shares[0].parts[0].place == Place.NOT_COLLECTED


def test_a_charge_that_is_settled_and_not_released_says_that_its_day_must_go_on(scene: Scene) -> None:
    book(scene.ledger, scene.source, DAY)
    settle(scene.ledger)
    (part,) = scene.club_parts()
    assert part.place == Place.NOT_COLLECTED
    assert "is settled, and the shares are not released yet" in str(part.why)


def test_a_fee_that_is_held_out_gives_its_reason(scene: Scene) -> None:
    scene.league.shares(scene.terms, [("club", None, 0, 9_999)])
    scene.materialise()
    for explained in (scene.explain.match(scene.match), scene.explain.player_day(scene.player, DAY)):
        assert explained.fees == []
        assert [(each.match_player_id, each.reason) for each in explained.held_out] == [
            (scene.line, "the shares do not add up to 10,000 basis points")
        ]
    assert scene.explain.account("player", scene.player).held_out


def test_a_raise_after_settlement_is_a_part_of_its_own(scene: Scene) -> None:
    scene.materialise()
    scene.fee_becomes(1_999)
    scene.materialise(DAY, waiting)
    (fee,) = scene.explain.match(scene.match).fees
    assert [(part.amount_minor, part.place) for part in fee.parts] == [
        (1_499, Place.COLLECTED), (500, Place.CHARGED),
    ]  # fmt: skip
    assert fee.parts[0].booking_id < fee.parts[1].booking_id
    assert [(part.amount_minor, part.place) for part in fee.shares[0].parts] == [
        (979, Place.PAID), (350, Place.NOT_COLLECTED),
    ]  # fmt: skip


def test_a_fall_after_settlement_is_credited_and_worked_off(scene: Scene) -> None:
    scene.materialise()
    scene.fee_becomes(499)
    scene.materialise()
    (fee,) = scene.explain.match(scene.match).fees
    assert [(part.amount_minor, part.place) for part in fee.parts] == [
        (1_499, Place.COLLECTED), (-1_000, Place.LOWERED),
    ]  # fmt: skip
    taken_back = fee.shares[0].parts[1]
    assert (taken_back.amount_minor, taken_back.place) == (-700, Place.PAYABLE)
    assert "a correction took it back" in str(taken_back.why)
    scene.league.plays(scene.league.match(scene.competition, NEXT), scene.player)
    scene.materialise(NEXT)
    (credited,) = scene.explain.player_day(scene.player, NEXT).fees
    assert [part.place for part in credited.parts] == [Place.CREDITED]


def test_a_fee_that_rises_while_a_share_falls_is_shown_with_both_corrections(scene: Scene) -> None:
    scene.materialise()
    scene.fee_becomes(1_999)
    scene.league.shares(scene.terms, [("club", None, 0, 2_000), ("organiser", None, 0, 8_000)])
    scene.materialise(DAY, waiting)
    (fee,) = scene.explain.match(scene.match).fees
    assert [part.amount_minor for part in fee.parts] == [1_499, 0, 500]
    shares = {share.payee: share.amount_minor for share in fee.shares}
    assert {payee: amount for payee, amount in shares.items() if amount} == {
        f"club:{scene.club}": 400, f"organiser:{scene.organiser}": 1_599,
    }  # fmt: skip


def test_what_league_says_otherwise_by_now_is_named_with_its_amounts(scene: Scene) -> None:
    scene.materialise()
    assert scene.explain.match(scene.match).would_book == []
    scene.fee_becomes(1_599)
    explained = scene.explain.match(scene.match)
    assert {each.payee: each.amount_minor for each in explained.would_book} == {
        f"player:{scene.player}": 100, f"club:{scene.club}": 70, f"organiser:{scene.organiser}": 20,
        f"partner:{scene.partner}": 6, "platform": 4,
    }  # fmt: skip
    share = explained.fees[0].shares[0]
    assert share.terms is not None
    assert (share.amount_minor, share.terms.amount_minor) == (979, 1_049)


def test_a_fee_under_the_minimum_says_that_the_next_charge_takes_it(scene: Scene) -> None:
    scene.league.shares(scene.terms, [("club", None, 0, 10_000)])
    scene.fee_becomes(30)
    scene.materialise()
    (part,) = scene.explain.player_day(scene.player, DAY).fees[0].parts
    assert part.place == Place.NOT_CHARGED
    assert "owes 0.30 EUR in all, under Stripe's minimum of 0.50 EUR" in str(part.why)


def test_what_carries_over_says_so_and_the_next_payout_names_the_days_it_pays(scene: Scene) -> None:
    minimums = {"EUR": 1_500}
    explain = Explain(scene.ledger, scene.source, minimums)
    scene.league.plays(scene.league.match(scene.competition, NEXT), scene.player)
    for day, expected in ((DAY, Place.PAYABLE), (NEXT, Place.IN_PAYOUT)):
        book(scene.ledger, scene.source, day)
        settle(scene.ledger)
        release(scene.ledger, scene.source, day, minimums)
        (part,) = parts_of(explain.payee_day("club", scene.club, day))
        assert part.place == expected
        if day == DAY:
            assert "9.79 EUR is payable in all, under the minimum payout of 15.00 EUR" in str(part.why)
            assert [unpaid.day for unpaid in explain.payee_day("club", scene.club, day).unpaid] == [DAY]
    (payout,) = explain.payee_day("club", scene.club, DAY).instructions
    assert (payout.day, payout.amount_minor) == (NEXT, 1_958)
    assert [(line.day, line.amount_minor) for line in explain.instruction(payout.id).release_lines] == [
        (DAY, 979), (NEXT, 979),
    ]  # fmt: skip


def test_what_carried_over_is_paid_again_by_the_run_that_is_named(scene: Scene) -> None:
    """DAY's share alone is under the minimum: the run of NEXT, whose payout was taken back, pays both."""
    scene.explain = Explain(scene.ledger, scene.source, {"EUR": 1_000})
    scene.league.plays(scene.league.match(scene.competition, NEXT), scene.player)
    for day in (DAY, NEXT):
        book(scene.ledger, scene.source, day)
        settle(scene.ledger)
        release(scene.ledger, scene.source, day, {"EUR": 1_000})
    (payout,) = scene.explain.account("club", scene.club).instructions
    operator_actions.cancel(scene.ledger, payout.id, "cli ada", "wrong account")
    (part,) = scene.club_parts()
    assert part.next_step == f"'payouts run {NEXT}' makes one"
    release(scene.ledger, scene.source, DAY, {"EUR": 1_000})
    assert scene.club_parts()[0].place == Place.PAYABLE
    release(scene.ledger, scene.source, NEXT, {"EUR": 1_000})
    assert scene.club_parts()[0].place == Place.IN_PAYOUT


def test_a_payout_to_an_account_that_was_mended_goes_on_as_its_explanation_says(scene: Scene) -> None:
    scene.materialise(decide=lambda each: settled(each) if each.stripe_customer_id else rejected(each))
    (part,) = scene.club_parts()
    assert part.instruction_id
    assert f"'payouts cancel {part.instruction_id} --reason ...', then 'payouts run {DAY}'" in str(part.next_step)
    operator_actions.cancel(scene.ledger, part.instruction_id, "cli ada", "finished its onboarding")
    scene.materialise()
    assert scene.club_parts()[0].place == Place.PAID


def test_a_held_payee_names_the_person_s_reason_and_the_command_that_ends_it(scene: Scene) -> None:
    club = Payee(BillingSubject.CLUB, scene.club)
    operator_actions.hold(scene.ledger, scene.source, club, "cli ada", "fraud suspected")
    scene.materialise()
    (part,) = scene.club_parts()
    assert part.place == Place.IN_PAYOUT
    assert "is held: on hold: fraud suspected" in str(part.why)
    assert f"'payouts unhold club:{scene.club} --reason ...'" in str(part.next_step)
    assert "fraud suspected" in str(scene.explain.account("club", scene.club).on_hold)


def test_a_payee_without_an_account_says_what_is_missing_where(scene: Scene) -> None:
    scene.league.set("clubs", scene.club, stripe_account_id=None)
    scene.materialise()
    (part,) = scene.club_parts()
    assert "the club's Stripe account in schema 'league'" in str(part.next_step)


def test_a_customer_that_league_has_no_more_is_what_is_missing(scene: Scene) -> None:
    """The charge keeps the customer that it was last tried with; that does not get it going."""
    scene.materialise(DAY, rejected)
    scene.league.set("players", scene.player, stripe_customer_id=None)
    scene.materialise()
    (part,) = scene.explain.player_day(scene.player, DAY).fees[0].parts
    assert "is held: the player has no Stripe customer" in str(part.why)
    assert "the player's Stripe customer in schema 'league'" in str(part.next_step)


def test_a_match_that_was_moved_is_shown_on_both_days(scene: Scene) -> None:
    scene.materialise()
    scene.league.connection.execute("update league.matches set kicked_off_at = kicked_off_at + interval '1 day'")
    scene.materialise(DAY)
    scene.materialise(NEXT)
    explained = scene.explain.match(scene.match)
    assert [(fee.day, fee.amount_minor) for fee in sorted(explained.fees, key=lambda fee: fee.day)] == [
        (DAY, 0), (NEXT, 1_499),
    ]  # fmt: skip
    assert explained.days == [DAY, NEXT]
    assert explained.would_book == []


def test_a_match_that_league_has_lost_is_found_in_the_ledger(scene: Scene) -> None:
    scene.materialise()
    scene.league.strike_off(scene.line)
    scene.league.connection.execute("delete from league.matches")
    explained = scene.explain.match(scene.match)
    assert [fee.player_id for fee in explained.fees] == [scene.player]
    assert {each.payee: each.amount_minor for each in explained.would_book}[f"player:{scene.player}"] == -1_499


def test_an_instruction_tells_its_history_its_attempts_and_what_it_covers(scene: Scene) -> None:
    scene.materialise(DAY, waiting)
    (charge,) = ids(scene.ledger, DAY, "waiting")
    explained = scene.explain.instruction(charge)
    assert [event.to_status for event in explained.events] == ["pending", "published", "sending", "waiting"]
    assert {event.actor for event in explained.events} == {"test"}
    (attempt,) = explained.instruction.attempts
    assert (attempt.number, attempt.outcome, attempt.idempotency_key) == (1, "refused", f"{charge}:1")
    assert [fee.match_id for fee in explained.fees] == [scene.match]
    assert explained.covered_minor == explained.instruction.amount_minor == 1_499


def test_an_instruction_of_another_day_is_refused(scene: Scene) -> None:
    book(scene.ledger, scene.source, DAY)
    (charge,) = ids(scene.ledger)
    with pytest.raises(PayoutsError, match="is of 2026-03-07, not of 2026-03-08"):
        scene.explain(charge, NEXT)


def test_a_cancelled_instruction_covers_nothing_any_more(scene: Scene) -> None:
    book(scene.ledger, scene.source, DAY)
    (charge,) = ids(scene.ledger)
    operator_actions.cancel(scene.ledger, charge, "cli ada", "wrong player")
    explained = scene.explain.instruction(charge)
    assert explained.fees == []
    assert "its amount is back on the account" in str(explained.instruction.next_step)
    (part,) = scene.explain.player_day(scene.player, DAY).fees[0].parts
    assert (part.place, part.next_step) == (Place.NOT_CHARGED, "'payouts run 2026-03-07' makes one")


def test_what_waits_for_approval_names_the_command(scene: Scene) -> None:
    splits = split(fees_of_day(scene.source, DAY, SYDNEY))
    phases.open_charges(scene.ledger, scene.source, DAY, splits, ACTOR, Limits({"EUR": 1_000}))
    (charge,) = ids(scene.ledger, DAY, "held")
    (part,) = scene.club_parts()
    assert "above 10.00 EUR: waits for approval" in str(part.why)
    assert f"'payouts approve {charge} --reason ...'" in str(part.next_step)
    operator_actions.approve(scene.ledger, charge, "cli ada", "checked")
    assert scene.explain.instruction(charge).instruction.approved_by == "cli ada"


@pytest.mark.parametrize("seed", [2])
def test_explanations_of_any_history_add_up(ledger: Connection, source: Connection, league: League, seed: int) -> None:
    chance = random.Random(seed)
    season = Season(league, chance)
    explain = Explain(ledger, source)
    for step in range(12):
        season.correct()
        _phase_at_random(ledger, source, chance, BookedDays(source, SYDNEY))
        if step % 4 == 3:
            require_adds_up(explain)
