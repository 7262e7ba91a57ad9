"""A source that ends a reading, as a replica does where it conflicts with what it has to replay: it is read again."""

import time
from datetime import date

import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import SYDNEY, League

DAY = date(2026, 5, 2)

# Session locks outlive what a rollback undoes, so they can count how often it was read.
_ENDS_READINGS = """
create function public.ends_readings(code text, times int) returns bool language plpgsql as $$
declare
    number int;
begin
    select count(*) into number from pg_locks
    where locktype = 'advisory' and classid = 77 and pid = pg_backend_pid();
    if number < times then
        perform pg_advisory_lock(77, number);
        raise exception 'canceling statement due to conflict with recovery' using errcode = code;
    end if;
    return true;
end $$;
alter table league.matches rename to the_matches;
"""
_VIEW = "create view league.matches as select * from league.the_matches where public.ends_readings('{}', {})"


def ends_readings(league: League, code: str, times: int) -> None:
    league.connection.execute(_ENDS_READINGS)
    league.connection.execute(_VIEW.format(code, times))


@pytest.mark.parametrize("code", ["40001", "57014", "40P01"])
def test_a_reading_that_was_ended_begins_again(league: League, source: Connection, code: str) -> None:
    league.fee(league.player(), DAY)
    whole = reader.fees_of_day(source, DAY, SYDNEY).whole()
    ends_readings(league, code, 2)
    again = reader.fees_of_day(source, DAY, SYDNEY).whole()
    assert len(again) == 1
    assert again.equals(whole)


def test_one_that_is_always_ended_is_said(league: League, source: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    league.fee(league.player(), DAY)
    ends_readings(league, "40001", 1_000)
    with pytest.raises(
        PayoutsError, match=r"5 times \(canceling statement due to conflict with recovery\): on a replica"
    ):
        reader.fees_of_day(source, DAY, SYDNEY)
