"""What must hold of fees and splits before money is asked for: each check where it holds and where it does not."""

from typing import Any

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.findings import (
    each_fee_once,
    every_fee_has_terms,
    every_match_has_line_up,
    no_fee_held_out,
    no_negative_share,
    shares_equal_fees,
)


def fees(*rows: dict[str, Any]) -> Batches:
    """Fees that are all right but for what is said."""
    usual = dict.fromkeys(frames.MATCHES) | {"competition_id": 7, "terms_count": 1, "currency": "EUR"}
    full = [usual | {"match_player_id": n, "match_id": n, "player_id": n} | row for n, row in enumerate(rows, 1)]
    return Batches.of(frames.conform(pd.DataFrame(full, columns=list(frames.MATCHES)), frames.MATCHES))


def lines(*rows: tuple[int, str, int], held_out: str | None = None) -> Batches:
    """Lines of fees in EUR: line-up row, billing subject, minor units."""
    full = [
        {
            "match_id": fee,
            "match_player_id": fee,
            "player_id": fee,
            "billing_subject": subject,
            "subject_id": 1,
            "currency": "EUR",
            "amount_minor": amount_minor,
            "held_out_code": held_out,
        }
        for fee, subject, amount_minor in rows
    ]
    return Batches.of(frames.conform(pd.DataFrame(full, columns=list(frames.SPLITS)), frames.SPLITS))


GOOD = lines((1, "player", 1_000), (1, "club", 600), (1, "platform", 400))


def test_good_fees_and_splits_pass_with_figures() -> None:
    sums = shares_equal_fees(fees({}), GOOD)
    found = [
        each_fee_once(fees({})),
        every_fee_has_terms(fees({})),
        sums,
        no_negative_share(GOOD),
        no_fee_held_out(GOOD),
    ]
    assert all(finding.passed for finding in found)
    assert sums.figures["fees_minor"] == sums.figures["shares_minor"] == {"EUR": 1_000}


def test_a_day_without_fees_passes_and_says_so() -> None:
    found = [each_fee_once(fees()), every_fee_has_terms(fees()), shares_equal_fees(fees(), lines())]
    assert {(finding.passed, finding.description) for finding in found} == {
        (True, "The day has no fees: no match was played.")
    }
    assert no_negative_share(lines()).passed
    assert no_fee_held_out(lines()).passed


def test_a_fee_that_is_there_twice_is_named_whichever_id_is_the_same() -> None:
    row = each_fee_once(fees({}, {"match_player_id": 1}))
    player = each_fee_once(fees({}, {}, {"match_id": 2, "player_id": 2}))
    assert (row.passed, row.figures["match_player_ids"]) == (False, [1])
    assert (player.passed, player.figures["match_player_ids"]) == (False, [3])


def test_fees_without_terms_or_with_two_are_named_with_their_competition() -> None:
    wrong = every_fee_has_terms(fees({"terms_count": 0}, {"terms_count": 2, "competition_id": 8}, {}))
    assert not wrong.passed
    assert wrong.figures["competition_ids"] == [7, 8]
    assert wrong.figures["match_player_ids"] == [1, 2]


def test_matches_without_line_up_are_named_with_their_competitions() -> None:
    assert every_match_has_line_up(frames.empty({"match_id": frames.ID, "competition_id": frames.ID})).passed
    finding = every_match_has_line_up(pd.DataFrame({"match_id": range(20), "competition_id": [7, 8] * 10}))
    assert not finding.passed
    assert "20 played matches of 2 competitions have no line-up" in finding.description
    assert finding.figures["competition_ids"] == [7, 8]
    assert finding.figures["match_ids"] == list(range(10))


def test_shares_that_do_not_add_up_are_named() -> None:
    both = [GOOD.whole(), lines((2, "player", 1_000), (2, "club", 999)).whole()]
    finding = shares_equal_fees(fees({}, {}), Batches.of(pd.concat(both, ignore_index=True)))
    assert not finding.passed
    assert (finding.figures["wrong"], finding.figures["match_player_ids"]) == (1, [2])


def test_a_fee_that_was_neither_split_nor_held_out_is_counted() -> None:
    finding = shares_equal_fees(fees({}, {}), GOOD)
    assert not finding.passed
    assert finding.figures["fees_not_in_both"] == 1


def test_a_negative_share_is_named() -> None:
    splits = lines((1, "player", 1_000), (1, "club", 1_100), (1, "platform", -100))
    assert shares_equal_fees(fees({}), splits).passed
    finding = no_negative_share(splits)
    assert (finding.passed, finding.figures["match_player_ids"]) == (False, [1])


def test_fees_that_are_held_out_are_counted_by_reason() -> None:
    finding = no_fee_held_out(lines((1, "player", 0), held_out="no_terms"))
    assert not finding.passed
    assert finding.figures["reasons"] == {"the competition has no terms for this day": 1}
    assert finding.figures["match_player_ids"] == [1]
