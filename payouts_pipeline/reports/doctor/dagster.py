"""Dagster: its storage, and what `dagster.yaml` needs."""

import re
from collections.abc import Iterator

from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.reports.queries import sql

_OF_ENVIRONMENT = re.compile(r"^\s*env:\s*['\"]?(\w+)", re.MULTILINE)


def storage(setup: Setup) -> Iterator[Diagnosis]:
    """Whether it can be reached, and has its tables or can get them."""
    subject = "Dagster's storage"
    with setup.dagster() as connection:
        ((has_tables, may_create),) = connection.execute(sql("dagster_storage")).fetchall()
        in_the_way = dict(connection.execute(sql("in_dagsters_way")).fetchall())
    if in_the_way.pop("default_transaction_read_only", None):
        to_do = "name the primary, or reset default_transaction_read_only."
        yield problem(subject, "it is read-only for this login", to_do)
    if in_the_way:
        found = f"its login has {', '.join(map(' = '.join, in_the_way.items()))}, which Dagster's own processes go by"
        yield warning(subject, found, "'alter role ... reset' that, so that none of theirs is ended or turned away.")
    if has_tables:
        yield ok(subject, "it has Dagster's tables")
    elif may_create:
        yield ok(subject, "it is empty; Dagster makes its tables at its first start")
    else:
        found = "it is empty, and the login of DAGSTER_DATABASE_URL may not make Dagster's tables"
        yield problem(subject, found, "grant it create on the schema.")


def instance(setup: Setup) -> Iterator[Diagnosis]:
    """Whether every variable is set that the file refers to: without one nothing of Dagster starts."""
    subject, path = "dagster.yaml", setup.dagster_yaml
    if not path.is_file():
        found = f"there is no {path.name} in {path.parent}"
        yield problem(subject, found, "copy this project's there, or set DAGSTER_HOME to the folder that has it.")
        return
    wanted = sorted(set(_OF_ENVIRONMENT.findall(path.read_text("utf-8"))))
    missing = [name for name in wanted if not setup.environment.get(name)]
    if missing:
        yield problem(subject, f"it refers to {', '.join(missing)}, which is not set", "set it, or change the file.")
    else:
        yield ok(subject, f"all that it refers to is set: {', '.join(wanted) or 'nothing'}")
