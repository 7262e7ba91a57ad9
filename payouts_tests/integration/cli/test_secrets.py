"""No key and no password is in what a command prints, or in what Dagster keeps of its run."""

import pytest

from payouts_pipeline import settings
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import open_connection
from payouts_tests.support.command_line import payouts
from payouts_tests.support.worlds import YESTERDAY, World

SECRET = "hush0123456789"
KEPT = "select event from event_logs union all select run_body from runs"


def require_silence(world: World, said: str) -> None:
    """Nothing of the secret, printed or kept."""
    assert SECRET not in said
    with open_connection(world.environment["DAGSTER_DATABASE_URL"]) as dagster:
        assert [row for (row,) in dagster.execute(KEPT) if SECRET in row] == []
    assert [file for file in world.folder.rglob("*") if file.is_file() and SECRET in file.read_text("latin-1")] == []


@pytest.mark.parametrize("command", [["run", YESTERDAY, "--json"], ["worker", "--drain"], ["verify", "--provider"]])
@pytest.mark.parametrize("key", [f"sk_test_{SECRET}\n", f" sk_test_{SECRET}", f"sk_test_{SECRET}\x07", f"“{SECRET}”"])
def test_a_key_that_cannot_be_one_is_named_and_not_shown(world: World, command: list[object], key: str) -> None:
    done = payouts(world.but(STRIPE_API_KEY=key), *command)
    assert done.returncode == 1
    assert "STRIPE_API_KEY has a blank, a line break" in done.stdout + done.stderr
    require_silence(world, done.stdout + done.stderr)


@pytest.mark.parametrize("command", [["run", YESTERDAY], ["worker", "--drain"]])
def test_a_key_that_is_refused_is_not_shown(world: World, command: list[object]) -> None:
    done = payouts(world.but(STRIPE_API_KEY=f"sk_test_{SECRET}"), *command)
    assert done.returncode == 1
    assert "STRIPE_API_KEY" in done.stderr
    require_silence(world, done.stdout + done.stderr)


@pytest.mark.parametrize("variable", ["PAYOUTS_DATABASE_URL", "PAYOUTS_SOURCE_URL"])
@pytest.mark.parametrize("command", [["run", YESTERDAY], ["worker", "--drain"], ["status"]])
def test_a_database_url_that_cannot_be_read_is_named_and_not_shown(
    world: World, variable: str, command: list[object]
) -> None:
    done = payouts(world.but(**{variable: f"postgresql://payer:{SECRET}/{SECRET}@127.0.0.1:1/name"}), *command)
    require_silence(world, done.stdout + done.stderr)
    if variable == "PAYOUTS_DATABASE_URL" or command[0] == "run":
        assert done.returncode == 1
        assert variable in done.stderr


@pytest.mark.parametrize(
    "key", ["sk_test_1\n", "sk_test_1\r", "\tsk_test_1", "sk_test 1", "sk_test_\u200b1", "sk_test_é"]
)
def test_what_is_in_no_key_is_refused(key: str) -> None:
    with pytest.raises(PayoutsError, match="STRIPE_API_KEY has a blank"):
        settings.stripe_api_key({"STRIPE_API_KEY": key})
