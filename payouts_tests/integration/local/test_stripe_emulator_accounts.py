"""Accounts, modes and keys in the emulator: what a key opens, what it may do, and what its account may do."""

import signal
from pathlib import Path

import httpx
import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed, KeySeed, PlatformSeed
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, charge, emulated_stripe, error_of, transfer

LIVE = "sk_live_emulated0123456789"
OTHER = "sk_test_other0123456789"
OTHER_LIVE = "sk_live_other0123456789"
RESTRICTED = "rk_test_emulated0123456789"


@pytest.fixture
def api(emulator: EmulatedStripe) -> stripe.StripeClient:
    """The default account in test mode; beside it are its live mode and another account in both."""
    emulator.start_over()
    emulator.admin.put_platforms(PlatformSeed(id="acct_other", country="DE", default_currency="eur"))
    emulator.admin.put_keys(
        KeySeed(key=LIVE), *(KeySeed(key=key, platform="acct_other") for key in (OTHER, OTHER_LIVE))
    )
    return emulator.sdk()


def live_payer(emulator: EmulatedStripe, key: str = LIVE) -> stripe.StripeClient:
    with emulator.admin_of(key) as admin:
        admin.put_customers([CustomerSeed(id="cus_live", default_payment_method="pm_live", card="pm_card_visa")])
        admin.put_accounts([AccountSeed(id="acct_live")])
        admin.set_balance({"aud": 5000})
    return emulator.sdk(key)


@pytest.mark.parametrize(
    ("key", "account", "country"),
    [(API_KEY, "acct_emulated", "AU"), (LIVE, "acct_emulated", "AU"), (OTHER, "acct_other", "DE")],
)
def test_a_key_is_one_of_an_account(
    api: stripe.StripeClient, emulator: EmulatedStripe, key: str, account: str, country: str
) -> None:
    own = emulator.sdk(key).v1.accounts.retrieve_current()

    assert (own.id, own.country, own.charges_enabled, own.payouts_enabled) == (account, country, True, True)
    assert own.capabilities is not None
    assert own.capabilities.transfers == "active"
    assert own.settings is not None
    assert own.settings.payouts is not None
    assert own.settings.payouts.schedule.interval == "manual"
    assert emulator.sdk(key).v1.accounts.retrieve(account).id == account


def test_modes_and_accounts_have_objects_balances_and_journals_of_their_own(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    live = live_payer(emulator)
    made = charge(live, customer="cus_live")
    sent = transfer(live, destination="acct_live")

    assert (made.livemode, sent.livemode, live.v1.balance.retrieve().livemode) == (True, True, True)
    assert live.v1.customers.retrieve("cus_live").livemode
    assert live.v1.charges.retrieve(str(made.latest_charge)).livemode
    assert live.v1.payment_methods.retrieve("pm_live").livemode
    assert not charge(api).livemode
    assert [row.kind for row in emulator.admin.journal()] == ["charge"]
    with emulator.admin_of(LIVE) as admin:
        assert [row.id for row in admin.journal()] == [made.latest_charge, sent.id]
    for key in (OTHER, OTHER_LIVE):
        assert emulator.sdk(key).v1.payment_intents.list().data == []
        with emulator.admin_of(key) as admin:
            assert (admin.journal(), admin.available_balance()) == ([], {})


def test_an_idempotency_key_means_something_in_one_account_and_mode_only(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    here = transfer(api, key="k")
    live = live_payer(emulator)
    with emulator.admin_of(LIVE) as admin:
        admin.put_accounts([AccountSeed(id="acct_receives")])

    there = transfer(live, key="k")

    assert here.id != there.id
    assert transfer(live, key="k").id == there.id


def test_an_object_of_the_other_mode_is_told_from_one_that_never_was(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    live = live_payer(emulator)
    made = transfer(api)

    with pytest.raises(stripe.InvalidRequestError) as looked_up:
        live.v1.transfers.retrieve(made.id)
    with pytest.raises(stripe.InvalidRequestError) as charged:
        charge(live, customer="cus_payer", payment_method="pm_live")
    with pytest.raises(stripe.InvalidRequestError) as paid:
        transfer(live)
    with pytest.raises(stripe.InvalidRequestError) as test_card:
        charge(live, customer="cus_live", payment_method="pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as from_live:
        charge(api, customer="cus_live", payment_method="pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as stranger:
        emulator.sdk(OTHER).v1.transfers.retrieve(made.id)

    words = "; a similar object exists in test mode, but a live mode key was used to make this request."
    assert looked_up.value.user_message == f"No such transfer: '{made.id}'{words}"
    assert (looked_up.value.http_status, looked_up.value.code, looked_up.value.param) == (404, "resource_missing", "id")
    assert charged.value.user_message == f"No such customer: 'cus_payer'{words}"
    assert (charged.value.http_status, charged.value.param) == (400, "customer")
    assert paid.value.user_message == f"No such destination: 'acct_receives'{words}"
    assert test_card.value.user_message == f"No such PaymentMethod: 'pm_card_visa'{words}"
    assert str(from_live.value.user_message).endswith(
        "exists in live mode, but a test mode key was used to make this request."
    )
    assert stranger.value.user_message == f"No such transfer: '{made.id}'"


def test_a_test_account_is_none_for_a_live_key(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="was a test account created with a testmode key") as refused:
        emulator.sdk(LIVE).v1.accounts.retrieve("acct_receives")

    assert (refused.value.http_status, error_of(refused).type) == (400, "api_error")


@pytest.mark.parametrize(
    ("permissions", "may_pay"),
    [((), False), (("rak_transfer_read",), False), (("rak_transfer_write",), True), (("rak_charge_write",), False)],
)
def test_a_restricted_key_may_do_what_it_was_given(
    api: stripe.StripeClient, emulator: EmulatedStripe, permissions: tuple[str, ...], may_pay: bool
) -> None:
    emulator.admin.put_keys(KeySeed(key=RESTRICTED, permissions=permissions))
    restricted = emulator.sdk(RESTRICTED)

    if may_pay:
        made = transfer(restricted)
        assert restricted.v1.transfers.retrieve(made.id).id == api.v1.transfers.retrieve(made.id).id
        return
    with pytest.raises(stripe.PermissionError) as refused:
        transfer(restricted, key="k")
    assert (refused.value.http_status, error_of(refused).type, error_of(refused).code) == (
        403,
        "invalid_request_error",
        None,
    )
    assert "on account 'acct_emulated'. Having the 'rak_transfer_write' permission would" in str(refused.value)
    assert emulator.admin.journal() == []
    with pytest.raises(stripe.PermissionError, match="rak_accounts_kyc_basic_read"):
        restricted.v1.accounts.retrieve_current()


def test_a_refusal_for_want_of_permission_is_not_remembered(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.put_keys(KeySeed(key=RESTRICTED))
    with pytest.raises(stripe.PermissionError):
        transfer(emulator.sdk(RESTRICTED), key="k")

    emulator.admin.put_keys(KeySeed(key=RESTRICTED, permissions=("rak_transfer_write",)))

    assert transfer(emulator.sdk(RESTRICTED), key="k").amount == 1000


def test_an_expired_key_and_a_closed_account_are_refused(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.put_keys(KeySeed(key=OTHER, platform="acct_other", is_expired=True))
    with pytest.raises(stripe.AuthenticationError) as expired:
        emulator.sdk(OTHER).v1.balance.retrieve()
    emulator.admin.put_platforms(PlatformSeed(id="acct_other", is_closed=True))
    with pytest.raises(stripe.PermissionError) as closed:
        emulator.sdk(OTHER_LIVE).v1.balance.retrieve()

    assert error_of(expired).code == "api_key_expired"
    assert error_of(closed).code == "account_invalid"
    assert "'acct_other'" in str(closed.value)


def test_an_account_that_is_not_activated_charges_in_test_mode_only(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    live = live_payer(emulator)
    emulator.admin.put_platforms(PlatformSeed(id="acct_emulated", is_activated=False))

    assert charge(api).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="cannot currently make live charges") as refused:
        charge(live, customer="cus_live")
    assert (refused.value.http_status, refused.value.code) == (400, "testmode_charges_only")
    assert not live.v1.accounts.retrieve_current().charges_enabled


def test_an_account_that_is_restricted_moves_nothing(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.put_platforms(
        PlatformSeed(
            id="acct_emulated",
            charges_enabled=False,
            payouts_enabled=False,
            transfers="inactive",
            disabled_reason="requirements.past_due",
            payout_interval="daily",
        )
    )

    with pytest.raises(stripe.InvalidRequestError, match="cannot currently make charges") as charged:
        charge(api)
    with pytest.raises(stripe.InvalidRequestError) as paid:
        transfer(api)

    assert (charged.value.code, paid.value.code) == (None, "transfers_not_allowed")
    assert emulator.admin.journal() == []
    own = api.v1.accounts.retrieve_current()
    assert (own.charges_enabled, own.payouts_enabled) == (False, False)
    assert own.requirements is not None
    assert own.requirements.disabled_reason == "requirements.past_due"
    assert own.settings is not None
    assert own.settings.payouts is not None
    assert own.settings.payouts.schedule.interval == "daily"


def test_a_connected_account_that_is_rejected_or_deleted(api: stripe.StripeClient) -> None:
    rejected = api.v1.accounts.retrieve("acct_rejected")
    made = api.v1.accounts.create({"type": "express"})
    assert api.v1.accounts.delete(made.id).deleted

    assert (rejected.charges_enabled, rejected.payouts_enabled) == (False, False)
    assert rejected.requirements is not None
    assert rejected.requirements.disabled_reason == "rejected.other"
    with pytest.raises(stripe.PermissionError):
        api.v1.accounts.retrieve(made.id)
    with pytest.raises(stripe.InvalidRequestError, match=f"No such destination: '{made.id}'"):
        transfer(api, destination=made.id)


def test_accounts_and_keys_survive_a_restart_and_a_reset_forgets_them(tmp_path: Path) -> None:
    with emulated_stripe(tmp_path) as emulator:
        emulator.admin.put_platforms(PlatformSeed(id="acct_other", country="NZ"))
        emulator.admin.put_keys(KeySeed(key=OTHER_LIVE, platform="acct_other"))
        made = charge(live_payer(emulator, OTHER_LIVE), customer="cus_live")

        emulator.stop(signal.SIGKILL)
        emulator.start()

        again = emulator.sdk(OTHER_LIVE)
        assert again.v1.payment_intents.retrieve(made.id).livemode
        assert again.v1.accounts.retrieve_current().country == "NZ"
        with emulator.admin_of(OTHER_LIVE) as admin, pytest.raises(PayoutsError, match="ask for it without a key"):
            admin.reset()
        emulator.admin.reset()
        with pytest.raises(stripe.AuthenticationError):
            again.v1.balance.retrieve()
        with (
            emulator.admin_of(OTHER_LIVE) as admin,
            pytest.raises(PayoutsError, match="No account has the key sk_live_"),
        ):
            admin.journal()
        emulator.admin.put_keys(KeySeed(key=OTHER_LIVE, platform="acct_other"))
        assert again.v1.payment_intents.list().data == []
        assert emulator.output.read_bytes() == b""


def test_the_version_that_the_caller_names_is_in_the_journal(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    transfer(api)
    params = {"amount": "10", "currency": "aud", "destination": "acct_receives"}
    httpx.post(f"{emulator.url}/v1/transfers", data=params, auth=bearer)
    wrong = httpx.post(f"{emulator.url}/v1/transfers", data=params, auth=bearer, headers={"Stripe-Version": "newest"})

    assert [row.stripe_version for row in emulator.admin.journal()] == [stripe.api_version, None]
    assert (wrong.status_code, wrong.json()["error"]["message"]) == (400, "Invalid Stripe API version: newest")


def bearer(request: httpx.Request) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {API_KEY}"
    return request
