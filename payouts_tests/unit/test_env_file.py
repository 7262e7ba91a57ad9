"""The file `.env`: what we write reads back as it was, nobody else can read it, and the user's lines are the user's."""

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local import env_file

OWN = "# mine\nPAYOUTS_TIMEZONE=Europe/Rome\n\nA='b # c'"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.mark.parametrize("value", ["", "plain", "with space", "#", "a=b", "it's", "$HOME", "back\\slash\\'", '"'])
def test_what_is_written_reads_back_as_it_was_by_us_and_by_dagster(path: Path, value: str) -> None:
    env_file.write_block(path, {"NAME": value, "OTHER": "1"})
    assert env_file.block(path) == {"NAME": value, "OTHER": "1"}
    assert dotenv_values(path) == {"NAME": value, "OTHER": "1"}


def test_own_lines_stay_and_only_the_block_changes(path: Path) -> None:
    path.write_text(OWN)
    for value in ("1", "2"):
        env_file.write_block(path, {"NAME": value})
        assert env_file.own_text(path).rstrip("\n") == OWN
        assert dotenv_values(path) == {"PAYOUTS_TIMEZONE": "Europe/Rome", "A": "b # c", "NAME": value}
    env_file.remove_block(path)
    assert path.read_text().rstrip("\n") == OWN


def test_lines_after_the_block_are_own_lines_too(path: Path) -> None:
    env_file.write_block(path, {"NAME": "1"})
    path.write_text(f"{path.read_text()}LATER=2\n")
    assert env_file.own_text(path) == "LATER=2\n"
    env_file.remove_block(path)
    assert path.read_text() == "LATER=2\n"


def test_only_the_owner_can_read_it_and_hears_when_that_is_new(path: Path) -> None:
    path.write_text(OWN)
    path.chmod(0o644)
    assert env_file.write_block(path, {"NAME": "1"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not env_file.write_block(path, {"NAME": "1"})


def test_a_file_that_held_nothing_else_goes_with_the_block(path: Path) -> None:
    assert env_file.own_text(path) == ""
    env_file.write_block(path, {"NAME": "1"})
    env_file.remove_block(path)
    assert not path.exists()
    env_file.remove_block(path)


def test_a_file_without_a_block_is_not_touched(path: Path) -> None:
    path.write_text("  \n")
    env_file.remove_block(path)
    assert path.read_text() == "  \n"


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "shared.env"
    elsewhere.write_text("A=1\n")
    path.symlink_to(elsewhere)
    env_file.write_block(path, {"NAME": "1"})
    assert path.is_symlink()
    assert dotenv_values(elsewhere) == {"A": "1", "NAME": "1"}


def test_a_block_without_an_end_is_not_guessed_at(path: Path) -> None:
    env_file.write_block(path, {"NAME": "1"})
    path.write_text(path.read_text().replace("# <<<", "# "))
    with pytest.raises(PayoutsError, match="is missing"):
        env_file.write_block(path, {"NAME": "2"})
