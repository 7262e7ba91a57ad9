"""What a person says who steps in: who, and why. It stands in the history, and is shown to others."""

from unicodedata import category

from payouts_pipeline.errors import PayoutsError

# Control and format characters, and what ends a line: nobody sees them, and they change how the rest looks.
_UNSEEN = ("Cc", "Cf", "Zl", "Zp")


def readable(text: str, name: str) -> str:
    """The text without what stands around it; raises PayoutsError where it is empty, or holds what nobody sees."""
    given = text.strip()
    if not given:
        raise PayoutsError(f"{name} is empty: it stands in the history.")
    unseen = next((each for each in given if category(each) in _UNSEEN), None)
    if unseen:
        raise PayoutsError(
            f"{name} has a character that nobody sees (U+{ord(unseen):04X}): write it in one line, as plain text."
        )
    return given
