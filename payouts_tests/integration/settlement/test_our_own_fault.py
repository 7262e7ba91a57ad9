"""What Stripe refuses because of us, our key or our account, costs no player the charge and no club the payout."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.reasons import Remedy, remedy_of
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import (
    AccountBehaviour,
    AccountSeed,
    CustomerSeed,
    FaultKind,
    FaultRule,
    KeySeed,
    PlatformSeed,
)
from payouts_pipeline.local.stripe_emulator.models import OtherAnswer
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.worker import Worker
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, emulated_stripe
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import book, ids, pass_time, release, settle
from payouts_tests.support.trust import TRUSTED

DAY = date(2026, 5, 2)
LIVE, EXPIRED, RESTRICTED = "sk_live_own0123456789", "sk_test_expired0123456789", "rk_test_reads0123456789"
OURS = "acct_emulated"
CHARGE, PAYOUT = BillingType.PLAYER_CHARGE, BillingType.CLUB_PAYOUT


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(autouse=True)
def instruction(ledger: Connection, source: Connection, league: League, stripe: EmulatedStripe) -> None:
    """A player with one fee that is all the club's, both known to Stripe in either mode."""
    stripe.admin.reset()
    stripe.admin.put_keys(
        KeySeed(key=LIVE),
        KeySeed(key=EXPIRED, is_expired=True),
        KeySeed(key=RESTRICTED, permissions=("rak_customer_read",)),
    )
    club = league.club()
    player = league.player(club)
    for key in (API_KEY, LIVE):
        with stripe.admin_of(key) as admin:
            method = f"pm_{key[3:7]}"
            customer = CustomerSeed(id=f"cus_{player}", default_payment_method=method, card="pm_card_visa")
            admin.put_customers([customer])
            admin.put_accounts([AccountSeed(id=f"acct_{club}")])
            admin.set_balance({"eur": 100_000})
    league.fee(player, DAY)
    book(ledger, source, DAY)


def deliver(ledger: Connection, stripe: EmulatedStripe, key: str = API_KEY) -> None:
    with ThreadPoolExecutor(1) as calls:
        Worker(lambda: nullcontext(ledger), StripeClient(key, stripe.url), calls, TRUSTED, "worker").settle(ids(ledger))


def stands(ledger: Connection, kind: BillingType) -> tuple[str, str | None]:
    query = "select status, reason_code from payouts.instructions where billing_type = %s"
    [(status, code)] = ledger.execute(query, (kind,)).fetchall()
    return status, code


def until_payout(ledger: Connection, source: Connection) -> None:
    settle(ledger)
    release(ledger, source, DAY)


@pytest.mark.parametrize(
    ("ours", "key", "code"),
    [
        (PlatformSeed(id=OURS, is_activated=False), LIVE, "testmode_charges_only"),
        (PlatformSeed(id=OURS, charges_enabled=False), API_KEY, "invalid_request"),
        (PlatformSeed(id=OURS, is_closed=True), API_KEY, "our_account_invalid"),
        (PlatformSeed(id=OURS), EXPIRED, "api_key_expired"),
        (PlatformSeed(id=OURS), "sk_test_nobody0123456789", "invalid_api_key"),
        (PlatformSeed(id=OURS), RESTRICTED, "insufficient_permissions"),
    ],
    ids=lambda value: value if isinstance(value, str) and "_test" not in value else "",
)
def test_a_charge_that_is_refused_because_of_us_waits_and_is_paid_once_we_have_fixed_it(
    ledger: Connection, source: Connection, stripe: EmulatedStripe, ours: PlatformSeed, key: str, code: str
) -> None:
    stripe.admin.put_platforms(ours)
    deliver(ledger, stripe, key)
    assert stands(ledger, CHARGE) == ("waiting", code)
    assert remedy_of(code, {}) in (Remedy.FIX_OUR_KEY, Remedy.FIX_OUR_ACCOUNT)
    stripe.admin.put_platforms(PlatformSeed(id=OURS))
    pass_time(ledger, 1)
    book(ledger, source, DAY)
    deliver(ledger, stripe, LIVE if key == LIVE else API_KEY)
    assert stands(ledger, CHARGE) == ("settled", None)


@pytest.mark.parametrize(
    ("ours", "key", "code"),
    [
        (PlatformSeed(id=OURS, transfers="inactive"), API_KEY, "transfers_not_allowed"),
        (PlatformSeed(id=OURS, is_closed=True), API_KEY, "our_account_invalid"),
        (PlatformSeed(id=OURS), EXPIRED, "api_key_expired"),
        (PlatformSeed(id=OURS), RESTRICTED, "insufficient_permissions"),
    ],
    ids=lambda value: value if isinstance(value, str) and "_test" not in value else "",
)
def test_a_payout_that_is_refused_because_of_us_waits_and_goes_out_once_we_have_fixed_it(
    ledger: Connection, source: Connection, stripe: EmulatedStripe, ours: PlatformSeed, key: str, code: str
) -> None:
    until_payout(ledger, source)
    stripe.admin.put_platforms(ours)
    deliver(ledger, stripe, key)
    assert stands(ledger, PAYOUT) == ("waiting", code)
    stripe.admin.put_platforms(PlatformSeed(id=OURS))
    pass_time(ledger, 1)
    release(ledger, source, DAY)
    deliver(ledger, stripe)
    assert stands(ledger, PAYOUT) == ("settled", None)


def test_the_same_code_about_the_payees_account_is_the_payees(
    ledger: Connection, source: Connection, stripe: EmulatedStripe
) -> None:
    until_payout(ledger, source)
    [(account,)] = ledger.execute(
        "select stripe_account_id from payouts.instructions where billing_type <> 'player_charge'"
    )
    stripe.admin.put_accounts([AccountSeed(id=account, behaviour=AccountBehaviour.CLOSED)])
    deliver(ledger, stripe)
    assert stands(ledger, PAYOUT) == ("rejected", "account_invalid")


@pytest.mark.parametrize(("status", "code"), [(401, "brand_new_code"), (403, "brand_new_code"), (403, None)])
def test_whatever_turns_us_away_at_the_door_is_about_us(
    ledger: Connection, stripe: EmulatedStripe, status: int, code: str | None
) -> None:
    said = json.dumps({"error": {"type": "invalid_request_error", "message": "No.", "code": code}})
    rule = FaultRule(
        kind=FaultKind.OTHER_ANSWER,
        method="POST",
        path_prefix="/v1/payment",
        answer=OtherAnswer(status=status, body=said),
    )
    stripe.admin.add_faults(rule)
    deliver(ledger, stripe)
    assert stands(ledger, CHARGE)[0] == "waiting"
