"""`payouts up` and `payouts down`: the embedded parts without a command that uses them, for a plain `dg dev`."""

import os
from collections.abc import Callable, Collection, Mapping

from payouts_pipeline.local import embedded as services
from payouts_pipeline.local import env_file
from payouts_pipeline.local.environment import Need, env_path, state_dir
from payouts_pipeline.local.instance import prepare_instance


def keep(embedded: Collection[Need], before: Mapping[str, str], report: Callable[[str], None]) -> None:
    """Have the parts stay, and write into `.env` what Dagster must know of them.

    That is what starting them has added to the environment as it was ``before``: nothing that the user has set.
    """
    prepare_instance()
    added = {name: value for name, value in os.environ.items() if before.get(name) != value}
    if embedded:
        services.keep(state_dir())
    if env_file.write_block(env_path(), added):
        report(f"{env_path()} holds passwords now, so that only you can read it")
    report(f"wrote {len(added)} variables into {env_path()}; your own lines in it are as they were")


def end(report: Callable[[str], None]) -> None:
    """Stop the parts, whoever uses them, and take our lines out of `.env`."""
    stopped = services.stop(state_dir())
    env_file.remove_block(env_path())
    report("the embedded parts are stopped; their data stays" if stopped else "no embedded parts were running")
