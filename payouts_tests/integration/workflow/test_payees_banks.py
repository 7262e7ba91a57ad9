"""What payees were paid and their banks sent back: found at Stripe, shown where people look, gone when it is over."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from payouts_pipeline.cli.main import payouts
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.local.stripe_emulator.admin import (
    AccountBehaviour,
    AccountSeed,
    FaultKind,
    FaultRule,
    KeySeed,
    OtherAnswer,
)
from payouts_pipeline.reports.banks import failing
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_pipeline.workflow.payee_accounts import BankLook, look_at_banks
from payouts_tests.support.emulated_stripe import API_KEY
from payouts_tests.support.leagues import DAY
from payouts_tests.support.ledger_steps import fingerprint, violations
from payouts_tests.support.stripe_books import Books

LOOKS = {"GET /v1/accounts/{id}": 1, "GET /v1/payouts": 1}


def look(books: Books, database_url: str) -> BankLook:
    with settlement(database_url, StripeAccount(API_KEY, books.emulator.url), threads=1) as parts:
        parts.stripe()
        before = books.emulator.admin.counters()
        found = look_at_banks(books.ledger, lambda: settlement(database_url, _account(books), threads=1))
    after = books.emulator.admin.counters()
    calls = {name: after[name] - before.get(name, 0) for name in LOOKS if after.get(name, 0) != before.get(name, 0)}
    assert calls in ({}, LOOKS, {"GET /v1/accounts/{id}": 1})
    return found


def _account(books: Books) -> StripeAccount:
    return StripeAccount(API_KEY, books.emulator.url)


def pass_hours(books: Books, hours: int) -> None:
    books.ledger.execute("update payouts.bank_looks set asked_at = asked_at - %s * interval '61 minutes'", (hours,))


def paid_to_the_bank(books: Books, failure_code: str | None = None, amount: int | None = None) -> dict[str, Any]:
    payout = books.emulator.admin.begin_payout("eur", amount, account="acct_club")
    return books.emulator.admin.end_payout(payout["id"], account="acct_club", failure_code=failure_code)


def said(books: Books) -> list[tuple[str, str, str]]:
    return [(each.payee, each.currency, each.reason_code) for each in failing(books.ledger)]


def test_what_the_bank_sends_back_is_seen_once_a_day_and_gone_when_the_bank_has_the_money(
    books: Books, database_url: str
) -> None:
    assert look(books, database_url) == BankLook(1, 0)
    failed = paid_to_the_bank(books, "account_closed", 400)
    assert look(books, database_url) == BankLook(), "not again within a day"
    pass_hours(books, 24)
    assert look(books, database_url) == BankLook(1, 1)
    (found,) = failing(books.ledger)
    assert (found.payee, found.currency, found.reason_code) == (f"club:{books.club}", "EUR", "account_closed")
    assert found.reason_details == {"payout": failed["id"], "amount_minor": 400}
    assert "the payout of 4.00 EUR from Stripe to its bank" in found.sentence
    assert "came back: the bank account is closed" in found.sentence
    before = fingerprint(books.ledger)
    pass_hours(books, 1)
    assert look(books, database_url) == BankLook(1, 1), "what fails is looked at every hour"
    after = fingerprint(books.ledger)
    assert {name for name in before if before[name] != after[name]} <= {"bank_looks", "rate_limit"}
    paid_to_the_bank(books)
    pass_hours(books, 1)
    assert look(books, database_url) == BankLook(1, 0)
    assert failing(books.ledger) == []
    assert violations(books.ledger) == {}


def test_what_was_paid_and_comes_back_days_later(books: Books, database_url: str) -> None:
    payout = paid_to_the_bank(books)
    look(books, database_url)
    assert failing(books.ledger) == []
    books.emulator.admin.end_payout(payout["id"], account="acct_club", failure_code="no_account")
    pass_hours(books, 24)
    look(books, database_url)
    assert said(books) == [(f"club:{books.club}", "EUR", "no_account")]


def test_an_account_to_whose_bank_stripe_pays_nothing(books: Books, database_url: str) -> None:
    books.emulator.admin.set_bank("acct_club", payouts_enabled=False, disabled_reason="requirements.past_due")
    look(books, database_url)
    (found,) = failing(books.ledger)
    assert (found.currency, found.reason_code) == ("", "payouts_disabled")
    assert "Stripe pays nothing of the payee's balance to its bank (requirements.past_due)" in found.sentence
    pass_hours(books, 1)
    look(books, database_url)
    assert failing(books.ledger)[0].since == found.since, "it is not new with each look"
    books.emulator.admin.set_bank("acct_club", payouts_enabled=True)
    pass_hours(books, 1)
    look(books, database_url)
    assert failing(books.ledger) == []


OF_ANOTHER = '{"object": "account", "id": "acct_other", "payouts_enabled": true}'


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/v1/accounts/", FaultRule(kind=FaultKind.ERROR_500)),
        ("/v1/accounts/", FaultRule(kind=FaultKind.OTHER_ANSWER, answer=OtherAnswer(status=200, body=OF_ANOTHER))),
        ("/v1/payouts", FaultRule(kind=FaultKind.ERROR_500)),
        ("/v1/payouts", FaultRule(kind=FaultKind.OTHER_ANSWER, answer=OtherAnswer.foreign(200))),
    ],
)
def test_only_a_definite_answer_says_that_it_is_over(
    books: Books, database_url: str, path: str, fault: FaultRule
) -> None:
    paid_to_the_bank(books, "account_closed", 400)
    look(books, database_url)
    paid_to_the_bank(books)
    pass_hours(books, 1)
    books.emulator.admin.add_faults(fault.model_copy(update={"method": "GET", "path_prefix": path}))
    look(books, database_url)
    books.emulator.admin.clear_faults()
    assert said(books) == [(f"club:{books.club}", "EUR", "account_closed")]


def test_an_account_that_is_not_ours_any_more_says_nothing(books: Books, database_url: str) -> None:
    books.emulator.admin.put_accounts([AccountSeed(id="acct_club", behaviour=AccountBehaviour.CLOSED)])
    assert look(books, database_url) == BankLook(1, 0)
    assert failing(books.ledger) == []


def test_a_key_without_the_permission_says_what_it_lacks(books: Books, database_url: str) -> None:
    reads = ("rak_accounts_kyc_basic_read", "rak_transfer_read", "rak_payment_intent_read")
    key = KeySeed(key="rk_test_without_payouts_0123456789", permissions=reads)
    books.emulator.admin.put_keys(key)
    account = StripeAccount(key.key, books.emulator.url)
    found = look_at_banks(books.ledger, lambda: settlement(database_url, account, threads=1))
    assert found == BankLook(1, 0, "rak_payout_read")


def test_who_was_not_paid_for_long_is_left_alone_unless_it_fails(books: Books, database_url: str) -> None:
    books.ledger.execute("update payouts.paid_accounts set paid_at = now() - interval '15 days'")
    assert look(books, database_url) == BankLook()
    books.ledger.execute("update payouts.paid_accounts set paid_at = now()")
    paid_to_the_bank(books, "account_closed")
    look(books, database_url)
    books.ledger.execute("update payouts.paid_accounts set paid_at = now() - interval '15 days'")
    pass_hours(books, 1)
    assert look(books, database_url) == BankLook(1, 1)


def test_a_payee_of_another_account_is_not_named(books: Books, database_url: str) -> None:
    paid_to_the_bank(books, "account_closed")
    look(books, database_url)
    assert failing(books.ledger, Payee(BillingSubject.CLUB, books.club))
    assert failing(books.ledger, Payee(BillingSubject.CLUB, books.club + 1)) == []
    assert failing(books.ledger, Payee(BillingSubject.ORGANISER, books.club)) == []


def test_people_see_it_in_status_and_at_the_payee(
    books: Books, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid_to_the_bank(books, "account_closed", 400)
    for name, value in {
        "PAYOUTS_DATABASE_URL": database_url,
        "STRIPE_API_KEY": API_KEY,
        "STRIPE_API_BASE": books.emulator.url,
        "PAYOUTS_TIMEZONE": "Australia/Sydney",
    }.items():
        monkeypatch.setenv(name, value)

    def command(*words: str) -> str:
        result = CliRunner().invoke(payouts, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.stdout

    command("sync")
    sentence = "came back: the bank account is closed"
    assert f"bank  club:{books.club}: the payout of 4.00 EUR from Stripe to its bank" in command("status", str(DAY))
    assert sentence in command("explain", f"club:{books.club}")
    assert sentence in command("explain", f"club:{books.club}", str(DAY))
    (in_status,) = json.loads(command("status", "--json"))["banks"]
    (in_explain,) = json.loads(command("explain", f"club:{books.club}", "--json"))["bank"]
    assert in_status == in_explain
    assert (in_status["reason_code"], in_status["amount_minor"], in_status["currency"]) == (
        "account_closed",
        400,
        "EUR",
    )
    assert "have the payee correct its bank details" in in_status["what_to_do"]
