"""`payouts explain` and `payouts status --instructions` as support uses them, on a database and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from payouts_pipeline.cli.main import main
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import fingerprint, ids, materialise, settled, waiting

NEXT = DAY + timedelta(days=1)
# What must never be shown: names, and what leads to a customer, a card or an account.
BUSY = "Stripe was busy with the same account"
PERSONAL = ("Lovelace", "cus_", "pm_", "acct_")

Run = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Club:
    """A club with two players in a match, one of whom has a card without funds."""

    club: int
    match: int
    good_player: int
    poor_player: int
    ledger: Connection


def _poor_card(attempt: Attempt) -> Outcome:
    return waiting(attempt) if attempt.stripe_payment_method_id == "pm_poor" else settled(attempt)


@pytest.fixture
def club(ledger: Connection, source: Connection, league: League) -> Club:
    club = league.club()
    good, poor = league.player(club, method="pm_good"), league.player(club, method="pm_poor")
    league.connection.execute("update league.players set name = 'Ada Lovelace'")
    competition = league.priced(1_500, shares=[("club", None, 0, 7_000), ("platform", None, 0, 3_000)])
    match = league.match(competition, DAY)
    for player in (good, poor):
        league.plays(match, player)
    materialise(ledger, source, DAY, _poor_card)
    return Club(club, match, good, poor, ledger)


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the command line in this process: exit code, output and errors."""
    for name in [name for name in os.environ if name.startswith("PAYOUTS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["payouts", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return run


def test_one_command_says_why_a_fee_has_not_reached_the_club(run: Run, club: Club) -> None:
    before = fingerprint(club.ledger)
    code, text, _ = run("explain", f"match:{club.match}")
    assert code == 0
    first, second = text.split("\nfee of ")[1:]
    assert first.startswith(f"player:{club.poor_player} in match:{club.match}")
    assert "is waiting: Stripe was busy with the same account; next try on 20" in first
    assert f"club:{club.club}: 10.50 EUR (70% of 15.00 EUR): waits until the fee is collected" in first
    assert "shares: 10.50 EUR + 4.50 EUR = 15.00 EUR" in first
    assert "collected by charge" in second
    assert "30.00 EUR = 15.00 EUR collected + 15.00 EUR in a charge" in text
    assert "30.00 EUR = 10.50 EUR paid + 4.50 EUR kept by the platform + 15.00 EUR fee not collected" in text
    assert fingerprint(club.ledger) == before, "asking changes nothing"


def test_a_club_s_account_adds_up_before_the_reader_s_eyes(run: Run, club: Club) -> None:
    _, text, _ = run("explain", f"club:{club.club}", DAY)
    assert "booked 21.00 EUR = settled 10.50 EUR + in flight 0.00 EUR + open 10.50 EUR" in text
    assert "open 10.50 EUR = 10.50 EUR of fees not collected + 0.00 EUR payable, in no payout yet" in text
    _, text, _ = run("explain", f"club:{club.club}")
    assert (
        f"{DAY}: 10.50 EUR in 1 share: the charges are waiting: Stripe was busy with the same account; next try on"
        in text
    )
    assert f"{DAY}: 21.00 EUR" in text


def test_an_instruction_can_be_explained_by_the_id_that_status_lists(run: Run, club: Club) -> None:
    code, text, _ = run("status", DAY, "--instructions")
    assert code == 0
    line = next(line for line in text.splitlines() if f"player:{club.poor_player}" in line)
    instruction_id = line.split()[0]
    assert "15.00 EUR  waiting  Stripe was busy with the same account; next try 20" in line
    assert f"player:{club.good_player}" not in text, "its charge is settled"
    code, text, _ = run("explain", instruction_id)
    assert code == 0
    assert "waiting by test: Stripe was busy with the same account" in text
    assert f"key {instruction_id}:1" in text
    assert f"fee of match:{club.match}" in text


def test_the_document_of_status_has_the_instructions_only_when_asked_for(run: Run, club: Club) -> None:
    (plain,) = json.loads(run("status", DAY, "--json")[1])["days"]
    assert set(plain) == {"day", "instructions", "held_out"}
    (day,) = json.loads(run("status", DAY, "--instructions", "--json")[1])["days"]
    (waits,) = day.pop("open_instructions")
    assert day == plain
    assert waits.pop("retry_at").endswith("+00:00")
    (charge,) = ids(club.ledger, DAY, "waiting")
    assert waits == {
        "id": str(charge), "payee": f"player:{club.poor_player}", "billing_type": "player_charge",
        "currency": "EUR", "amount_minor": 1_500, "status": "waiting", "reason": BUSY,
    }  # fmt: skip


def _subjects(club: Club) -> list[list[Any]]:
    club_name, player = f"club:{club.club}", f"player:{club.poor_player}"
    return [
        [f"match:{club.match}"], [club_name], [club_name, DAY], [player], [player, DAY],
        *[[instruction_id] for instruction_id in ids(club.ledger, DAY, "waiting", "settled")],
    ]  # fmt: skip


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a document, with the name that it stands under."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _numbers(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each, name)
    elif isinstance(value, (int, float)):
        yield name, value


def test_a_document_has_whole_minor_units_and_nothing_personal(run: Run, club: Club) -> None:
    for subject in _subjects(club):
        code, document, _ = run("explain", *subject, "--json")
        assert code == 0
        numbers = list(_numbers(json.loads(document)))
        assert any(name.endswith("_minor") for name, _ in numbers)
        assert all(isinstance(number, int) for _, number in numbers)
        text = run("explain", *subject)[1]
        assert not [word for word in PERSONAL if word in document or word in text]


@pytest.mark.parametrize(
    ("subject", "day", "sentence"),
    [
        (
            "match:999999",
            None,
            "There is no match:999999 in schema 'league' or in the ledger: see that the id is right.",
        ),
        ("club:999999", None, "There is no club:999999 in schema 'league' or in the ledger"),
        ("player:999999", DAY, "There is no player:999999 in schema 'league' or in the ledger"),
        (uuid4(), None, "in the ledger: see that the id is right."),
        ("club:{club}", NEXT, f"{NEXT} is not booked yet: 'payouts run {NEXT}' books it."),
        ("match:{match}", NEXT, f"{NEXT} is not booked yet"),
        ("organiser:{organiser}", None, "Nothing is booked for organiser:{organiser}: nothing ever was."),
        ("match:{later_match}", None, f"{NEXT} (the day of match:{{later_match}}) is not booked yet"),
        ("match:{planned_match}", None, "is scheduled: only a match that was played has fees."),
    ],
)
def test_what_there_is_nothing_to_say_about_is_one_sentence(
    run: Run, club: Club, league: League, subject: object, day: date | None, sentence: str
) -> None:
    named = {
        "club": club.club,
        "match": club.match,
        "organiser": league.organiser(),
        "later_match": league.match(league.competition(), NEXT),
        "planned_match": league.match(league.competition(), DAY, "scheduled"),
    }
    code, out, error = run("explain", str(subject).format(**named), *([day] if day else []))
    assert (code, out) == (1, "")
    assert error.startswith("payouts: ")
    assert sentence.format(**named) in error
    assert len(error.strip().splitlines()) == 1


def test_a_day_of_others_names_the_latest_days_of_a_payee(run: Run, club: Club, league: League) -> None:
    materialise(club.ledger, club.ledger, NEXT)
    code, _, error = run("explain", f"club:{club.club}", NEXT)
    assert code == 1
    assert f"Nothing is booked for club:{club.club} on {NEXT}: the latest days with anything are {DAY}." in error


@pytest.mark.parametrize("subject", ["referee:1", "match:", "match:x", "the last one", "platform:0"])
def test_what_can_t_be_explained_is_refused_with_examples(run: Run, subject: str) -> None:
    code, _, error = run("explain", subject)
    assert code == 2
    assert "match:7, player:9, club:17, organiser:3, partner:1 or the id of an instruction" in error


def test_the_ledger_answers_while_league_can_not_be_read(run: Run, club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYOUTS_SOURCE_URL", "postgresql://reader:hush@127.0.0.1:1/league")
    code, text, error = run("explain", f"match:{club.match}")
    assert code == 0
    assert "is waiting: Stripe was busy with the same account" in text
    assert "schema 'league' can't be read" in text
    assert "league at 127.0.0.1:1" in text
    assert "hush" not in text + error
    assert "has changed since" not in text


def test_a_long_day_is_cut_for_people_and_whole_for_programs(
    run: Run, ledger: Connection, source: Connection, league: League
) -> None:
    club = league.club()
    match = league.match(league.priced(), DAY)
    for _ in range(30):
        league.plays(match, league.player(club))
    materialise(ledger, source, DAY)
    _, text, _ = run("explain", f"club:{club}", DAY)
    assert text.count("of the fee of player") == 25
    assert "and 5 more shares; --json has all of them." in text
    assert len(json.loads(run("explain", f"club:{club}", DAY, "--json")[1])["shares"]) == 30


def test_it_works_as_a_process_of_its_own(club: Club, database_url: str, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("payouts")), "explain", f"player:{club.poor_player}"]
    environment = {"PATH": os.environ["PATH"], "PAYOUTS_DATABASE_URL": database_url}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "booked 15.00 EUR = settled 0.00 EUR + in flight 15.00 EUR + open 0.00 EUR" in done.stdout
