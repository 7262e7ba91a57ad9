"""Yesterday of the sample season, from line-ups to settled payouts, held against the league and Stripe's journal."""

from collections import Counter
from urllib.parse import urlsplit

import pytest
from dagster_shared.serdes import serialize_value

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin, JournalRow
from payouts_tests.support import oracle
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.ledger_steps import fingerprint, violations
from payouts_tests.support.materialising import day_by_day
from payouts_tests.support.reasons import reasons
from payouts_tests.support.worlds import ASSETS, YESTERDAY, World, Worlds

CURRENCIES = {"AUD", "EUR", "JPY", "KWD"}

Money = Counter[tuple[str, str]]  # minor units by whoever it is at Stripe, and currency


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> World:
    """An installation whose yesterday was materialised once."""
    made = worlds.make("whole_season")
    assert day_by_day(made, [YESTERDAY]).success
    return made


@pytest.fixture(scope="module")
def database(world: World) -> Connection:
    return world.connect()


@pytest.fixture(scope="module")
def emulator(world: World) -> EmulatorAdmin:
    return world.emulator()


@pytest.fixture(scope="module")
def journal(world: World, emulator: EmulatorAdmin) -> list[JournalRow]:
    return emulator.journal()


@pytest.fixture(scope="module")
def fees(database: Connection) -> list[oracle.Fee]:
    """The fees of the day as the league alone has them."""
    return oracle.fees_of_day(database, YESTERDAY, SYDNEY)[0]


def moved(journal: list[JournalRow], kind: str) -> Money:
    money: Money = Counter()
    for row in journal:
        if row.kind == kind:
            money[str(row.customer if kind == "charge" else row.destination), row.currency.upper()] += row.amount
    return money


def by_currency(money: Money) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (_, currency), amount_minor in money.items():
        sums[currency] += amount_minor
    return sums


def stripe_ids(database: Connection, table: str, column: str) -> dict[int, str]:
    """Who of a table of the league is whom at Stripe."""
    query = f"select id, {column} from league.{table} where {column} is not null"  # noqa: S608
    return dict(database.execute(query).fetchall())


def collected(database: Connection, fees: list[oracle.Fee], journal: list[JournalRow]) -> list[oracle.Fee]:
    """The fees of the players whose customers were charged."""
    charged = moved(journal, "charge")
    customers = stripe_ids(database, "players", "stripe_customer_id")
    return [fee for fee in fees if (customers.get(fee.player_id, ""), fee.currency) in charged]


def test_each_player_was_charged_once_for_all_fees(
    database: Connection, fees: list[oracle.Fee], journal: list[JournalRow]
) -> None:
    customers = stripe_ids(database, "players", "stripe_customer_id")
    owed: Money = Counter()
    for fee in fees:
        owed[customers.get(fee.player_id, "nobody"), fee.currency] += fee.amount_minor
    charged = moved(journal, "charge")
    assert len(charged) == sum(row.kind == "charge" for row in journal)
    assert charged.items() <= owed.items()
    # A card without funds, a stolen card, and a player that Stripe does not know.
    assert len(owed) - len(charged) == 3


def test_what_was_collected_is_what_everyone_gets_to_the_minor_unit(
    database: Connection, fees: list[oracle.Fee], journal: list[JournalRow]
) -> None:
    sums: Counter[tuple[str, str]] = Counter()
    for fee in collected(database, fees, journal):
        for (subject, _), amount_minor in fee.shares.items():
            sums[fee.currency, subject] += amount_minor
    charged = by_currency(moved(journal, "charge"))
    assert set(charged) == CURRENCIES
    for currency in CURRENCIES:
        subjects = ("club", "organiser", "partner", "platform")
        assert charged[currency] == sum(sums[currency, subject] for subject in subjects)
        assert all(sums[currency, subject] > 0 for subject in subjects)


def test_each_payee_got_its_shares_of_collected_fees_in_one_transfer(
    database: Connection, fees: list[oracle.Fee], journal: list[JournalRow]
) -> None:
    accounts = {
        kind: stripe_ids(database, f"{kind}s", "stripe_account_id") for kind in ("club", "organiser", "partner")
    }
    due: Money = Counter()
    for fee in collected(database, fees, journal):
        for (subject, subject_id), amount_minor in fee.shares.items():
            if amount_minor and subject_id in accounts.get(subject, {}):
                due[accounts[subject][subject_id], fee.currency] += amount_minor
    assert moved(journal, "transfer") == due
    assert len(due) == sum(row.kind == "transfer" for row in journal)


def test_the_journal_moved_what_the_ledger_says_is_settled(database: Connection, journal: list[JournalRow]) -> None:
    settled = database.execute(
        "select currency, sum(amount_minor) filter (where billing_type = 'player_charge')::bigint,"
        " sum(amount_minor) filter (where billing_type <> 'player_charge')::bigint"
        " from payouts.instructions where status = 'settled' group by currency"
    ).fetchall()
    charged, paid = by_currency(moved(journal, "charge")), by_currency(moved(journal, "transfer"))
    assert sorted(settled) == sorted((currency, charged[currency], paid[currency]) for currency in CURRENCIES)
    assert {row.transfer_group for row in journal} == {
        row[0] for row in database.execute("select id::text from payouts.instructions where status = 'settled'")
    }


def test_all_that_has_not_settled_says_why(database: Connection) -> None:
    assert [each for each in reasons(database) if each[1] != "settled"] == [
        ("club_payout", "held", "the club has no Stripe account"),
        ("player_charge", "held", "the player has no Stripe customer"),
        ("player_charge", "rejected", "the card was reported stolen: the player needs another card"),
        ("player_charge", "waiting", "the card does not have enough funds; it is tried again after a day"),
    ]


def test_every_fee_is_booked_or_held_out(database: Connection, fees: list[oracle.Fee]) -> None:
    held_out = oracle.fees_of_day(database, YESTERDAY, SYDNEY)[1]
    booked = {row[0] for row in database.execute("select match_player_id from payouts.fees")}
    assert booked == {fee.match_player_id for fee in fees}
    assert {row[0] for row in database.execute("select match_player_id from payouts.held_out")} == held_out
    assert held_out


def test_the_ledger_breaks_no_rule(database: Connection) -> None:
    assert violations(database) == {}


@pytest.mark.parametrize("assets", [ASSETS, *((asset,) for asset in ASSETS)], ids=["all", *ASSETS])
def test_materialising_again_changes_nothing(
    world: World, database: Connection, emulator: EmulatorAdmin, assets: tuple[str, ...]
) -> None:
    before = fingerprint(database), emulator.counters(), emulator.journal()
    result = day_by_day(world, [YESTERDAY], assets)
    assert result.success
    assert (fingerprint(database), emulator.counters(), emulator.journal()) == before
    for asset in set(assets) & {"collected_fees", "settled_payouts"}:
        [materialization] = result.asset_materializations_for_node(asset)
        shown = {name: figure.value for name, figure in materialization.metadata.items() if "changed" in name}
        assert shown == {
            "changed_fee_components": 0,
            "changed_instructions": 0,
            "changed_messages": 0,
            "changed_provider_calls": 0,
        }


def test_no_message_is_left_over(world: World) -> None:
    sqs = world.client("sqs")
    urls = [url for url in sqs.list_queues()["QueueUrls"] if world.environment["PAYOUTS_STACK"] in url]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    depths = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls]
    assert len(urls) == 2 * len(BillingType)
    assert all(int(depth[name]) == 0 for depth in depths for name in names)


def test_no_secret_is_in_what_dagster_keeps_of_a_run(world: World) -> None:
    result = day_by_day(world, [YESTERDAY])
    kept = serialize_value([*result.all_events, result.dagster_run])
    password = urlsplit(world.environment["PAYOUTS_DATABASE_URL"]).password
    assert password
    for secret in (password, world.environment["STRIPE_API_KEY"]):
        assert secret not in kept
