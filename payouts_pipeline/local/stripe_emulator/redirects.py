"""Payment methods that redirect the payer: when a confirmation must say where to bring them back."""

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, StripeRefusalError
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, boolean, one_of
from payouts_pipeline.local.stripe_emulator.store import JsonObject

AUTOMATIC: Spec = {
    "enabled": Param(boolean, required=True),
    "allow_redirects": Param(one_of("always", "never")),
}
# From this version on an intent that names no types takes the methods of the dashboard.
# Source: https://docs.stripe.com/changelog (2023-08-16, automatic payment methods by default).
AUTOMATIC_SINCE = "2023-08-16"


def automatic_payment_methods(call: Call) -> JsonObject | None:
    """Return what an intent shows of the choice, and refuse to have it both ways."""
    given = call.params.get("automatic_payment_methods")
    types_named = "payment_method_types" in call.params
    if given is None:
        by_default = (call.stripe_version or AUTOMATIC_SINCE) >= AUTOMATIC_SINCE and not types_named
        return {"allow_redirects": "always", "enabled": True} if by_default else None
    if given["enabled"] and types_named:
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise InvalidRequestError(message)
    return {"allow_redirects": "always", **given}


def check_return_url(call: Call, intent: JsonObject) -> None:
    """Refuse to confirm without a `return_url` an intent that takes methods which redirect.

    Source: https://docs.stripe.com/api/payment_intents/create (`automatic_payment_methods.allow_redirects`). It
    is about what the intent takes, not about the card that is named: a saved card is refused just the same.
    """
    takes_redirects = intent["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "always"}
    if not (call.platform.redirecting_payment_methods and takes_redirects) or "return_url" in call.params:
        return
    raise StripeRefusalError(
        "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
        "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you "
        "don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
        "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
    )
