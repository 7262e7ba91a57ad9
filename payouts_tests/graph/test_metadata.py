"""What the pages of the assets say: descriptions, columns, and the figures of `matches` and `splits` for each day."""

from typing import Any

import dagster as dg
import pandas as pd
import pytest

from payouts_pipeline.defs.metadata import MOST_ROWS, of_fees, of_splits
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league.reader import fees_of_day
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.activity import of_day
from payouts_tests.support.definitions_for_tests import asset_nodes, definitions
from payouts_tests.support.leagues import DAY, SYDNEY, League


@pytest.fixture
def fees(league: League, source: Connection) -> Batches:
    """Two fees in euros, one in yen, and two without terms."""
    euros, yen = league.priced(1_250), league.priced(800, "JPY")
    match = league.match(euros, DAY)
    league.plays(match, league.player())
    league.plays(match, league.player())
    league.plays(league.match(yen, DAY), league.player())
    for _ in range(2):
        league.plays(league.match(league.competition(), DAY), league.player())
    return fees_of_day(source, DAY, SYDNEY)


def table(shown: Any) -> list[dict[str, Any]]:
    assert isinstance(shown, dg.TableMetadataValue)
    return [dict(record.data) for record in shown.records]


def test_every_asset_tells_an_operator_what_it_is_for() -> None:
    nodes = asset_nodes(definitions())
    assert {name: str(node.description).split("**")[1] for name, node in nodes.items()} == {
        "matches": "Who played, and what each owes:",
        "splits": "Whose each cent of the fees is:",
        "collected_fees": "What was collected:",
        "settled_payouts": "What was paid out:",
        "stripe_activity": "What happened at Stripe:",
    }
    assert all("aterialise" in str(node.description) for node in nodes.values())


def test_assets_can_be_filtered_by_whether_they_move_money() -> None:
    roles = {name: node.tags["payouts/role"] for name, node in asset_nodes(definitions()).items()}
    assert roles == {
        "matches": "reads_league",
        "splits": "computes",
        "collected_fees": "moves_money",
        "settled_payouts": "moves_money",
        "stripe_activity": "reads_stripe",
    }


@pytest.mark.parametrize("asset", ["matches", "splits", "stripe_activity"])
def test_the_columns_shown_are_those_of_the_table(asset: str, fees: Batches, ledger: Connection) -> None:
    schema = asset_nodes(definitions())[asset].metadata["dagster/column_schema"]
    columns = schema.schema.columns if isinstance(schema, dg.TableSchemaMetadataValue) else schema.columns
    frame = {
        "matches": fees.whole(),
        "splits": split(fees).whole(),
        "stripe_activity": of_day(ledger, DAY, SYDNEY),
    }[asset]
    assert [(column.name, f"{column.type}[pyarrow]") for column in columns] == [
        (name, str(dtype)) for name, dtype in frame.dtypes.items()
    ]
    assert all(column.description for column in columns)


def test_matches_says_how_many_fees_of_how_many_matches(fees: Batches) -> None:
    shown = of_fees(fees)
    assert shown["summary"] == (
        "5 fees of 4 matches: 25.00 EUR, 800 JPY. 2 fees without valid terms: see check every_fee_has_terms."
    )
    assert (shown["dagster/partition_row_count"], shown["matches"], shown["players"]) == (5, 4, 5)
    assert (shown["fees EUR"], shown["fees JPY"]) == (25.0, 800.0)


def test_matches_lists_the_competitions_that_of_most_fees_first(fees: Batches) -> None:
    competitions = table(of_fees(fees)["competitions"])
    assert [(row["matches"], row["fees"], row["amount"]) for row in competitions] == [
        (1, 2, "25.00 EUR"),
        (1, 1, "800 JPY"),
        (1, 1, "no terms"),
        (1, 1, "no terms"),
    ]
    assert competitions[0]["competition"] == f"competition:{fees.whole()['competition_id'].mode()[0]}"


def test_splits_says_whose_the_money_is_and_what_is_held_out(fees: Batches) -> None:
    shown = of_splits(split(fees))
    assert shown["summary"] == (
        "3 fees split into 3 shares. 2 fees held out and charged to nobody: fix the cause in schema 'league' and "
        "materialise the day again."
    )
    frame = fees.whole()
    without_terms = frame[frame["terms_count"] == 0]["match_id"].sort_values()
    assert table(shown["held_out_reasons"]) == [
        {
            "fees": 2,
            "why": "the competition has no terms for this day",
            "of": ", ".join(f"match:{match}" for match in without_terms),
        }
    ]


def test_when_nothing_is_held_out_it_says_so(fees: Batches) -> None:
    shown = of_splits(split(fees.map(lambda frame: frame[frame["terms_count"] == 1])))
    assert shown["summary"] == "3 fees split into 3 shares; none is held out."
    assert shown["held_out_reasons"] == "none"


def test_a_day_without_matches_says_that_there_were_none(league: League, source: Connection) -> None:
    league.plays(league.match(league.priced(), DAY, status="postponed"), league.player())
    fees = fees_of_day(source, DAY, SYDNEY)
    assert of_fees(fees)["summary"] == "No match was played on this day, so there are no fees."
    assert of_splits(split(fees))["summary"] == "No match was played on this day, so there is nothing to split."
    assert (of_fees(fees)["competitions"], of_splits(split(fees))["held_out_reasons"]) == ("none", "none")


def test_a_long_list_ends_with_how_many_are_not_shown(fees: Batches) -> None:
    many = pd.concat([fees.whole().head(1).assign(competition_id=number) for number in range(MOST_ROWS + 3)])
    competitions = table(of_fees(Batches.of(many))["competitions"])
    assert len(competitions) == MOST_ROWS + 1
    assert competitions[-1] == {"competition": "and 3 more", "matches": "", "fees": "", "amount": ""}
