"""A migration that was released is never changed again: what comes later is another one."""

from payouts_pipeline.ledger.migrate import checksum, migrations

# Name and checksum of each released migration: `python -m payouts_tests.unit.test_frozen_migrations` prints the lines.
FROZEN: dict[str, str] = {
    "0001_ledger.sql": "f3a011fa0a02f2c06526b5dfd2681ed4ca932e091919aec3a5f593ea201adeb8",
}


def test_released_migrations_are_what_they_were() -> None:
    assert FROZEN.items() <= {name: checksum(text) for name, text in migrations().items()}.items()


def test_nothing_comes_before_what_is_released() -> None:
    assert list(migrations())[: len(FROZEN)] == sorted(FROZEN)


if __name__ == "__main__":
    for migration, its_text in migrations().items():
        print(f'    "{migration}": "{checksum(its_text)}",')
