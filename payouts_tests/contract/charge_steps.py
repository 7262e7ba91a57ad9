"""Charges: paid, replayed, declined, paid late, cancelled, and refused for what they say."""

from functools import partial
from typing import Any

from payouts_tests.contract.scene import AMOUNT_MINOR, NotComparable, Scene, Step

# Test payment methods by what they are declined for. Source: docs.stripe.com/testing ("Declined payments").
DECLINES = {
    "generic_decline": "pm_card_visa_chargeDeclined",
    "insufficient_funds": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "lost_card": "pm_card_visa_chargeDeclinedLostCard",
    "stolen_card": "pm_card_visa_chargeDeclinedStolenCard",
    "card_velocity_exceeded": "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
    "expired_card": "pm_card_chargeDeclinedExpiredCard",
    "incorrect_cvc": "pm_card_chargeDeclinedIncorrectCvc",
    "processing_error": "pm_card_chargeDeclinedProcessingError",
    "authentication_required": "pm_card_authenticationRequired",
}
_NO_FUNDS = DECLINES["insufficient_funds"]


def _charge(scene: Scene, name: str, **changes: Any) -> Any:
    return scene.send(scene.charge(name, **changes))


def _charges(name: str, of: str | None = None, **changes: Any) -> Step:
    """A charge; ``of``: of the same instruction as that of another step, so under the same key."""
    return Step(name, partial(_charge, name=of or name, **changes))


def _late(scene: Scene, name: str = "decline that is paid late", number: int = 1) -> Any:
    """An attempt of the customer who has just that one intent."""
    return scene.charge(
        name,
        number,
        stripe_customer_id=scene.ids["create another customer"],
        stripe_payment_method_id=_NO_FUNDS,
    )


def _confirm(scene: Scene, name: str) -> Any:
    intent = scene.ids["decline that is paid late"]
    params = {"payment_method": scene.ids["attach a card to another customer"], "off_session": True}
    return scene.wire.client.look(lambda services: services.payment_intents.confirm(intent, params, scene.key(name)))


def _cancel(scene: Scene, of: str) -> Any:
    return scene.wire.client.cancel([scene.ids[of]], leased_until=float("inf"))


def _with_redirects(scene: Scene) -> Any:
    """As our own call would be without `allow_redirects`."""
    params = {
        "amount": AMOUNT_MINOR,
        "currency": scene.setup.currency,
        "customer": scene.ids["create a customer"],
        "payment_method": scene.ids["attach a test card"],
        "off_session": True,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True},
    }
    key = scene.key("charge that takes redirects")
    answer = scene.wire.client.look(lambda services: services.payment_intents.create(params, key))
    if scene.setup.has_redirects is None and scene.wire.last and scene.wire.last.status == 200:
        raise NotComparable("no payment method that redirects is enabled in the dashboard of this account")
    return answer


def _of_another(scene: Scene) -> Any:
    name = "charge the card of another customer"
    return _charge(scene, name, stripe_payment_method_id=scene.ids["attach a card to another customer"])


def _of_deleted(scene: Scene) -> Any:
    name = "charge a deleted customer"
    return _charge(scene, name, stripe_customer_id=scene.ids["create a customer to delete"])


PAID = [
    _charges("charge"),
    _charges("charge again under the same key", of="charge"),
    _charges("charge another amount under the same key", of="charge", amount_minor=AMOUNT_MINOR + 1),
    _charges("charge a test card that is not attached", stripe_payment_method_id="pm_card_visa"),
]
DECLINED = [
    *[_charges(f"decline: {decline_code}", stripe_payment_method_id=card) for decline_code, card in DECLINES.items()],
    Step(
        "decline of an attached card",
        lambda scene: _charge(
            scene, "attached", stripe_payment_method_id=scene.ids["attach a card that declines later"]
        ),
    ),
    _charges("decline again under the same key", of="decline: insufficient_funds", stripe_payment_method_id=_NO_FUNDS),
]
LATE = [
    Step("decline that is paid late", lambda scene: scene.send(_late(scene))),
    Step("find the decline", lambda scene: scene.wire.client.find(_late(scene))),
    Step(
        "find an earlier attempt that can still be paid", lambda scene: scene.wire.client.find(_late(scene, number=2))
    ),
    Step("pay a declined intent with another card", lambda scene: _confirm(scene, "late")),
    Step("find the late payment", lambda scene: scene.wire.client.find(_late(scene))),
    Step("confirm a paid intent again", lambda scene: _confirm(scene, "too late")),
    Step("cancel a paid intent", lambda scene: _cancel(scene, "decline that is paid late")),
    Step("decline that is cancelled", lambda scene: scene.send(_late(scene, "decline that is cancelled"))),
    Step("cancel a declined intent", lambda scene: _cancel(scene, "decline that is cancelled")),
    Step("cancel it a second time", lambda scene: _cancel(scene, "decline that is cancelled")),
    Step("cancel an unknown intent", lambda scene: scene.wire.client.cancel(["pi_nothing"], float("inf"))),
]
REFUSED = [
    Step("charge that takes redirects", _with_redirects),
    _charges("charge an unknown customer", stripe_customer_id="cus_nothing", stripe_payment_method_id="pm_card_visa"),
    _charges("charge an unknown payment method", stripe_payment_method_id="pm_nothing"),
    Step("charge the card of another customer", _of_another),
    Step("charge a deleted customer", _of_deleted),
    _charges("charge nothing", amount_minor=0),
    _charges("charge too little", amount_minor=1),
    _charges("charge too much", amount_minor=100_000_000),
    _charges("charge an amount that is no integer", amount_minor="10.5"),
    _charges("charge in a currency that is none", currency="XYZ"),
]
STEPS = [*PAID, *DECLINED, *LATE, *REFUSED]
