"""The forms of the jobs with which a person steps in: what each takes, described and with an example."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import dagster as dg
from pydantic import Field

from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.domain.currencies import parse_amount
from payouts_pipeline.domain.persons import readable
from payouts_pipeline.errors import PayoutsError

UNCONFIRMED = "Nothing was changed: run it again with is_confirmed to do it."

_INSTRUCTION = "The id of the instruction, as the table 'open' of an asset has it."
_AN_ID = "3f2b8c1e-5d7a-4e0b-9c46-1a2b3c4d5e6f"
_AMOUNT = "Only so much of it, like 12.50; empty: all of it."
_OF_DAY = "The day, like 2026-01-31."


class Person(dg.Config):
    """Who does it."""

    person: str = Field(description="Your name, as the history shows it.", examples=["ada"])

    @property
    def actor(self) -> str:
        """As the ledger notes it."""
        return f"ui {readable(self.person, 'person')}"


class Step(Person):
    """Who steps in, and why."""

    reason: str = Field(description="Why, for whoever reads the history.", examples=["ticket 4711"])

    @property
    def why(self) -> str:
        """The reason, of characters that one can see."""
        return readable(self.reason, "reason")


class Confirmed(Step):
    """A step that is shown before it is taken."""

    is_confirmed: bool = Field(
        default=False, description="Without it, the run only shows what it would do, and changes nothing."
    )


class OfPayee(Step):
    """A step that concerns a payee."""

    payee: str = Field(description="Whom: club:17, organiser:3, partner:1 or player:9.", examples=["club:17"])

    @property
    def whom(self) -> Payee:
        """The payee; raises PayoutsError where it names none."""
        return payee(self.payee)


class ConfirmedOfPayee(OfPayee, Confirmed):
    """The same, shown before it is taken."""


class OfInstruction(Confirmed):
    """A step that concerns an instruction."""

    instruction: str = Field(description=_INSTRUCTION, examples=[_AN_ID])

    @property
    def id(self) -> UUID:
        """Its id; raises PayoutsError where it is none."""
        return uuid(self.instruction, "an instruction")


class OfCode(Confirmed):
    """A step that concerns all that Stripe has refused for one reason."""

    code: str = Field(description="Why Stripe refused it, as the reason code says.", examples=["resource_missing"])
    day: str = Field(default="", description="Only this day's, like 2026-01-31; empty: those of all days.")


class OfChange(Confirmed):
    """A step that concerns what waits of a day."""

    day: str = Field(description=_OF_DAY, examples=["2026-01-31"])


class OfDay(dg.Config):
    """A look at a day."""

    day: str = Field(description=_OF_DAY, examples=["2026-01-31"])


class OfSubject(dg.Config):
    """A look at where somebody's money is."""

    subject: str = Field(
        description="Of what: match:7, player:9, club:17, organiser:3, partner:1 or the id of an instruction.",
        examples=["match:7"],
    )
    day: str = Field(default="", description="Only of this day, like 2026-01-31; empty: of all days.")


class _Amount(Confirmed):
    amount: str = Field(default="", description=_AMOUNT, examples=["12.50"])

    @property
    def given_amount(self) -> Decimal | None:
        """The amount, if there is one; raises PayoutsError for what is none."""
        return parse_amount(self.amount.strip()) if self.amount.strip() else None


class _Again(_Amount):
    is_asked_again: bool = Field(
        default=False, description="The very same was asked for before, and is meant once more."
    )


class OfRefund(_Again):
    """What was collected, and is given back."""

    subject: str = Field(
        description="Of what: the id of a charge, match:7, or player:9 with its day.", examples=["match:7"]
    )
    day: str = Field(default="", description="The day of the player or of the match, like 2026-01-31.")


class OfReversal(_Again):
    """A payout that is taken back from its payee."""

    instruction: str = Field(description=_INSTRUCTION, examples=[_AN_ID])


class OfDebt(_Amount, ConfirmedOfPayee):
    """What a player owes, or a payee owes back."""

    currency: str = Field(description="In which currency.", examples=["EUR"])


class OfBalance(ConfirmedOfPayee):
    """What a payee is owed, or owes back, and who has it from then on."""

    to: str = Field(description="To whom, of the same kind as the payee.", examples=["club:21"])


class OfUnknown(Confirmed):
    """What became of an instruction whose outcome is unknown."""

    instruction: str = Field(description=_INSTRUCTION, examples=[_AN_ID])
    reference: str = Field(
        default="", description="The payment (pi_...) or transfer (tr_...) at Stripe that was its own."
    )
    has_not_moved: bool = Field(
        default=False, description="Nothing of it has moved; what Stripe shows for it is not its own."
    )


class OfSync(Person):
    """From when on Stripe's journal is read."""

    day: str = Field(default="", description="Read it again from this day on, like 2026-01-31; empty: what is new.")


class OfAudit(dg.Config):
    """What is recomputed."""

    day: str = Field(default="", description="Only this day, like 2026-01-31; empty: everything.")
    is_full: bool = Field(default=False, description="Also recompute every checkpoint, from the first entry on.")
    is_compared_with_stripe: bool = Field(
        default=False, description="Also compare every instruction, and Stripe's journal, with what Stripe has."
    )


class OfIdentity(Confirmed):
    """Which ledger it is, on an account that another one has used."""

    continue_id: str = Field(default="", description="This is the ledger with that id, in a new database.")
    is_beside: bool = Field(
        default=False, description="Other ledgers may use the account of the key, which becomes this one's."
    )


def day(text: str) -> date:
    """A day; raises PayoutsError for what is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise PayoutsError(f"'{text}' is not a day: give one like 2026-01-31.") from None


def day_if_given(text: str) -> date | None:
    """The same, where a day can be left out."""
    return day(text) if text.strip() else None


def payee(text: str) -> Payee:
    """A payee; raises PayoutsError for what is none."""
    try:
        return Payee.parse(text.strip())
    except ValueError as error:
        raise PayoutsError(str(error)) from None


def uuid(text: str, what: str) -> UUID:
    """The id of an instruction or a ledger; raises PayoutsError for what is none."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise PayoutsError(f"'{text}' is not the id of {what}.") from None
