"""Another ledger on the same Stripe account, with the same ids in its league: what it moves is none of ours."""

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid5

import stripe

from payouts_pipeline.ledger.database import Connection
from payouts_tests.stateful.season import Season, pick
from payouts_tests.support.emulated_stripe import EmulatedStripe

LEDGER = UUID(int=0xBE51DE)

_INSTRUCTIONS = """
    select i.id, i.day, i.billing_type, i.currency, i.amount_minor, a.subject, a.subject_id
    from payouts.instructions as i join payouts.accounts as a on a.id = i.account_id
    order by i.status in ('settled', 'cancelled'), i.created_at, i.day, i.sequence, i.id
"""
# Where we have none yet.
_FIRST = (UUID(int=1), "2026-04-04", "club_payout", "EUR", 600)


class Neighbour:
    """Moves just what our instructions move: day, billing type, amount, customer or account are the same."""

    def __init__(self, emulator: EmulatedStripe, season: Season, timeout_s: float) -> None:
        self._api = emulator.sdk(timeout_s=timeout_s)
        self._season = season

    def moves(self, ledger: Connection, which: int) -> None:
        """One instruction of its own, made from one of ours; the provider may fail."""
        rows = ledger.execute(_INSTRUCTIONS).fetchall()
        row = pick(rows, which) if rows else (*_FIRST, "club", self._season.clubs[0])
        # The SDK stumbles over answers that are not Stripe's.
        with suppress(stripe.StripeError, AttributeError, TypeError, LookupError):
            self._send(*row)

    def _send(
        self, ours: UUID, day: object, billing_type: str, currency: str, amount: int, subject: str, number: int
    ) -> None:
        own = str(uuid5(LEDGER, str(ours)))
        said: dict[str, Any] = {
            "amount": amount,
            "currency": currency.lower(),
            "transfer_group": own,
            "metadata": {
                "ledger": str(LEDGER),
                "instruction_id": own,
                "attempt": "1",
                "day": str(day),
                "billing_type": billing_type,
            },
        }
        options: Any = {"idempotency_key": f"{own}:1"}
        if subject == "player":
            said |= self._season.payment_of(number)
            said |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
            self._api.v1.payment_intents.create({**said, "off_session": True, "confirm": True}, options)  # type: ignore[typeddict-item]
        else:
            said |= {"destination": self._season.account_of((subject, number))}
            self._api.v1.transfers.create(said, options)  # type: ignore[arg-type]
