"""What the commands take: days, payees, and the options that several of them have in common."""

from contextlib import suppress
from datetime import date
from decimal import Decimal
from uuid import UUID

import click

from payouts_pipeline.domain.billing import BillingType, Payee
from payouts_pipeline.domain.currencies import parse_amount
from payouts_pipeline.domain.persons import readable
from payouts_pipeline.domain.returns import returnable
from payouts_pipeline.errors import PayoutsError


class Day(click.ParamType[date]):
    """A day on the command line, like 2026-01-31."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it; click says what is wrong."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is not a day: give one like 2026-01-31.", param, ctx)


class PayeeName(click.ParamType[Payee]):
    """A payee on the command line, like club:17."""

    name = "payee"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Payee:
        """Read it; click says what is wrong."""
        try:
            return value if isinstance(value, Payee) else Payee.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Returnable(click.ParamType[UUID | str]):
    """What can be given back: an instruction's id, match:7 or player:9."""

    name = "subject"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> UUID | str:
        """Read it; click says what is wrong."""
        try:
            return returnable(str(value))
        except PayoutsError as error:
            self.fail(str(error), param, ctx)


class ToApprove(click.ParamType[UUID | date]):
    """What can be approved: an instruction's id, or a day."""

    name = "subject"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> UUID | date:
        """Read it; click says what is wrong."""
        with suppress(ValueError):
            return date.fromisoformat(str(value))
        try:
            return UUID(str(value))
        except ValueError:
            self.fail(f"'{value}' can't be approved: give an instruction's id, or a day like 2026-01-31.", param, ctx)


class Amount(click.ParamType[Decimal]):
    """An amount as people write it: 12.50."""

    name = "amount"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read it; click says what is wrong."""
        try:
            return parse_amount(str(value))
        except PayoutsError as error:
            self.fail(str(error), param, ctx)


DAY = Day()
RETURNABLE = Returnable()
TO_APPROVE = ToApprove()
AMOUNT = Amount()
PAYEE = PayeeName()

reason = click.option("--reason", help="Why, for whoever reads the history; it is shown in the status. Required.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document; amounts are in minor units.")
pending_days = click.option(
    "--pending-days",
    type=click.FloatRange(0, 30),
    default=0,
    help="Have the Stripe emulator keep card money pending for so many days, as Stripe does for two or more: payouts "
    "then wait for it.",
)
billing_types = click.option(
    "--billing-type",
    "billing_types",
    multiple=True,
    # As texts: click would want the names of an enum, which are written in capitals.
    type=click.Choice([kind.value for kind in BillingType]),
    callback=lambda _context, _option, given: [BillingType(kind) for kind in given] or list(BillingType),
    help="Only these queues.",
)


def given(reason: str | None) -> str:
    """The reason; without one, nobody would know tomorrow."""
    if not reason or not reason.strip():
        raise click.UsageError("Say why, with --reason: it stands in the history.")
    try:
        return readable(reason, "--reason")
    except PayoutsError as error:
        raise click.UsageError(str(error)) from None
