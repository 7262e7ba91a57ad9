"""Where the flow plays: at which provider, with whom, and what its calls have brought forth so far."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4, uuid5

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger.attempts import Attempt
from payouts_tests.contract.wire import Wire

AMOUNT_MINOR = 1_000


class NotComparable(Exception):  # noqa: N818 - what it is: a call that this account does not allow to compare
    """The call can't be made, or says nothing, at this provider; the message says why."""


class Setup(Protocol):
    """What differs between providers. The calls that are compared do not."""

    @property
    def name(self) -> str:
        """As a difference names the provider."""

    @property
    def currency(self) -> str:
        """In which the platform's balance is, as Stripe spells it."""

    @property
    def has_redirects(self) -> bool | None:
        """Whether payment methods that redirect are enabled in the dashboard; None if nobody knows."""

    def wire(self, api_key: str | None = None) -> Wire:
        """A client at the provider, with the provider's own key unless another is given."""

    def destination(self) -> str:
        """An account that can receive transfers; raises NotComparable where there is none."""


@dataclass
class Scene:
    """One run of the flow."""

    setup: Setup
    wire: Wire
    run: UUID = field(default_factory=uuid4)
    # By the name of the step that made it.
    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _destination: str | None = None

    @property
    def destination(self) -> str:
        """The account that can receive, looked for once."""
        self._destination = self._destination or self.setup.destination()
        return self._destination

    def remember(self, name: str, thing_id: str) -> None:
        """That a step has made this."""
        self.ids[name] = thing_id
        self.names[thing_id] = name

    def key(self, name: str) -> dict[str, str]:
        """The options of a POST, under a key that no other run has."""
        return {"idempotency_key": f"{self.run}:{name}"}

    def charge(self, name: str, number: int = 1, **changes: Any) -> Attempt:
        """An attempt to charge the first customer's card, as a worker would have it."""
        people = {
            "stripe_customer_id": self.ids["create a customer"],
            "stripe_payment_method_id": self.ids["attach a test card"],
        }
        return self._attempt(BillingType.PLAYER_CHARGE, name, number, people | changes)

    def transfer(self, name: str, **changes: Any) -> Attempt:
        """An attempt to pay the account that can receive."""
        if "stripe_account_id" not in changes:
            changes["stripe_account_id"] = self.destination
        return self._attempt(BillingType.CLUB_PAYOUT, name, 1, changes)

    def _attempt(self, billing_type: BillingType, name: str, number: int, changes: dict[str, Any]) -> Attempt:
        instruction_id, now = uuid5(self.run, name), datetime.now(UTC)
        attempt = Attempt(
            ledger_id=self.run,
            instruction_id=instruction_id,
            billing_type=billing_type,
            day=now.date(),
            currency=self.setup.currency.upper(),
            amount_minor=AMOUNT_MINOR,
            number=number,
            idempotency_key=f"{instruction_id}:{number}",
            stripe_account_id=None,
            stripe_customer_id=None,
            stripe_payment_method_id=None,
            first_sent_at=now,
            sends=0,
            key_is_old=False,
            is_gone=False,
        )
        return replace(attempt, **changes)

    def send(self, attempt: Attempt) -> Any:
        """As a worker sends it, with all the time in the world."""
        return self.wire.client.send(attempt, leased_until=float("inf"))


Make = Callable[[Scene], Any]


@dataclass(frozen=True)
class Step:
    """A named call; ``make`` gives what our own code makes of the answer, and the last exchange is compared."""

    name: str
    make: Make
