"""What the pages of `collected_fees` and `settled_payouts` say of a day, in runs of one day and of many."""

import base64
import io
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster_shared.serdes import serialize_value
from PIL import Image

from payouts_pipeline.defs.io_managers import ParquetIOManager
from payouts_pipeline.defs.metadata import MOST_ROWS
from payouts_pipeline.defs.money_metadata import MoneyPage
from payouts_pipeline.defs.resources import Changes, LedgerResource, PayoutBus, StripeResource
from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingSubject, BillingType, Payee
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.reports import overview
from payouts_pipeline.reports.status import Instruction
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.workflow import give_back, operator_actions
from payouts_pipeline.workflow.give_back import Target
from payouts_pipeline.workflow.pay_day import Changed
from payouts_tests.support.definitions_for_tests import QUIET, definitions, instance
from payouts_tests.support.leagues import DAY, SYDNEY, League, ShareRow
from payouts_tests.support.ledger_steps import account, book, materialise, rejected, settle, settled, waiting
from payouts_tests.support.worlds import ASSETS

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

NEXT = DAY + timedelta(days=1)
MONEY = ("collected_fees", "settled_payouts")
FOUR: tuple[ShareRow, ...] = (("club", None, 0, 6_000), ("organiser", None, 0, 2_500), ("platform", None, 0, 1_500))


class SilentBus(PayoutBus):
    """For days that are settled as far as they go, so that nothing is published."""

    def sns(self) -> "SNSClient":
        return cast("SNSClient", None)

    def sqs(self) -> "SQSClient":
        return cast("SQSClient", None)

    def topology(self) -> Topology:
        return Topology("", {}, {})


def by_card(attempt: Attempt) -> Outcome:
    """What the provider says of the players and payees of these tests."""
    refuse = {"cus_stolen": rejected, "cus_empty": waiting}.get(str(attempt.stripe_customer_id), settled)
    return refuse(attempt)


@pytest.fixture
def day(league: League, ledger: Connection, source: Connection) -> date:
    """A day with one charge of each outcome, and one club that has no account."""
    rich = league.club()
    for customer in ("cus_good", "cus_stolen", "cus_empty", None):
        league.fee(league.player(rich, customer), DAY, 1_000, shares=FOUR)
    league.fee(league.player(league.club(account=None), "cus_other"), DAY, 20_000, "JPY", shares=FOUR)
    league.plays(league.match(league.competition(), DAY), league.player(rich))
    materialise(ledger, source, DAY, by_card)
    return DAY


@pytest.fixture
def resources(database_url: str, tmp_path: Path) -> dict[str, Any]:
    return {
        "io_manager": ParquetIOManager(storage=str(tmp_path)),
        "ledger": LedgerResource(database_url=database_url, source_url=database_url),
        "bus": SilentBus(stack="none"),
        "stripe": StripeResource(workers=0),
        "changes": Changes(),
    }


def run(resources: dict[str, Any], first_day: date, last_day: date | None = None) -> dict[tuple[str, str], Any]:
    """All assets of a day, or of a range of days in one run; the metadata of each asset and day."""
    assets = [each for each in definitions().assets or [] if isinstance(each, dg.AssetsDefinition)]
    range_tags = {
        "dagster/asset_partition_range_start": str(first_day),
        "dagster/asset_partition_range_end": str(last_day),
    }
    which: dict[str, Any] = {"tags": range_tags} if last_day else {"partition_key": str(first_day)}
    with instance() as made:
        result = dg.materialize(assets, instance=made, resources=resources, run_config=QUIET, **which)
    assert result.success
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {(event.asset_key.to_user_string(), str(event.partition)): dict(event.metadata) for event in events}


def page(ledger: Connection, *types: BillingType, timezone: ZoneInfo = SYDNEY) -> dict[str, Any]:
    return MoneyPage(ledger, types or PAYOUT_TYPES, timezone, DAY).of(DAY, Changed())


def charges(ledger: Connection) -> dict[str, Any]:
    return page(ledger, BillingType.PLAYER_CHARGE)


def summary(shown: dict[str, Any]) -> list[str]:
    return str(shown["summary"].value).split("\n\n")


def table(shown: Any) -> list[dict[str, Any]]:
    assert isinstance(shown, dg.TableMetadataValue)
    return [dict(record.data) for record in shown.records]


def image(shown: Any) -> Image.Image:
    _, _, rest = str(shown.value).partition("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(rest.removesuffix(")"))))


def test_a_range_shows_of_each_day_what_a_run_of_the_day_shows(
    day: date, league: League, ledger: Connection, source: Connection, resources: dict[str, Any]
) -> None:
    league.fee(league.player(customer="cus_next"), NEXT, 700, "EUR", shares=FOUR)
    materialise(ledger, source, NEXT, by_card)
    in_one_run = run(resources, day, NEXT + timedelta(days=1))
    for each in (day, NEXT, NEXT + timedelta(days=1)):
        alone = run(resources, each)
        assert set(alone) == {(asset, str(each)) for asset in ASSETS}
        for key, shown in alone.items():
            ranged = in_one_run[key]
            if each <= NEXT and key[0] in MONEY:
                # The one thing that differs: drawn once for a run, and the others say where.
                assert str(NEXT + timedelta(days=1)) in str(ranged.pop("chart_of_30_days").value)
                assert image(shown.pop("chart_of_30_days")).width > 100
            assert ranged == shown


def test_the_summary_of_charges_says_how_much_came_in_and_what_to_do(day: date, ledger: Connection) -> None:
    assert summary(charges(ledger)) == [
        "**2 of 5 charges went through.**",
        "**Collected:** 10.00 EUR, 20,000 JPY; **Held:** 10.00 EUR; **Refused:** 20.00 EUR.",
        "**Next actions:**",
        "- 1 charge: enter the player's Stripe customer in schema 'league' (table players); it then continues "
        "automatically\n"
        "- 1 charge: ask the player for a card that works and enter it in schema 'league' (table players); it then "
        "continues automatically; if the same card was fixed at Stripe: 'payouts retry'",
        "**Held out:** 1 fee, charged to nobody: asset `splits` says why.",
    ]


def test_the_summary_of_payouts_says_how_much_went_out_and_what_to_do(day: date, ledger: Connection) -> None:
    assert summary(page(ledger))[:4] == [
        "**3 of 4 payouts went out.**",
        "**Paid out:** 8.50 EUR, 5,000 JPY; **Open:** 25.50 EUR; **Held:** 12,000 JPY.",
        "**Next actions:**",
        "- 1 payout: enter the club's Stripe account in schema 'league' (table clubs); it then continues automatically",
    ]


def test_when_all_is_settled_there_is_nothing_to_do(league: League, ledger: Connection, source: Connection) -> None:
    league.fee(league.player(), DAY)
    materialise(ledger, source, DAY)
    assert summary(page(ledger)) == [
        "**1 payout: all went out.**",
        "**Paid out:** 10.00 EUR.",
        "**Next action:** none.",
    ]
    assert page(ledger)["open"] == "none"


def test_a_day_whose_fees_went_with_the_next_day_says_so(
    league: League, ledger: Connection, source: Connection
) -> None:
    player = league.player()
    for day, fee_minor in ((DAY, 20), (NEXT, 1_000)):
        league.fee(player, day, fee_minor)
        materialise(ledger, source, day)
    assert summary(charges(ledger))[0].startswith("**No charge of this day's own:**")
    assert summary(page(ledger))[0].startswith("**No payout of this day's own:**")
    assert summary(page(ledger))[-1] == "**Next action:** none."


def test_what_goes_on_by_itself_is_nothing_to_do(league: League, ledger: Connection, source: Connection) -> None:
    league.fee(league.player(), DAY)
    materialise(ledger, source, DAY, waiting)
    assert summary(charges(ledger))[-1] == "**Next action:** none; what is open continues automatically."
    assert summary(page(ledger))[0] == "**No payout was made yet.**"


def test_a_day_without_matches_says_so_and_draws_nothing(resources: dict[str, Any]) -> None:
    shown = run(resources, DAY)
    for asset in MONEY:
        of_asset = shown[asset, str(DAY)]
        assert "No match was played on this day" in of_asset["summary"].value
        assert of_asset["chart_of_30_days"].value == "nothing to draw: there was no money to move"
        assert (of_asset["open"].value, of_asset["status"].value) == ("none", "none")
    assert shown["settled_payouts", str(DAY)]["chart_of_the_day"].value.startswith("nothing to draw")


def test_what_is_open_names_who_why_and_what_to_do_the_most_urgent_first(day: date, ledger: Connection) -> None:
    rows = table(charges(ledger)["open"])
    assert [row["why"] for row in rows] == [
        "rejected: the card was reported stolen: the player needs another card",
        "held: the player has no Stripe customer",
        "waiting: Stripe was busy with the same account",
    ]
    players = [row["payee"].split(" ")[0].removeprefix("player:") for row in rows]
    assert [account(ledger, "player", int(player))[2] for player in players] == [1_000] * 3
    assert [row["amount"] for row in rows] == ["10.00 EUR"] * 3
    known = {str(row[0]) for row in ledger.execute("select id from payouts.instructions where status <> 'settled'")}
    assert {row["payee"].split(" ")[1] for row in rows} <= known


def test_the_next_try_is_told_in_the_time_of_the_partitions(day: date, ledger: Connection) -> None:
    ledger.execute(
        "update payouts.instructions set retry_at = %s where status = 'waiting'", (datetime(2026, 3, 8, 5, tzinfo=UTC),)
    )
    assert "(next on 2026-03-08 at 16:00)" in table(charges(ledger)["open"])[-1]["next action"]
    london = page(ledger, BillingType.PLAYER_CHARGE, timezone=ZoneInfo("Europe/London"))
    assert "(next on 2026-03-08 at 05:00)" in table(london["open"])[-1]["next action"]


def test_a_long_list_of_what_is_open_is_cut_with_a_count(
    league: League, ledger: Connection, source: Connection
) -> None:
    match = league.match(league.priced(), DAY)
    for _ in range(MOST_ROWS + 2):
        league.plays(match, league.player())
    materialise(ledger, source, DAY, rejected)
    rows = table(charges(ledger)["open"])
    assert len(rows) == MOST_ROWS + 1
    assert rows[-1] == {"payee": "and 2 more", "amount": "", "why": "", "next action": ""}


def test_the_status_has_counts_and_amounts(day: date, ledger: Connection) -> None:
    rows = {(row["status"], row["amount"]): row["count"] for row in table(charges(ledger)["status"])}
    assert rows == {
        ("settled", "10.00 EUR"): 1,
        ("settled", "20,000 JPY"): 1,
        ("rejected", "10.00 EUR"): 1,
        ("waiting", "10.00 EUR"): 1,
        ("held", "10.00 EUR"): 1,
    }


def test_amounts_can_be_plotted_by_currency(day: date, ledger: Connection) -> None:
    shown = charges(ledger)
    assert {name: value for name, value in shown.items() if "settled " in name} == {
        "settled EUR": 10.0,
        "not settled EUR": 30.0,
        "settled JPY": 20_000.0,
        "not settled JPY": 0.0,
    }


def test_the_pictures_are_there(day: date, ledger: Connection) -> None:
    assert image(page(ledger)["chart_of_the_day"]).size > (800, 200)
    assert image(page(ledger)["chart_of_30_days"]).size > (800, 200)
    assert image(charges(ledger)["chart_of_30_days"]).size > (800, 200)
    assert "chart_of_the_day" not in charges(ledger)


def test_a_picture_that_cannot_be_drawn_fails_no_day(
    day: date, resources: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    shown = run(resources, day)["settled_payouts", str(day)]
    assert "could not be drawn (ModuleNotFoundError)" in shown["chart_of_the_day"].value
    assert summary(shown)[0] == "**3 of 4 payouts went out.**"


def test_a_page_that_cannot_be_made_fails_no_day_and_still_says_what_was_changed(
    league: League, resources: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    league.fee(league.player(customer=None), DAY)
    monkeypatch.setattr(overview, "open_instructions", lambda *_: 1 // 0)
    shown = run(resources, DAY)
    for asset in MONEY:
        of_asset = shown[asset, str(DAY)]
        assert "could not be made (ZeroDivisionError)" in of_asset["summary"].value
        assert f"payouts status {DAY}" in of_asset["summary"].value
        assert (of_asset["changed_instructions"].value > 0) == (asset == "collected_fees")


def test_a_fleet_may_settle_the_last_charge_while_the_page_is_made(
    league: League,
    ledger: Connection,
    source: Connection,
    connect: Callable[[], Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    fleet, ask = connect(), overview.open_instructions

    def settled_meanwhile(*which: Any) -> list[Instruction]:
        settle(fleet, DAY)
        return ask(*which)

    monkeypatch.setattr(overview, "open_instructions", settled_meanwhile)
    shown = charges(ledger)
    assert shown["open"] == "none"
    assert summary(shown)[0] == "**0 of 1 charge went through.**"


def test_a_summary_of_many_currencies_and_reasons_is_short_enough_to_be_shown_at_once(
    league: League, ledger: Connection, source: Connection
) -> None:
    club = league.club()
    for currency in ("AUD", "CAD", "CHF", "EUR", "GBP", "NZD", "SEK", "USD"):
        for customer in ("cus_good", "cus_stolen", "cus_empty", None):
            league.fee(league.player(club, customer), DAY, 99_999_999, currency)
    materialise(ledger, source, DAY, by_card)
    held = league.player(club)
    league.fee(held, DAY)
    operator_actions.hold(ledger, source, Payee(BillingSubject.PLAYER, held), "test", "under review")
    materialise(ledger, source, DAY, by_card)
    said = str(charges(ledger)["summary"].value)
    assert "and 4 more currencies" in said
    assert "'payouts unhold'" in said
    # What is longer, the UI hides behind a link.
    assert len(said) < 1_000


def test_no_name_and_no_id_of_stripe_is_in_what_is_shown(day: date, league: League, resources: dict[str, Any]) -> None:
    league.connection.execute("update league.players set name = 'Erling Nobody'")
    league.connection.execute("update league.clubs set name = 'Secret United'")
    shown = serialize_value([[str(key), value] for key, value in run(resources, day).items()])
    assert "player:" in shown
    for secret in ("Nobody", "United", "cus_", "acct_", "pm_"):
        assert secret not in shown


def test_what_operators_have_given_back_is_on_the_page_of_its_asset(ledger: Connection, day: date) -> None:
    pages = {types: MoneyPage(ledger, types, SYDNEY, day) for types in ((BillingType.PLAYER_CHARGE,), PAYOUT_TYPES)}
    assert all("given_back" not in page.of(day, Changed()) for page in pages.values())
    query = (
        "select id from payouts.instructions where status = 'settled' and billing_type = 'player_charge' order by id"
    )
    charge = next(number for (number,) in ledger.execute(query))
    asked = Asked("instruction", 400, "somebody", "nobody's business")
    give_back.refund(ledger, Target(charge), asked, {})
    shown = pages[(BillingType.PLAYER_CHARGE,)].of(day, Changed())["given_back"]
    [row] = [record.data for record in shown.records]
    assert (row["billing type"], row["status"], row["amount"]) == ("charge refund", "pending", "4.00 EUR")
    assert "nobody's business" not in str(shown)
    assert "given_back" not in pages[PAYOUT_TYPES].of(day, Changed())
