"""A year of days in ranged runs, held against a range of four assets that do nothing, and against a day by itself.

PAYOUTS_BENCH_DAYS=30 measures fewer days.
"""

import os
from datetime import UTC, date, datetime, timedelta

from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.settings import Calendar
from payouts_tests.bench.small_day import PAYOUTS, TRIVIAL, installation, own_environment, took

DAYS = int(os.environ.get("PAYOUTS_BENCH_DAYS", "365"))
FEES = 22
# The sample season is of the weeks before today.
_BEFORE_THE_SEASON = timedelta(days=100)

# One match a day, of players of the sample season, in one of its competitions.
_MATCHES = """
insert into league.matches (id, competition_id, kicked_off_at, status)
select n, (select min(id) from league.competitions where id in (
        select competition_id from league.fee_structures where currency = 'EUR' and effective_from < %(first)s
    )), (%(first)s::date + n + time '15:00') at time zone %(timezone)s, 'played'
from generate_series(0, %(days)s - 1) as n
"""
_LINE_UPS = """
with players as (
    select id, row_number() over (order by id) - 1 as number, count(*) over () as players
    from league.players
    where club_id is not null
)
insert into league.match_players (id, match_id, player_id, club_id)
select n * %(fees)s + (p.number + n * 7) %% p.players, n, p.id, null
from generate_series(0, %(days)s - 1) as n
join players as p on (p.number + n * 7) %% p.players < %(fees)s
"""


def run() -> None:
    """Print the seconds and the ratios."""
    calendar = Calendar.from_environment()
    first_day = yesterday(datetime.now(UTC), calendar.timezone) - _BEFORE_THE_SEASON - timedelta(days=DAYS)
    days = str(first_day), "--to", str(first_day + timedelta(days=DAYS - 1))
    print(f"\n{DAYS} days of {FEES} fees, booked and settled in ranged runs")
    with installation() as folder:
        own = {**own_environment(folder), "PAYOUTS_START_DATE": str(first_day - timedelta(days=1))}
        _play(own["PAYOUTS_DATABASE_URL"], first_day, calendar.timezone.key)
        nothing_s = took(folder, [*TRIVIAL, days[0], days[2]], own).wall_s
        settled_s = took(folder, [PAYOUTS, "run", *days], own).wall_s
        unchanged_s = took(folder, [PAYOUTS, "run", *days], own).wall_s
        alone_s = took(folder, [PAYOUTS, "run", str(first_day)], own).wall_s
    print(f"  booked and settled {settled_s:7.1f} s, {1000 * settled_s / DAYS:5.0f} ms a day")
    print(f"  again, unchanged   {unchanged_s:7.1f} s, {1000 * unchanged_s / DAYS:5.0f} ms a day")
    print(f"  four assets that do nothing, as many days: {nothing_s:.1f} s")
    print(f"  unchanged to that {unchanged_s / nothing_s:.2f}; to as many processes {unchanged_s / DAYS / alone_s:.2f}")


def _play(url: str, first_day: date, timezone: str) -> None:
    """Add the days to the league of the sample season."""
    played = {"first": first_day, "days": DAYS, "fees": FEES, "timezone": timezone}
    with open_connection(url) as connection:
        connection.execute(_MATCHES, played)
        connection.execute(_LINE_UPS, played)
