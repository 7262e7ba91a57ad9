"""How explanations read: what is true of many fees is said once with their count."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.reports.explain import documents, page
from payouts_pipeline.reports.explain.assemble import assemble
from payouts_pipeline.reports.explain.documents import Place
from payouts_pipeline.reports.explain.league_now import MatchName
from payouts_pipeline.reports.explain.snapshot import HeldOut, Snapshot
from payouts_tests.support.snapshots import CLUB, DAY, NOW, PLAYER, fee, id_of, instruction, position, share, snapshot

UTC = ZoneInfo("UTC")
WHY = "Stripe was busy with the same account"


def shown(found: Snapshot) -> str:
    return "\n".join(page.lines(assemble(found), UTC)) + "\n"


def open_fees(count: int) -> Snapshot:
    """A match of so many players, each with a charge of its own that waits; the retries are a second apart."""
    lines: list[dict[str, Any]] = [
        {"match_player_id": number, "player_id": number, "charge_id": id_of(number)} for number in range(count)
    ]
    charges = [
        instruction(number, Status.WAITING, retry_at=NOW + timedelta(seconds=5 * number)) for number in range(count)
    ]
    shares = [share(release_id=None, **line) for line in lines]
    return snapshot(MatchName(7), *charges, fees=[fee(**line) for line in lines], shares=shares)


def test_what_thirteen_fees_wait_for_is_said_once() -> None:
    text = shown(open_fees(13))
    assert text.count(WHY) == text.count("Next step: ") == 1
    assert (
        f"[1] 13 fees, 130.00 EUR: charge ID is waiting: {WHY}; next tries from 2026-03-08 03:00 UTC to "
        f"2026-03-08 03:01 UTC. Next step: 'payouts run {DAY}'."
    ) in text
    assert f"player:0 in match:7: 10.00 EUR, ID {id_of(0)}" in text
    assert "and 5 more fees" in text
    assert text.count("in a charge: see [1], ID ") == 13
    assert text.count("waits until the fee is collected") == 13


def test_a_document_keeps_the_reason_of_each_fee() -> None:
    document = documents.as_json(assemble(open_fees(13)))
    parts = [part for each in document["fees"] for part in each["parts"]]
    assert [str(part["why"]).count(WHY) for part in parts] == [1] * 13
    assert {each["reason"] for each in document["instructions"]} == {WHY}


def test_what_one_fee_waits_for_stands_at_the_fee() -> None:
    text = shown(open_fees(1))
    assert f"charge {id_of(0)} is waiting: {WHY}; next try on 2026-03-08 03:00 UTC. Next step: 'payouts run" in text
    assert "see [1]" not in text


def test_fees_in_one_charge_name_it() -> None:
    charge = instruction(1, Status.WAITING)
    fees = [fee(match_id=match, match_player_id=match, charge_id=charge.id) for match in (7, 8)]
    text = shown(snapshot(PLAYER, charge, position(PLAYER, 0), fees=fees))
    assert f"[1] 2 fees, 20.00 EUR: charge {charge.id} is waiting: {WHY}; next try on" in text
    assert "ID" not in text.partition("\nfee of")[0]


def test_different_reasons_and_currencies_are_told_apart() -> None:
    kinds = [("a", "EUR"), ("a", "EUR"), ("b", "EUR"), ("b", "EUR"), ("a", "USD"), ("c", "EUR")]
    charges = [
        instruction(number, Status.REJECTED, currency=currency, reason_code=f"code_{code}")
        for number, (code, currency) in enumerate(kinds)
    ]
    fees = [
        fee(match_player_id=number, currency=currency, charge_id=id_of(number))
        for number, (_, currency) in enumerate(kinds)
    ]
    text = shown(snapshot(MatchName(7), *charges, fees=fees))
    assert text.count("see [1]") == text.count("see [2]") == 2
    assert text.count("see [") == 4


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.SETTLED, f"30 shares, 210.00 EUR: paid by payout {id_of(1)} on 2026-03-08 03:00 UTC (pi_1)"),
        (Status.HELD, f"30 shares, 210.00 EUR: payout {id_of(1)} is held: {WHY}. Next step: "),
    ],
)
def test_the_shares_of_a_payee_stand_under_what_became_of_them(status: Status, said: str) -> None:
    shares = [share(match_player_id=number, player_id=number, payout_id=id_of(1)) for number in range(30)]
    text = shown(snapshot(CLUB, instruction(1, status, CLUB), day=DAY, shares=shares))
    assert text.count(said) == 1
    assert "\n    of the fee of player:0 in match:7: 7.00 EUR\n" in text
    assert text.count("of the fee of player") == 25
    assert "and 5 more shares; --json has all of them." in text


def test_a_share_that_was_corrected_shows_each_booking() -> None:
    shares = [share(payout_id=id_of(1)), share(-200, booking_id=2)]
    found = snapshot(CLUB, instruction(1, Status.SETTLED, CLUB), position(CLUB, -200, -200), day=DAY, shares=shares)
    text = shown(found)
    assert "of the fee of player:42 in match:7: 7.00 EUR of 5.00 EUR, booking 1: paid by payout" in text
    assert f"-2.00 EUR of 5.00 EUR, booking 2: {Place.PAYABLE}: a correction took it back" in text


def test_fees_held_out_for_one_reason_are_counted_and_listed() -> None:
    held_out = [HeldOut(DAY, 7, row, "the fee is negative") for row in range(13)]
    held_out.append(HeldOut(DAY, 7, None, "the row of the line-up has no id"))
    text = shown(snapshot(MatchName(7), held_out=held_out))
    assert text.count(f"held out: 13 fees of {DAY}: the fee is negative") == 1
    assert f"held out: 1 fee of {DAY}: the row of the line-up has no id" in text
    assert f"Next step: correct it in schema 'league'; 'payouts run {DAY}' then books it." in text
    assert "match:7, line-up row 0" in text
    assert "and 1 more fee" in text
