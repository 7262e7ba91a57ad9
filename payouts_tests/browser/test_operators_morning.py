"""The operator's morning in the real UI: did it go out, for how much, what is stuck and why, what must I do?

All is launched from the page, and looked at as soon as it shows what it must. Screenshots go to
`.artifacts/screenshots`, for people to look at.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.billing import PAYOUT_TYPES
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.reports.status import booked_days, day_status
from payouts_tests.browser.ui import Operator
from payouts_tests.support.worlds import ASSETS, YESTERDAY, World

pytestmark = pytest.mark.timeout(600)

AUTOMATIONS = (
    "nightly_payouts",
    "resume_payouts",
    "book_corrections",
    "alert_on_failed_run",
    "alert_on_failed_checks",
    "alert_on_missing_payouts",
    "alert_on_missing_funds",
    "alert_on_changed_accounts",
    "alert_on_waiting_changes",
    "alert_on_failing_banks",
    "alert_on_money_taken_back",
)
WEEK = (YESTERDAY - timedelta(days=7), YESTERDAY - timedelta(days=1))

LAST_MATCH_BEFORE = """
select (kicked_off_at at time zone 'Australia/Sydney')::date, id from league.matches
where status = 'played' and (kicked_off_at at time zone 'Australia/Sydney')::date < %s
order by kicked_off_at desc limit 1
"""
# What an operator's view over their own tables does when it joins too much.
WRONG_VIEW = """
alter table league.match_players rename to line_ups;
create view league.match_players as
select * from league.line_ups
union all
select * from league.line_ups where id = (select min(id) from league.line_ups where match_id = {match_id})
"""
RIGHT_AGAIN = "drop view league.match_players; alter table league.line_ups rename to match_players"


@pytest.fixture(scope="module")
def week(operator: Operator) -> str:
    """The page of the backfill of a week."""
    return operator.launches(*WEEK)


@pytest.fixture(scope="module")
def wrong_day(installation: World) -> Iterator[date]:
    """A day before the week in which a view has a player twice in a line-up."""
    league = installation.connect()
    day, match_id = league.execute(LAST_MATCH_BEFORE, [WEEK[0]]).fetchall()[0]
    league.execute(WRONG_VIEW.format(match_id=match_id))
    yield day
    league.execute(RIGHT_AGAIN)


@pytest.fixture(scope="module")
def wrong_run(operator: Operator, wrong_day: date) -> str:
    """The page of the run of that day."""
    return operator.launches(wrong_day)


@pytest.fixture(scope="module")
def paid(operator: Operator, week: str, wrong_run: str) -> None:
    """Yesterday has gone through; launched after the others, so that they go on while one looks."""
    assert week != wrong_run
    operator.launches(YESTERDAY)
    operator.waits_for("Success")
    operator.keeps("run")


@pytest.mark.usefixtures("paid")
def test_the_graph_shows_the_assets_between_league_and_stripe(operator: Operator) -> None:
    operator.goes_to("/asset-groups/payouts")
    operator.waits_for(*ASSETS, "players", "fee_shares", "balance_transactions")
    operator.keeps("graph")


@pytest.mark.usefixtures("paid")
def test_the_page_of_yesterday_says_how_much_went_out_and_what_is_stuck_why(
    operator: Operator, installation: World
) -> None:
    operator.goes_to(f"/assets/settled_payouts?view=partitions&partition={YESTERDAY}")
    page = operator.waits_for("payouts went out.", "chart_of_the_day")
    paid_out: Counter[str] = Counter()
    for line in day_status(installation.connect(), YESTERDAY).instructions:
        if line.billing_type in PAYOUT_TYPES and line.status == "settled":
            paid_out[line.currency] += line.amount_minor
    amounts = [format_minor(minor, currency) for currency, minor in sorted(paid_out.items())]
    assert f"Paid out: {', '.join(amounts)}; Open:" in page
    assert "held: the club has no Stripe account" in page
    assert "enter the club's Stripe account in schema 'league' (table clubs); it then continues automatically" in page
    operator.keeps_whole("yesterday")


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize(("number", "name"), [(0, "chart_of_the_day"), (1, "chart_of_30_days")])
def test_the_pictures_are_drawn_whole_and_fit_the_window(operator: Operator, number: int, name: str) -> None:
    operator.goes_to(f"/assets/settled_payouts?view=partitions&partition={YESTERDAY}")
    operator.waits_for("chart_of_the_day", "chart_of_30_days")
    image = operator.opens_picture(number)
    operator.keeps(name)
    assert operator.hidden_px(image) <= 0
    assert operator.is_in_window(operator.finds("//button[normalize-space(.)='Close']"))


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("asset", ASSETS)
def test_each_asset_says_what_it_is_and_whose(operator: Operator, asset: str) -> None:
    operator.goes_to(f"/assets/{asset}")
    columns = ["Column name", "The fee in minor units"] if asset == "matches" else []
    operator.waits_for("Latest check results", "Owners", "finance-operations", "summary", "pay_out_day", *columns)
    operator.keeps_whole(f"asset_{asset}")


def test_a_failing_check_says_what_is_wrong_and_what_to_do_and_stops_the_day(
    operator: Operator, installation: World, wrong_day: date, wrong_run: str
) -> None:
    operator.goes_to(wrong_run)
    operator.waits_for("Failure", "1 blocking asset check failed with ERROR severity")
    operator.keeps("failed_run")
    operator.goes_to("/assets/matches")
    operator.clicks("Checks")
    operator.clicks("each_fee_once")
    operator.waits_for("This is a blocking asset check.", "Correct the line-up or the view of schema 'league'")
    operator.keeps("check")
    operator.clicks("Execution history")
    operator.waits_for(
        "Failed", str(wrong_day), "1 fee is in the snapshot twice", "Nothing is booked until that is fixed."
    )
    operator.keeps("failing_check")
    assert wrong_day not in booked_days(installation.connect())


def test_schedule_and_sensors_are_on(operator: Operator) -> None:
    operator.goes_to("/automation")
    operator.waits_for(*AUTOMATIONS)
    for name in AUTOMATIONS:
        operator.waits_for_switch(name)
    operator.keeps("automation")


def test_a_week_is_backfilled_in_one_run(operator: Operator, week: str) -> None:
    operator.goes_to(week)
    page = operator.waits_for("Status\nSucceeded")
    assert page.count("100% completed\n7\n0\n7\n0") == len(ASSETS)
    operator.keeps("backfill")
