"""Nobody approves what they have done themselves; the database decides it, by the names of this table."""

from collections.abc import Mapping
from enum import StrEnum


class OwnDoing(StrEnum):
    """What a person has to do with an instruction, so that another must approve it."""

    ASKED_FOR_RETURN = "asked_for_return"
    CONFIRMED_ACCOUNT = "confirmed_account"
    MOVED_BALANCE = "moved_balance"
    ACCEPTED_CHANGE = "accepted_change"


WHAT_WAS_DONE: Mapping[OwnDoing, str] = {
    OwnDoing.ASKED_FOR_RETURN: "asked for it",
    OwnDoing.CONFIRMED_ACCOUNT: "confirmed the account that it goes to",
    OwnDoing.MOVED_BALANCE: "moved the balance that it pays",
    OwnDoing.ACCEPTED_CHANGE: "accepted the change of the day that it comes from",
}
