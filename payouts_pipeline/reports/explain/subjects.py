"""What people name to have it explained."""

from uuid import UUID

from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.reports.explain.league_now import MatchName
from payouts_pipeline.reports.explain.snapshot import Subject

_IDS_END = 2**63


def parse(text: str) -> Subject:
    """The id of an instruction, match:7, or a player or payee like club:17; raises PayoutsError for what is none."""
    subject, colon, number = text.partition(":")
    if subject == "match" and number.isdecimal() and int(number) < _IDS_END:
        return MatchName(int(number))
    try:
        return Payee.parse(text) if colon else UUID(text)
    except ValueError:
        examples = "match:7, player:9, club:17, organiser:3, partner:1 or the id of an instruction"
        raise PayoutsError(f"'{text}' can't be explained: give one like {examples}.") from None
