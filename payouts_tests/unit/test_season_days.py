"""The days of the sample season: each has every awkward case, over days of 23 and 25 hours too."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from payouts_pipeline.local.season import catalogue, season_frames, stripe_entities
from payouts_pipeline.local.season.frames import Frames

SYDNEY, LONDON = "Australia/Sydney", "Europe/London"
# Ordinary days, both kinds of DST day in both hemispheres, and days that begin or end at an odd hour.
DAYS = [
    (date(2026, 11, 22), SYDNEY),
    (date(2026, 2, 28), "Asia/Kathmandu"),
    (date(2028, 2, 29), "UTC"),
    (date(2026, 4, 5), SYDNEY),
    (date(2026, 10, 4), SYDNEY),
    (date(2026, 3, 29), LONDON),
    (date(2026, 10, 25), LONDON),
    (date(2026, 3, 8), "America/Havana"),
    (date(2026, 4, 24), "Africa/Cairo"),
    (date(2026, 10, 29), "Africa/Cairo"),
]


@pytest.fixture(params=DAYS, ids=lambda case: f"{case[0]} {case[1]}")
def day_frames(request: pytest.FixtureRequest) -> Frames:
    day, timezone = request.param
    return season_frames(day, day, timezone)


def fees(frames: Frames) -> pd.DataFrame:
    """The line-ups with their match, player and own club."""
    matches = frames["matches"].rename(columns={"id": "match_id"})
    players = frames["players"].rename(columns={"id": "player_id", "club_id": "own_club_id"})
    return frames["match_players"].merge(matches, on="match_id").merge(players, on="player_id")


def billable(frames: Frames) -> pd.DataFrame:
    """The fees of played matches whose shares add up, with their own club and the one played for."""
    lines = fees(frames)
    broken = [catalogue.PAPER_MOON_CUP, catalogue.NEWCOMER_CUP]
    lines = lines[(lines["status"] == "played") & ~lines["competition_id"].isin(broken)]
    return lines.assign(payee_club_id=lines["club_id"].fillna(lines["own_club_id"]))


def local_dates(matches: pd.DataFrame, timezone: str) -> set[date]:
    return set(matches["kicked_off_at"].dt.tz_convert(timezone).dt.date)


@pytest.mark.parametrize(("day", "timezone"), DAYS)
def test_every_match_is_in_its_local_day_and_two_are_at_its_ends(day: date, timezone: str) -> None:
    zone = ZoneInfo(timezone)
    matches = season_frames(day, day, timezone)["matches"]
    just_before = matches["kicked_off_at"].min() - timedelta(microseconds=1)
    just_after = matches["kicked_off_at"].max() + timedelta(microseconds=1)

    assert local_dates(matches, timezone) == {day}
    assert just_before.astimezone(zone).date() == day - timedelta(days=1)
    assert just_after.astimezone(zone).date() == day + timedelta(days=1)


def test_a_day_has_the_usual_number_of_matches_and_players(day_frames: Frames) -> None:
    matches, lines = day_frames["matches"], fees(day_frames)
    home_and_away = lines.assign(side=lines["club_id"].fillna(lines["own_club_id"]))
    sides = home_and_away.groupby(["match_id", "side"]).size()

    assert 9 <= len(matches) <= 12
    assert len(sides) == 2 * len(matches)
    assert sides.between(11, 14).all()
    assert not lines.duplicated(["match_id", "player_id"]).any()


def test_every_day_has_fees_in_every_currency(day_frames: Frames) -> None:
    currencies = {competition.id: competition.currency for competition in catalogue.COMPETITIONS}

    assert set(billable(day_frames)["competition_id"].map(currencies)) == {"AUD", "EUR", "JPY", "KWD"}


def test_every_day_has_an_abandoned_and_a_postponed_match_with_line_ups(day_frames: Frames) -> None:
    assert {"abandoned", "postponed"} <= set(fees(day_frames)["status"])


def test_every_day_has_fees_of_a_competition_whose_shares_do_not_add_up(day_frames: Frames) -> None:
    lines = fees(day_frames)

    assert (lines[lines["status"] == "played"]["competition_id"] == catalogue.PAPER_MOON_CUP).any()


def test_every_day_has_players_with_two_matches_in_one_and_in_two_currencies(day_frames: Frames) -> None:
    lines = billable(day_frames)
    currencies = {competition.id: competition.currency for competition in catalogue.COMPETITIONS}
    of_player = lines.groupby("player_id")["competition_id"].apply(lambda ids: sorted(ids.map(currencies)))

    assert of_player[catalogue.LOANED_PLAYER] == ["AUD", "AUD"]
    assert of_player[catalogue.TOURING_PLAYER] == ["AUD", "JPY"]


def test_every_day_has_loaned_players_and_mostly_leaves_the_club_out(day_frames: Frames) -> None:
    lines = fees(day_frames)
    named = lines["club_id"].notna()

    assert set(lines[named & (lines["club_id"] != lines["own_club_id"])]["player_id"]) == {
        catalogue.LOANED_PLAYER,
        catalogue.TOURING_PLAYER,
    }
    assert named.mean() < 0.2


def test_every_day_charges_players_who_cannot_pay(day_frames: Frames) -> None:
    cards = {c.id: c.default_payment_method for c in stripe_entities(day_frames).customers}
    players = billable(day_frames).drop_duplicates("player_id").set_index("player_id")
    charged_cards = players["stripe_customer_id"].map(cards)

    assert charged_cards[catalogue.PLAYER_WITHOUT_FUNDS] == "pm_card_chargeDeclinedInsufficientFunds"
    assert charged_cards[catalogue.PLAYER_WITH_STOLEN_CARD] == "pm_card_chargeDeclinedStolenCard"
    assert charged_cards.str.contains("Declined").sum() == 2
    assert players.index[players["stripe_customer_id"].isna()].tolist() == [catalogue.PLAYER_WITHOUT_CUSTOMER]


def test_every_day_owes_to_a_club_without_an_account(day_frames: Frames) -> None:
    clubs = day_frames["clubs"]
    without = clubs[clubs["stripe_account_id"].isna()]["id"]

    assert without.tolist() == [catalogue.CLUB_WITHOUT_ACCOUNT]
    assert without.isin(billable(day_frames)["payee_club_id"]).all()
