"""Who asks, and whether they may: API keys as Stripe reads and refuses them."""

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, TurnedAwayError, no_access
from payouts_pipeline.local.stripe_emulator.endpoints import Endpoint
from payouts_pipeline.local.stripe_emulator.platforms import KeyHolder, Platforms
from payouts_pipeline.local.stripe_emulator.request import ApiRequest


def authenticated(platforms: Platforms, request: ApiRequest) -> KeyHolder:
    """Return who the request's key stands for.

    :raises TurnedAwayError: 401 without a key, or with one that is wrong or expired; 403 (`account_invalid`)
        if the account is closed. Source: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes.
    """
    key = request.api_key
    if not key:
        raise TurnedAwayError(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at "
            "https://support.stripe.com/.",
            401,
        )
    holder = platforms.holder(key)
    if holder is None:
        raise TurnedAwayError(f"Invalid API Key provided: {masked(key)}", 401)
    if holder.key.is_expired:
        raise TurnedAwayError(f"Expired API Key provided: {masked(key)}", 401, "api_key_expired")
    if platforms.profile(holder.books.platform_id).is_closed:
        raise no_access(masked(key), holder.books.platform_id)
    return holder


def check_permission(holder: KeyHolder, endpoint: Endpoint) -> None:
    """Refuse what a restricted key was not given; the answer names the permission and has no code.

    Source: https://docs.stripe.com/keys/restricted-api-keys (an invalid request error), and the wording that
    users report, for example https://github.com/stripe/stripe-node/issues/2246.
    """
    permission = endpoint.permission
    if not holder.may(permission):
        raise InvalidRequestError(
            f"The provided key '{masked(holder.key.key)}' does not have the required permissions for this endpoint "
            f"on account '{holder.books.platform_id}'. Having the '{permission}' permission would allow this "
            "request to continue.",
            status=403,
        )


def connected_account(holder: KeyHolder, request: ApiRequest, endpoint: Endpoint) -> str | None:
    """Return the account that the caller acts for, if it is not its own (`Stripe-Account`)."""
    named = request.connected_account
    if named is None or named == holder.books.platform_id:
        return None
    if not endpoint.is_for_accounts:
        # Better refused than done for the platform.
        raise InvalidRequestError(f"The emulator knows no {endpoint.method} {endpoint.path} for connected accounts.")
    return named


def masked(key: str) -> str:
    """Return as much of the key as Stripe shows in an error."""
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
