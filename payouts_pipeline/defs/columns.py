"""The columns of the three tables, with what each means: shown on the asset's page, and tested against the frames."""

from collections.abc import Mapping

import dagster as dg

from payouts_pipeline.domain import frames

_MATCHES = {
    "match_player_id": "The row of the line-up (league.match_players) that the fee is for.",
    "match_id": "The match (league.matches).",
    "competition_id": "The competition that the match is of; its terms say what the fee is.",
    "organiser_id": "Who organises the competition as of this materialisation.",
    "player_id": "Who played, and is charged the fee.",
    "club_id": "The club that the player played for in this match; missing where none is known.",
    "club_is_named": "Whether the line-up names the club; if not, it is the one that the player is with now.",
    "fee_structure_id": "The terms (league.fee_structures) in force on the day; missing where there are none.",
    "terms_count": "How many terms are in force; any other number than 1 holds the fee out.",
    "currency": "The currency of the fee, as ISO 4217 has it.",
    "fee_minor": "The fee in minor units, the integer that Stripe takes: cents of EUR, yen of JPY, fils of KWD.",
    "shares_json": "The rows of league.fee_shares that say how the fee is split.",
}
_SPLITS = {
    "match_id": "The match (league.matches).",
    "match_player_id": "The row of the line-up that the fee is for.",
    "player_id": "Who is charged the fee.",
    "billing_subject": "Whose line it is: 'player' owes the fee; club, organiser, partner and platform share it.",
    "subject_id": "The id of that player, club, organiser or partner; 0 for the platform.",
    "currency": "The currency of the fee, as ISO 4217 has it.",
    "amount_minor": "What is owed or shared, in minor units. The shares of a fee add up to the fee.",
    "club_is_named": "Whether the line-up names the club; if not, a fee that is booked keeps the club it has.",
    "held_out_code": "Why the fee can't be split and is not charged, as a code; missing where it is charged.",
}


_ACTIVITY = {
    "transaction_id": "The line of Stripe's journal (a balance transaction, txn_...).",
    "type": "What it is: charge, transfer, refund, stripe_fee, topup, payout, adjustment, ...",
    "category": "Stripe's reporting category: the type of an adjustment does not say what it adjusts.",
    "amount_minor": "What came (positive) or went, in minor units, before Stripe's fee.",
    "fee_minor": "What Stripe kept of it.",
    "net_minor": "What it did to our balance: the amount less the fee.",
    "currency": "The currency, as ISO 4217 has it.",
    "created_at": "When it was made, by Stripe's clock, in UTC.",
    "available_on": "From when on it can be paid out.",
    "source_id": "The charge, transfer, refund, dispute, reversal, top-up or payout that it is of.",
    "movement_id": "The payment intent or transfer that it is, or takes back; missing where it is of none.",
    "assigned_to": "As what it is entered: instruction, return, provider_fees, own_funds, unassigned; or waits.",
    "instruction_id": "The instruction that it has moved, or whose money came back; missing where it is of none.",
    "why": "Why it is of no instruction, differs from it, or waits, as a code; missing where it is understood.",
}


def matches_schema() -> dg.TableSchema:
    """The columns of asset `matches`."""
    return _schema(frames.MATCHES, _MATCHES)


def splits_schema() -> dg.TableSchema:
    """The columns of asset `splits`."""
    return _schema(frames.SPLITS, _SPLITS)


def activity_schema() -> dg.TableSchema:
    """The columns of asset `stripe_activity`."""
    return _schema(frames.ACTIVITY, _ACTIVITY)


def _schema(columns: Mapping[str, object], descriptions: Mapping[str, str]) -> dg.TableSchema:
    """Names and types as the frames have them; a column without a description does not load."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=str(dtype).removesuffix("[pyarrow]"), description=descriptions[name])
            for name, dtype in columns.items()
        ]
    )
