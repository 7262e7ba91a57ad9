"""What is set in the environment replaces just its part; the demo never leaves the machine."""

import os

import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.environment import Need, embedded_needs, parts_to_look_at, stay_local

ALL = set(Need)


def test_everything_is_embedded_where_nothing_is_set() -> None:
    assert embedded_needs(ALL, {}) == ALL
    assert embedded_needs({Need.LEDGER}, {}) == {Need.LEDGER}


@pytest.mark.parametrize(
    ("environment", "own"),
    [
        ({"PAYOUTS_DATABASE_URL": "postgresql://x", "STRIPE_API_KEY": "sk_test_x"}, {Need.LEDGER, Need.STRIPE}),
        ({"DAGSTER_DATABASE_URL": "postgresql://x"}, {Need.DAGSTER}),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, {Need.AWS}),
        ({"AWS_PROFILE": "finance"}, {Need.AWS}),
        ({"STRIPE_API_KEY": "sk_test_x"}, {Need.STRIPE}),
        ({"STRIPE_API_KEY": "", "AWS_PROFILE": ""}, set()),
    ],
)
def test_what_is_set_replaces_just_its_part(environment: dict[str, str], own: set[Need]) -> None:
    assert embedded_needs(ALL, environment) == ALL - own


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("STRIPE_API_BASE", "STRIPE_API_KEY"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("PAYOUTS_SOURCE_URL", "PAYOUTS_DATABASE_URL"),
    ],
)
def test_a_part_that_is_set_by_half_is_refused(given: str, missing: str) -> None:
    with pytest.raises(PayoutsError, match=f"{given} is set but {missing} is not"):
        embedded_needs(ALL, {given: "x"})


def test_who_looks_is_told_of_each_part_that_is_set_wrongly_and_gets_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith(("PAYOUTS_", "STRIPE_", "AWS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    for name in ("PAYOUTS_DATABASE_URL", "DAGSTER_DATABASE_URL", "AWS_ACCESS_KEY_ID", "STRIPE_API_BASE"):
        monkeypatch.setenv(name, "x")
    with parts_to_look_at(ALL, pytest.fail) as (embedded, broken):
        assert embedded == set()
    assert {need: sentence.split(":")[0] for need, sentence in broken.items()} == {
        Need.AWS: "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not",
        Need.STRIPE: "STRIPE_API_BASE is set but STRIPE_API_KEY is not",
    }
    monkeypatch.delenv("STRIPE_API_BASE")
    with parts_to_look_at(ALL, pytest.fail) as (_, broken):
        assert "names your own ledger, but STRIPE_API_KEY is not set" in broken[Need.STRIPE]
    with parts_to_look_at(ALL - {Need.STRIPE}, pytest.fail) as (_, broken):
        assert set(broken) == {Need.AWS}


def test_live_money_never_meets_the_sample_season() -> None:
    live = {"STRIPE_API_KEY": "sk_live_secret"}
    with pytest.raises(PayoutsError, match="is a live key, but PAYOUTS_DATABASE_URL is not set") as refused:
        embedded_needs(ALL, live)
    assert "secret" not in str(refused.value)
    assert embedded_needs({Need.LEDGER}, live) == {Need.LEDGER}
    assert embedded_needs(ALL, live | {"PAYOUTS_DATABASE_URL": "postgresql://x"}) == {Need.DAGSTER, Need.AWS}


@pytest.mark.parametrize("key", [{}, {"STRIPE_API_KEY": ""}])
def test_an_own_ledger_never_meets_the_embedded_stripe(key: dict[str, str]) -> None:
    own = {"PAYOUTS_DATABASE_URL": "postgresql://x"} | key
    with pytest.raises(PayoutsError, match="names your own ledger, but STRIPE_API_KEY is not set"):
        embedded_needs(ALL, own)
    assert embedded_needs({Need.LEDGER, Need.AWS}, own) == {Need.AWS}


def test_the_demo_takes_neither_the_real_aws_nor_the_real_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_REGION": "x",
        "STRIPE_API_KEY": "sk_live_1",
    }
    for name in ("AWS_ENDPOINT_URL", "STRIPE_API_BASE", "PAYOUTS_DATABASE_URL", "DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    stay_local(said.append)
    assert embedded_needs(ALL, os.environ) == ALL
    assert not any(value in " ".join(said) for value in ("AKIA", "sk_live_1"))


def test_the_demo_takes_an_endpoint_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "STRIPE_API_BASE": "http://127.0.0.1:2",
        "STRIPE_API_KEY": "sk_test_1",
    }
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    stay_local(pytest.fail)
    assert embedded_needs({Need.AWS, Need.STRIPE}, os.environ) == set()
