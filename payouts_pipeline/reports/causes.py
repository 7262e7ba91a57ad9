"""What keeps an instruction from going on, as its status and reason tell: what gets it going follows from that.

Reasons are sentences of `refusals` and of `ledger.holding`. They decide, since nothing else is kept of why: what is
held has the Stripe ids that it was last tried with, also where `league` has none any more. People's own words come
after a beginning of ours, so a sign is looked for at the beginning only.
"""

import re
from enum import StrEnum

from payouts_pipeline.domain.instructions import Status


class Cause(StrEnum):
    """What must change; `NOTHING` where time or the next run is enough."""

    ON_HOLD = "a person put the payee on hold"
    WANTS_APPROVAL = "the amount wants approval"
    NOT_AT_STRIPE = "league has no Stripe id"
    AMOUNT = "Stripe takes no such amount"
    CARD_OR_ACCOUNT = "the card or account is refused for good"
    OUR_KEY = "Stripe refuses our API key"
    OUR_BALANCE = "our balance at Stripe is too low"
    NOTHING = "nothing"


# The first one that fits counts.
_SIGNS = (
    (Status.HELD, "on hold", Cause.ON_HOLD),
    (Status.HELD, "above [^:]+: waits for approval", Cause.WANTS_APPROVAL),
    (Status.HELD, "the [a-z]+ has no Stripe (customer|account)", Cause.NOT_AT_STRIPE),
    (Status.REJECTED, "the amount is", Cause.AMOUNT),
    (Status.REJECTED, "", Cause.CARD_OR_ACCOUNT),
    (Status.WAITING, "(Stripe refused )?our API key", Cause.OUR_KEY),
    (Status.WAITING, "our balance", Cause.OUR_BALANCE),
)


def cause_of(status: str, reason: str | None) -> Cause:
    """What keeps an instruction of this status and reason from going on."""
    fits = (cause for of, sign, cause in _SIGNS if of == status and re.match(sign, reason or ""))
    return next(fits, Cause.NOTHING)
