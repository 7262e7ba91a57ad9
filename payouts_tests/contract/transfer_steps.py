"""Transfers: refused for the payee or for want of funds, paid, replayed and found."""

from dataclasses import replace
from functools import partial
from typing import Any

from payouts_tests.contract.scene import AMOUNT_MINOR, Scene, Step

# More than a test account has, and no more than Stripe takes at once.
_TOO_MUCH = 99_999_999


def _transfer(scene: Scene, name: str, **changes: Any) -> Any:
    return scene.send(scene.transfer(name, **changes))


def _transfers(name: str, of: str | None = None, **changes: Any) -> Step:
    """A transfer; ``of``: of the same instruction as that of another step, so under the same key."""
    return Step(name, partial(_transfer, name=of or name, **changes))


def _fund(scene: Scene) -> Any:
    """Its money is available at once. Source: docs.stripe.com/testing ("Available balance")."""
    card = "pm_card_bypassPending"
    return scene.send(scene.charge("charge for the balance", amount_minor=10_000, stripe_payment_method_id=card))


def _judge(scene: Scene) -> Any:
    """What `payouts resolve` asks: whether the named transfer is what the attempt asked for."""
    attempt = scene.transfer("transfer")
    return scene.wire.client.confirm(replace(attempt, judged_reference=scene.ids["transfer"]))


def _find_none(scene: Scene) -> Any:
    return scene.wire.client.find(scene.transfer("never sent", stripe_account_id="acct_nobody"))


STEPS = [
    _transfers("transfer to an unknown account", stripe_account_id="acct_1PayoutsContractTest"),
    _transfers("transfer more than there is", amount_minor=_TOO_MUCH),
    _transfers(
        "transfer more than there is, again under the same key",
        of="transfer more than there is",
        amount_minor=_TOO_MUCH,
    ),
    Step("charge for the balance", _fund),
    _transfers("transfer"),
    _transfers("transfer again under the same key", of="transfer"),
    _transfers("transfer another amount under the same key", of="transfer", amount_minor=AMOUNT_MINOR + 1),
    _transfers("transfer nothing", amount_minor=0),
    Step("find the transfer", lambda scene: scene.wire.client.find(scene.transfer("transfer"))),
    Step("find no transfer", _find_none),
    Step("look at the transfer", _judge),
]
