"""The sample season as DataFrames: the same for everyone, with terms that mostly add up."""

from datetime import date, timedelta

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from payouts_pipeline.local.season import catalogue, reference_frames, season_frames, stripe_entities
from payouts_pipeline.local.season.frames import Frames

SYDNEY = "Australia/Sydney"
STEP_MINOR = {"AUD": 1, "EUR": 1, "JPY": 1, "KWD": 10}
FEE_RANGE_MINOR = {"AUD": (800, 2500), "EUR": (800, 2500), "JPY": (800, 2500), "KWD": (2500, 6000)}


def same_days(frames: Frames, first_day: date, last_day: date) -> Frames:
    """The matches and line-ups of these days out of a longer season."""
    first, last = int(f"{first_day:%Y%m%d}"), int(f"{last_day:%Y%m%d}")
    matches = frames["matches"]
    matches = matches[(matches["id"] // 100).between(first, last)]
    line_ups = frames["match_players"]
    line_ups = line_ups[line_ups["match_id"].isin(matches["id"])]
    return {"matches": matches.reset_index(drop=True), "match_players": line_ups.reset_index(drop=True)}


def terms_on(frames: Frames, day: date) -> pd.DataFrame:
    """The structures that hold on the day, one a competition."""
    structures = frames["fee_structures"]
    structures = structures[structures["effective_from"] <= day].sort_values("effective_from")
    return structures.groupby("competition_id").last()


# --- the same for everyone ------------------------------------------------------------------------


def test_the_same_days_give_the_same_season() -> None:
    first, again = (season_frames(date(2026, 3, 1), date(2026, 3, 5), SYDNEY) for _ in range(2))

    for table, frame in first.items():
        assert_frame_equal(frame, again[table])


def test_days_differ_from_each_other() -> None:
    frames = season_frames(date(2026, 3, 1), date(2026, 3, 2), SYDNEY)
    line_ups = [
        set(same_days(frames, day, day)["match_players"]["player_id"]) for day in (date(2026, 3, 1), date(2026, 3, 2))
    ]

    assert line_ups[0] != line_ups[1]


@pytest.mark.parametrize("first_day", [date(2026, 9, 30), date(2026, 10, 3)])
def test_the_matches_of_a_day_do_not_depend_on_the_season_around_it(first_day: date) -> None:
    long = season_frames(date(2026, 9, 20), date(2026, 10, 6), SYDNEY)
    short = season_frames(first_day, first_day + timedelta(days=2), SYDNEY)
    part = same_days(long, first_day, first_day + timedelta(days=2))

    assert_frame_equal(part["matches"], short["matches"])
    assert_frame_equal(part["match_players"], short["match_players"])


def test_the_terms_of_a_day_do_not_depend_on_when_the_season_began() -> None:
    day = date(2026, 11, 20)
    seasons = [reference_frames(first, day) for first in (date(2026, 8, 7), date(2026, 9, 1), day)]
    terms = [terms_on(frames, day).drop(catalogue.NEWCOMER_CUP, errors="ignore") for frames in seasons]

    assert len(terms[0]) == len(catalogue.COMPETITIONS) - 1
    assert_frame_equal(terms[0], terms[1])
    assert_frame_equal(terms[0], terms[2])


# --- who there is ---------------------------------------------------------------------------------


def test_the_league_has_the_size_of_the_sample() -> None:
    frames = reference_frames(date(2026, 9, 8), date(2026, 11, 22))
    sizes = {table: len(frames[table]) for table in ("organisers", "competitions", "clubs", "players", "partners")}

    assert sizes == {"organisers": 3, "competitions": 8, "clubs": 24, "players": 500, "partners": 2}
    assert set(frames["fee_structures"]["currency"]) == {"AUD", "EUR", "JPY", "KWD"}
    assert frames["players"]["name"].is_unique
    assert frames["clubs"]["name"].is_unique
    assert set(frames["players"]["club_id"]) == set(frames["clubs"]["id"])


def test_half_of_the_players_leave_the_card_to_the_default_of_their_customer() -> None:
    players = reference_frames(date(2026, 3, 1), date(2026, 3, 1))["players"]

    assert players["stripe_payment_method_id"].isna().sum() == 250
    assert players["stripe_customer_id"].isna().sum() == 1


def test_no_id_is_used_twice() -> None:
    for table, frame in season_frames(date(2026, 3, 1), date(2026, 3, 9), SYDNEY).items():
        if table != "fee_shares":
            assert frame["id"].is_unique, table


# --- terms ----------------------------------------------------------------------------------------


def test_only_the_broken_competition_has_shares_that_do_not_add_up() -> None:
    frames = reference_frames(date(2026, 9, 8), date(2026, 11, 22))
    sums = frames["fee_shares"].groupby("fee_structure_id")["share_bps"].sum()
    structures = frames["fee_structures"].set_index("id")

    wrong = structures.loc[sums[sums != 10_000].index, "competition_id"]
    assert set(wrong) == {catalogue.PAPER_MOON_CUP}
    assert set(sums.index) == set(structures.index)


def test_fees_are_realistic_and_in_steps_that_stripe_takes() -> None:
    structures = reference_frames(date(2026, 1, 1), date(2026, 12, 31))["fee_structures"]
    for currency, fees_minor in structures.groupby("currency")["fee_minor"]:
        assert fees_minor.between(*FEE_RANGE_MINOR[str(currency)]).all()
        assert (fees_minor % STEP_MINOR[str(currency)] == 0).all()


def test_the_platform_keeps_more_of_each_fee_than_stripe_takes() -> None:
    frames = reference_frames(date(2026, 1, 1), date(2026, 12, 31))
    structures = frames["fee_structures"].set_index("id")["fee_minor"]
    for structure_id, shares in frames["fee_shares"].groupby("fee_structure_id"):
        fee_minor = structures[structure_id]
        rest_minor = fee_minor - shares["fixed_minor"].sum()
        platform = shares[shares["billing_subject"] == "platform"].iloc[0]
        assert rest_minor > 0
        assert platform["fixed_minor"] + rest_minor * platform["share_bps"] / 10_000 >= 0.08 * fee_minor


def test_fixed_parts_and_basis_points_and_both_and_neither_occur() -> None:
    shares = reference_frames(date(2026, 3, 1), date(2026, 3, 1))["fee_shares"]
    kinds = set(zip(shares["fixed_minor"] > 0, shares["share_bps"] > 0, strict=True))

    assert kinds == {(True, False), (False, True), (True, True), (False, False)}
    assert ((shares["billing_subject"] == "partner") == shares["partner_id"].notna()).all()


def test_every_season_of_75_days_has_a_change_of_terms_in_it() -> None:
    for start in range(366):
        first_day = date(2027, 1, 1) + timedelta(days=start)
        last_day = first_day + timedelta(days=74)
        structures = reference_frames(first_day, last_day)["fee_structures"]
        premier = structures[structures["competition_id"] == catalogue.HARBOUR_PREMIER]
        changes = premier[premier["effective_from"].between(first_day + timedelta(1), last_day - timedelta(10))]
        assert len(changes) >= 1, first_day
        assert premier["fee_minor"].diff().dropna().ne(0).all()
        assert premier["effective_from"].min() <= first_day


def test_the_newcomer_has_matches_before_it_has_terms() -> None:
    first_day = date(2026, 9, 8)
    last_day_without = first_day + timedelta(days=13)
    frames = season_frames(first_day, last_day_without, SYDNEY)

    assert (frames["matches"]["competition_id"] == catalogue.NEWCOMER_CUP).any()
    assert catalogue.NEWCOMER_CUP not in terms_on(frames, last_day_without).index
    assert catalogue.NEWCOMER_CUP in terms_on(frames, last_day_without + timedelta(days=1)).index


# --- what the provider knows ----------------------------------------------------------------------


def test_the_provider_is_told_of_every_customer_card_and_account_of_the_league() -> None:
    frames = reference_frames(date(2026, 3, 1), date(2026, 3, 1))
    entities = stripe_entities(frames)
    payees = pd.concat([frames[table]["stripe_account_id"] for table in ("organisers", "clubs", "partners")])
    named = frames["players"].dropna(subset="stripe_payment_method_id")
    cards = {customer.id: customer.default_payment_method for customer in entities.customers}

    assert sorted(cards) == sorted(frames["players"]["stripe_customer_id"].dropna())
    assert len(cards) == len(entities.customers)
    assert sorted(account.id for account in entities.accounts) == sorted(payees.dropna())
    assert named["stripe_customer_id"].map(cards).eq(named["stripe_payment_method_id"]).all()
