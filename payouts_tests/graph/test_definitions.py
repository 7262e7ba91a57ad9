"""What Dagster loads: it needs no environment, reaches for nothing, and shows no secret."""

import subprocess
import sys

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.check_catalogue import (
    COLLECTED_FEES,
    MATCHES,
    SETTLED_PAYOUTS,
    SPLITS,
    STRIPE_ACTIVITY,
    WARN,
)
from payouts_pipeline.defs.external_assets import STRIPE
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.contract import NEEDED
from payouts_tests.support.definitions_for_tests import asset_nodes, check_specs, definitions
from payouts_tests.support.worlds import ASSETS

# Every connection of this process would be refused, and with it the definitions.
_LOAD = """
import socket

def refuse(*arguments):
    raise AssertionError(f"a connection to {arguments}")

socket.socket.connect = socket.create_connection = refuse
from payouts_pipeline.definitions import defs

repository = defs().get_repository_def()
print(",".join(sorted(key.to_user_string() for key in repository.asset_graph.get_all_asset_keys())))
"""

BLOCKING = {
    ("matches", "each_fee_once"),
    ("splits", "shares_equal_fees"),
    ("splits", "no_negative_share"),
    ("collected_fees", "booked_equals_split"),
    ("collected_fees", "ledger_sums_to_zero"),
}
# Wrong totals that come to light when the money has moved.
TOO_LATE_TO_BLOCK = {
    ("settled_payouts", "instructions_equal_account_movements"),
    ("settled_payouts", "nobody_paid_from_uncollected_fees"),
    ("settled_payouts", "ledger_sums_to_zero"),
    ("settled_payouts", "audit"),
    ("stripe_activity", "each_movement_once"),
    ("stripe_activity", "provider_balance"),
}
WARNINGS = {
    ("matches", "every_fee_has_terms"),
    ("matches", "every_match_has_line_up"),
    ("matches", "league_keeps_its_contract"),
    ("splits", "no_fee_held_out"),
    ("collected_fees", "no_change_waits"),
    ("collected_fees", "no_match_on_another_day"),
    ("collected_fees", "fees_in_usual_band"),
    ("collected_fees", "every_charge_settled"),
    ("settled_payouts", "every_payout_settled"),
    ("settled_payouts", "no_old_balance"),
    ("settled_payouts", "no_unknown_outcome"),
    ("settled_payouts", "nothing_over_age"),
    ("settled_payouts", "no_dead_letters"),
    ("stripe_activity", "every_movement_booked"),
    ("stripe_activity", "nothing_unknown"),
}


def test_they_load_without_environment_and_without_a_connection() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOAD], env={}, capture_output=True, text=True, check=False)
    names = loaded.stdout.strip().split(",")
    assert {name for name in names if "/" not in name} == set(ASSETS), loaded.stderr


def test_a_chain_of_assets_in_one_group_with_owners() -> None:
    nodes = asset_nodes(definitions())
    parents = {name: {key.to_user_string() for key in node.parent_keys} for name, node in nodes.items()}
    assert {name: of & nodes.keys() for name, of in parents.items()} == {
        "matches": set(),
        "splits": {"matches"},
        "collected_fees": {"splits"},
        "settled_payouts": {"collected_fees"},
        "stripe_activity": {"settled_payouts"},
    }
    assert {node.group_name for node in nodes.values()} == {"payouts"}
    assert all(node.owners and node.kinds and node.description for node in nodes.values())
    of_stripe = {name for name, node in nodes.items() if "stripe" in node.kinds}
    assert of_stripe == {"collected_fees", "settled_payouts", "stripe_activity"}


def test_league_and_stripe_complete_the_lineage() -> None:
    graph = definitions().resolve_asset_graph()
    external = {key: graph.get(key) for key in graph.get_all_asset_keys() if not graph.get(key).is_executable}
    assert {key.path[-1] for key in external if key.path[0] == "league"} == set(NEEDED)
    read = {parent for name in ASSETS for parent in graph.get(dg.AssetKey(name)).parent_keys}
    assert set(external) <= read, "each is read by one of ours"
    assert graph.get(STRIPE).parent_keys == {dg.AssetKey("collected_fees"), dg.AssetKey("settled_payouts")}
    assert all(node.description and node.kinds for node in external.values())


def test_all_assets_and_checks_are_on_the_configured_days() -> None:
    defs = definitions("Europe/London", "2026-03-01")
    expected = dg.DailyPartitionsDefinition("2026-03-01", timezone="Europe/London")
    assert [node.partitions_def for node in asset_nodes(defs).values()] == [expected] * len(ASSETS)
    assert {spec.partitions_def for spec in check_specs(defs).values()} == {expected}


def test_many_days_are_backfilled_in_few_runs() -> None:
    policies = {node.backfill_policy for node in asset_nodes(definitions()).values()}
    assert policies == {dg.BackfillPolicy.multi_run(max_partitions_per_run=31)}


def test_wrong_amounts_block_and_the_rest_is_shown() -> None:
    specs = check_specs(definitions())
    assert set(specs) == BLOCKING | TOO_LATE_TO_BLOCK | WARNINGS
    assert {key for key, spec in specs.items() if spec.blocking} == BLOCKING
    assert all("If it fails, " in str(spec.description) for spec in specs.values())
    catalogues = (MATCHES, SPLITS, COLLECTED_FEES, SETTLED_PAYOUTS, STRIPE_ACTIVITY)
    severities = {(checks.asset, check.name): check.severity for checks in catalogues for check in checks.all}
    assert {key for key, severity in severities.items() if severity == WARN} == WARNINGS


def test_what_moves_money_and_what_reads_whole_days_are_in_a_pool_each() -> None:
    pools = {name: node.pools for name, node in asset_nodes(definitions()).items()}
    assert pools == {
        "matches": {"ledger"},
        "splits": {"ledger"},
        "collected_fees": {"payments"},
        "settled_payouts": {"payments"},
        "stripe_activity": {"ledger"},
    }


# Dagster's own snapshot still reads a property that it deprecates.
@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning")
def test_what_dagster_shows_of_the_definitions_has_no_secret() -> None:
    secrets = {
        "PAYOUTS_DATABASE_URL": "postgresql://payer:pass-of-ledger@ledger/payouts",
        "PAYOUTS_SOURCE_URL": "postgresql://reader:pass-of-league@league/club",
        "STRIPE_API_KEY": "sk_live_never_to_be_seen",
        "STRIPE_API_BASE": "http://stripe.example",
        "AWS_SECRET_ACCESS_KEY": "secret-of-aws",
    }
    snapshot = serialize_value(RepositorySnap.from_def(build_defs(secrets).get_repository_def()))
    for secret in ("pass-of-ledger", "pass-of-league", "sk_live", "secret-of-aws"):
        assert secret not in snapshot


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PAYOUTS_TIMEZONE", "Mars/Olympus"),
        ("PAYOUTS_START_DATE", "yesterday"),
        ("PAYOUTS_WORKERS", "many"),
        ("PAYOUTS_FLEET_TIMEOUT_S", "soon"),
        ("PAYOUTS_MINIMUM_PAYOUT", "{'EUR': 5}"),
        ("PAYOUTS_CORRECTION_WINDOW_DAYS", "a month"),
        ("PAYOUTS_CORRECTION_WINDOW_DAYS", "367"),
        ("PAYOUTS_SYNC_EVERY_S", "often"),
        ("PAYOUTS_ALERT_TOPIC_ARN", "alerts"),
        ("PAYOUTS_UI_URL", "dagster.example.com"),
    ],
)
def test_a_malformed_variable_is_named_when_they_load(variable: str, value: str) -> None:
    with pytest.raises(PayoutsError, match=variable):
        build_defs({variable: value})
