"""Words in another spelling are read, and said; a word that nobody knows counts as nothing, and is said."""

from datetime import UTC, datetime, timedelta

import pytest

from payouts_pipeline.defs.check_catalogue import MATCHES, MatchesOfDay
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.findings import Finding
from payouts_pipeline.domain.reasons import HeldOutCode
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.queries import Queries
from payouts_pipeline.reports.explain.league_now import LeagueNow, MatchName
from payouts_pipeline.workflow import due
from payouts_pipeline.workflow.preview import preview
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import book, fingerprint, ids, instructions, materialise, violations

SPELLINGS = ["PLAYED", "Played", " played ", "\tplayed\n", "pLaYeD"]


@pytest.fixture(autouse=True)
def any_word(league: League) -> None:
    """As an operator's own tables may hold it."""
    league.connection.execute("alter table league.matches drop constraint matches_status_check")


def contract(source: Connection) -> Finding:
    fees = reader.fees_of_day(source, DAY, SYDNEY)
    return MATCHES.of(MatchesOfDay(DAY, SYDNEY, source, fees))["league_keeps_its_contract"]


def previewed(ledger: Connection, source: Connection) -> int:
    """How many movements a preview promises."""
    return len(preview(ledger, source, DAY, SYDNEY, {}, {}, ChangeLimit(None, {})).instructions)


def differs(ledger: Connection, source: Connection) -> bool:
    return due.differs(ledger, source, DAY, SYDNEY)


def state(ledger: Connection, source: Connection) -> str:
    """What the sensor of corrections goes by."""
    return due.day_states(ledger, source, DAY, DAY, SYDNEY)[DAY]


def explained(source: Connection, match: int) -> str:
    found = LeagueNow(source, SYDNEY).read(MatchName(match), None).match
    assert found
    return found.status


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_played_in_any_spelling_is_played_for_everybody_who_reads_it(
    source: Connection, ledger: Connection, league: League, spelling: str
) -> None:
    player = league.player(club := league.club())
    match = league.match(league.priced(), DAY, spelling)
    league.plays(match, player)
    assert previewed(ledger, source)
    assert explained(source, match) == "played"
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("settled", 1_000)]
    assert not differs(ledger, source)
    before, said = fingerprint(ledger), state(ledger, source)
    found = contract(source)
    assert not found.passed
    assert found.figures["read_otherwise"] == 1
    assert f"league.matches.status says {spelling!r} (id {match}), which is read as played" in found.description

    league.set("matches", match, status="played")
    assert contract(source).passed
    assert state(ledger, source) == said, "another spelling is no correction"
    materialise(ledger, source, DAY)
    assert fingerprint(ledger) == before


def test_a_match_of_an_odd_spelling_without_a_line_up_is_missed(source: Connection, league: League) -> None:
    match = league.match(league.priced(), DAY, "PLAYED")
    assert list(reader.matches_without_line_up(source, DAY, SYDNEY)["match_id"]) == [match]


@pytest.mark.parametrize("word", ["finished", "ft", "   ", "played!", "pla yed"])
def test_a_status_that_nobody_knows_pays_nothing_and_is_named(
    source: Connection, ledger: Connection, league: League, word: str
) -> None:
    player, competition = league.player(club := league.club()), league.priced()
    known = league.plays(league.match(competition, DAY), player)
    match = league.match(competition, DAY, word)
    league.plays(match, player)
    materialise(ledger, source, DAY)
    assert list(reader.fees_of_day(source, DAY, SYDNEY).whole()["match_player_id"]) == [known]
    assert instructions(ledger, "club", club) == [("settled", 1_000)]
    found = contract(source)
    assert not found.passed
    assert found.figures["unknown_words"] == 1
    assert f"league.matches.status says {word!r} (id {match})" in found.description
    assert "nothing is charged or paid for these matches" in found.description
    said = state(ledger, source)

    league.set("matches", match, status="Played")
    assert state(ledger, source) != said
    assert differs(ledger, source)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("settled", 1_000), ("settled", 1_000)]
    assert violations(ledger) == {}


def test_no_status_at_all_is_named(source: Connection, league: League) -> None:
    league.connection.execute("alter table league.matches alter status drop not null")
    match = league.match(league.priced(), DAY)
    league.connection.execute("update league.matches set status = null where id = %s", (match,))
    assert f"league.matches.status says nothing (id {match})" in contract(source).description


def test_a_match_that_was_played_at_no_time_is_named(source: Connection, league: League) -> None:
    league.connection.execute("alter table league.matches alter kicked_off_at drop not null")
    match = league.match(league.priced(), DAY, " Played")
    league.connection.execute("update league.matches set kicked_off_at = null where id = %s", (match,))
    assert f"league.matches.kicked_off_at says nothing (id {match})" in contract(source).description


@pytest.mark.parametrize("currency", ["aud", " AUD", "Aud ", "aud\t"])
def test_a_currency_in_any_spelling_is_that_currency(
    source: Connection, ledger: Connection, league: League, currency: str
) -> None:
    league.connection.execute("alter table league.fee_structures alter currency type text")
    structure = league.terms(competition := league.competition(), currency=currency)
    league.plays(league.match(competition, DAY), league.player())
    materialise(ledger, source, DAY)
    charged = ledger.execute("select distinct currency, status from payouts.instructions").fetchall()
    assert charged == [("AUD", "settled")]
    assert reader.currencies(source) == ["AUD"]
    found = contract(source)
    assert f"league.fee_structures.currency says {currency!r} (id {structure}), which is read as AUD" in (
        found.description
    )
    before = fingerprint(ledger)
    league.set("fee_structures", structure, currency="AUD")
    assert contract(source).passed
    materialise(ledger, source, DAY)
    assert fingerprint(ledger) == before


def test_blanks_that_the_type_fills_up_with_are_nothing_to_say(source: Connection, league: League) -> None:
    league.connection.execute("alter table league.matches alter status type char(20)")
    league.plays(league.match(league.priced(), DAY), league.player())
    assert contract(source).passed


@pytest.mark.parametrize("subject", ["CLUB", " club", "Club "])
def test_a_subject_in_any_spelling_is_that_subject(
    source: Connection, ledger: Connection, league: League, subject: str
) -> None:
    competition = league.priced(shares=[("club", None, 0, 4_000), (subject, None, 0, 6_000)])
    league.plays(league.match(competition, DAY), league.player(club := league.club()))
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("settled", 1_000)]
    found = contract(source)
    assert not found.passed
    assert f"league.fee_shares.billing_subject says {subject!r}" in found.description


@pytest.mark.parametrize(
    ("currency", "subject", "place", "word", "code"),
    [
        ("EUX", "club", "fee_structures.currency", "EUX", HeldOutCode.UNKNOWN_CURRENCY),
        ("EUR", "ref", "fee_shares.billing_subject", "ref", HeldOutCode.SHARE_UNKNOWN_SUBJECT),
    ],
)
def test_a_word_of_the_terms_that_nobody_knows_holds_their_fees_out(
    source: Connection,
    ledger: Connection,
    league: League,
    currency: str,
    subject: str,
    place: str,
    word: str,
    code: str,
) -> None:
    bad = league.competition()
    structure = league.terms(bad, currency=currency, shares=[(subject, None, 0, 10_000)])
    league.plays(league.match(bad, DAY), league.player())
    league.fee(league.player(), DAY)
    held_out = split(reader.fees_of_day(source, DAY, SYDNEY)).whole()["held_out_code"]
    assert list(held_out.dropna()) == [code]
    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1, "the other competition's"
    found = contract(source)
    assert f"league.{place} says {word!r} (id {structure})" in found.description
    assert "held out" in found.description


def test_terms_that_are_not_in_force_are_not_of_the_day(source: Connection, league: League) -> None:
    competition = league.priced()
    league.terms(competition, currency="EUX", effective_from=DAY + timedelta(days=1))
    league.terms(league.competition(), currency="EUX")
    league.plays(league.match(competition, DAY), league.player())
    assert contract(source).passed


def test_a_day_of_which_nobody_has_entered_a_result_is_not_a_day_without_matches(
    source: Connection, ledger: Connection, league: League
) -> None:
    competition = league.priced()
    matches = [league.match(competition, DAY, "scheduled") for _ in range(3)]
    league.match(competition, DAY, "cancelled")
    for match in matches:
        league.plays(match, league.player())
    found = contract(source)
    assert not found.passed
    assert found.description.startswith("None of the 4 matches of the day is played, and 3 are still scheduled 6 hours")
    assert (found.figures["matches"], found.figures["played"], found.figures["scheduled"]) == (4, 0, 3)
    book(ledger, source, DAY)
    assert ids(ledger) == []

    league.set("matches", matches[0], status="played")
    assert contract(source).passed
    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1


@pytest.mark.parametrize("status", ["postponed", "abandoned", "cancelled"])
def test_a_day_that_was_rained_off_is_as_it_should_be(source: Connection, league: League, status: str) -> None:
    league.match(league.priced(), DAY, status)
    assert contract(source).passed


def test_a_match_that_may_still_be_under_way_is_not_forgotten(source: Connection, league: League) -> None:
    kicked_off_at = datetime.now(UTC) - timedelta(hours=2)
    day = kicked_off_at.astimezone(SYDNEY).date()
    league.match(league.priced(), kicked_off_at, "scheduled")
    fees = reader.fees_of_day(source, day, SYDNEY)
    assert MATCHES.of(MatchesOfDay(day, SYDNEY, source, fees))["league_keeps_its_contract"].passed


def test_all_queries_that_ask_what_is_played_ask_alike() -> None:
    texts = [" ".join(text.split()) for text in Queries("payouts_pipeline.league").texts.values()]
    read = """.status::text = 'played' or lower(btrim({}.status::text, E' \\t\\r\\n') collate "C") = 'played')"""
    for text in texts:
        assert text.count("= 'played'") == 2 * sum(text.count(table + read.format(table)) for table in "md"), text
    assert sum(text.count("= 'played'") for text in texts) == 10
