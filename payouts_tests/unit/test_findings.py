"""What must hold of fees and splits before money is asked for: each check where it holds and where it does not."""

from typing import Any

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.findings import Finding, check_line_ups, check_matches, check_splits


def fees(*rows: dict[str, Any]) -> pd.DataFrame:
    """Fees that are all right but for what is said."""
    usual = dict.fromkeys(frames.MATCHES) | {"competition_id": 7, "terms_count": 1, "currency": "EUR"}
    full = [usual | {"match_player_id": n, "match_id": n, "player_id": n} | row for n, row in enumerate(rows, 1)]
    return frames.conform(pd.DataFrame(full, columns=list(frames.MATCHES)), frames.MATCHES)


def lines(*rows: tuple[int, str, int], held_out: str | None = None) -> pd.DataFrame:
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
    return frames.conform(pd.DataFrame(full, columns=list(frames.SPLITS)), frames.SPLITS)


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


GOOD = lines((1, "player", 1_000), (1, "club", 600), (1, "platform", 400))


def test_good_fees_and_splits_pass_with_figures() -> None:
    found = by_name([*check_matches(fees({})), *check_splits(fees({}), GOOD)])
    assert all(finding.passed for finding in found.values())
    assert found["shares_equal_fees"].figures["fees_minor"] == {"EUR": 1_000}
    assert found["shares_equal_fees"].figures["shares_minor"] == {"EUR": 1_000}


def test_a_day_without_fees_passes_and_says_so() -> None:
    found = by_name([*check_matches(fees()), *check_splits(fees(), lines())])
    assert all(finding.passed for finding in found.values())
    assert found["shares_equal_fees"].description == "The day has no fees: no match was played."


def test_a_fee_that_is_there_twice_is_named_whichever_id_is_the_same() -> None:
    row = by_name(check_matches(fees({}, {"match_player_id": 1})))["each_fee_once"]
    player = by_name(check_matches(fees({}, {}, {"match_id": 2, "player_id": 2})))["each_fee_once"]
    assert (row.passed, row.is_error, row.figures["match_player_ids"]) == (False, True, [1])
    assert (player.passed, player.figures["match_player_ids"]) == (False, [3])


def test_fees_without_terms_or_with_two_are_a_warning_with_their_competition() -> None:
    finding = by_name(check_matches(fees({"terms_count": 0}, {"terms_count": 2, "competition_id": 8}, {})))
    wrong = finding["every_fee_has_terms"]
    assert (wrong.passed, wrong.is_error) == (False, False)
    assert wrong.figures["competition_ids"] == [7, 8]
    assert wrong.figures["match_player_ids"] == [1, 2]


def test_matches_without_line_up_are_a_warning_with_their_competitions() -> None:
    assert check_line_ups(frames.empty({"match_id": frames.ID, "competition_id": frames.ID})).passed
    without = pd.DataFrame({"match_id": range(20), "competition_id": [7, 8] * 10})
    finding = check_line_ups(without)
    assert (finding.passed, finding.is_error) == (False, False)
    assert "20 played matches of 2 competitions have no line-up" in finding.description
    assert finding.figures["competition_ids"] == [7, 8]
    assert finding.figures["match_ids"] == list(range(10))


def test_shares_that_do_not_add_up_are_named() -> None:
    splits = pd.concat([GOOD, lines((2, "player", 1_000), (2, "club", 999))], ignore_index=True)
    finding = by_name(check_splits(fees({}, {}), splits))["shares_equal_fees"]
    assert (finding.passed, finding.is_error) == (False, True)
    assert (finding.figures["wrong"], finding.figures["match_player_ids"]) == (1, [2])


def test_a_fee_that_was_neither_split_nor_held_out_is_counted() -> None:
    finding = by_name(check_splits(fees({}, {}), GOOD))["shares_equal_fees"]
    assert not finding.passed
    assert finding.figures["fees_not_in_both"] == 1


def test_a_negative_share_is_named() -> None:
    splits = lines((1, "player", 1_000), (1, "club", 1_100), (1, "platform", -100))
    found = by_name(check_splits(fees({}), splits))
    assert found["shares_equal_fees"].passed
    assert (found["no_negative_share"].passed, found["no_negative_share"].is_error) == (False, True)
    assert found["no_negative_share"].figures["match_player_ids"] == [1]


def test_fees_that_are_held_out_are_a_warning_with_reasons() -> None:
    finding = by_name(check_splits(fees({}), lines((1, "player", 0), held_out="no_terms")))["no_fee_held_out"]
    assert (finding.passed, finding.is_error) == (False, False)
    assert finding.figures["reasons"] == {"the competition has no terms for this day": 1}
    assert finding.figures["match_player_ids"] == [1]
