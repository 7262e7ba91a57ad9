"""Stripe: our key, our account, and how the ledger stands there. Only asked, and the ledger is pinned to nothing."""

from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime

from payouts_pipeline.domain.currencies import KNOWN, format_minor
from payouts_pipeline.domain.reasons import refusal_sentence
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.reports.doctor import clocks
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, halves, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.settlement import own_account
from payouts_pipeline.settlement.own_account import OwnAccount
from payouts_pipeline.settlement.standing import Standing
from payouts_pipeline.settlement.stripe_answers import Indeterminate
from payouts_pipeline.settlement.stripe_client import API_VERSION

_NEEDED = {"card_payments": "charges", "transfers": "transfers"}


def account(setup: Setup) -> Iterator[Diagnosis]:
    """The account of the key, what it may do, when its balance is paid out, and Stripe's clock."""
    if setup.is_worker_elsewhere:
        found = "not looked at: PAYOUTS_WORKERS is 0, and there is no STRIPE_API_KEY here"
        yield warning("Stripe key", found, "run 'payouts doctor' where the workers are, too.", ends=True)
        return
    before = datetime.now(UTC)
    found_account = own_account.own_account(setup.stripe)
    after = datetime.now(UTC)
    if not isinstance(found_account, OwnAccount):
        yield _no_account(found_account)
        return
    yield ok("Stripe key", f"a key of {found_account.id} in {setup.stripe.mode} mode")
    if found_account.dated:
        yield clocks.compared("clock of Stripe", found_account.dated, before, after)
    if found_account.api_version not in (None, API_VERSION):
        found = f"Stripe answers in version {found_account.api_version} of its API, and not in {API_VERSION}"
        yield problem("Stripe's API version", found, "see what stands between here and Stripe.")
    yield from _abilities(found_account, is_live=setup.stripe.mode == "live")
    yield _schedule(found_account)


def _no_account(answer: Refusal | Indeterminate) -> Diagnosis:
    """A key without the permission can still be tried for others."""
    if isinstance(answer, Indeterminate):
        found = f"Stripe can't be asked ({answer})"
        return problem("Stripe key", found, "see STRIPE_API_BASE and the network, then look again.", ends=True)
    if answer.code == "insufficient_permissions":
        lacks = answer.permission or "the permission to read accounts"
        to_do = f"give it {lacks}: a night asks first whose the key is."
        return problem("Stripe key", f"the restricted key lacks {lacks}", to_do)
    found = f"Stripe does not take our key ({answer.code}: {refusal_sentence(answer.code)})"
    return problem("Stripe key", found, "correct STRIPE_API_KEY.", ends=True)


def _abilities(found: OwnAccount, *, is_live: bool) -> Iterator[Diagnosis]:
    subject, why = "Stripe account", f" ({found.disabled_reason})" if found.disabled_reason else ""
    wrong = []
    if found.charges_enabled is False and (is_live or found.is_activated):
        wrong.append(problem(subject, f"Stripe lets it charge nobody{why}", "see in Stripe's dashboard what is asked."))
    elif found.charges_enabled is False:
        to_do = "activate it in Stripe's dashboard before a night with real money."
        wrong.append(warning(subject, "it is not activated, so that it can only make test charges", to_do))
    for name, what in _NEEDED.items():
        state = found.capabilities.get(name, "active")
        if state != "active":
            to_do = "see in Stripe's dashboard what is asked."
            wrong.append(problem(subject, f"its capability {name} is {state}, and {what} need it", to_do))
    if found.payouts_enabled is False:
        to_do = "see in Stripe's dashboard what is asked."
        wrong.append(warning(subject, f"Stripe pays nothing of its balance to your bank{why}", to_do))
    yield from wrong or [ok(subject, "it may charge and transfer")]


def _schedule(found: OwnAccount) -> Diagnosis:
    subject, to_do = "payout schedule", "set it to manual in Stripe's dashboard (Settings > Payouts)."
    if found.payout_interval == "manual":
        return ok(subject, "manual: the balance stays until it is transferred")
    if found.payout_interval is None:
        return warning(subject, "Stripe does not show it", f"see that it is manual: {to_do}")
    drained = f"{found.payout_interval}: Stripe pays the balance to your bank, out of which clubs are to be paid"
    return warning(subject, drained, to_do)


def permissions(setup: Setup) -> Iterator[Diagnosis]:
    """Each call that only reads, as a restricted key may be refused one."""
    subject, refused = "permissions of the key", False
    for call, purpose, answer in own_account.permissions(setup.stripe):
        if isinstance(answer, Refusal):
            lacks = answer.permission or answer.code
            yield problem(subject, f"Stripe refuses to {call} ({lacks})", f"give the key {lacks}: needed to {purpose}.")
        elif answer:
            yield problem(subject, f"Stripe did not answer ({answer}) when asked to {call}", "look again.")
        refused = refused or answer is not None
    if not refused:
        yield ok(subject, "all that a night reads is open to it; what it writes can only be seen by writing")
    for call, purpose, answer in own_account.permissions_to_follow(setup.stripe):
        if isinstance(answer, Refusal):
            lacks = answer.permission or answer.code
            to_do = f"give the key {lacks}: needed to {purpose}; a night is paid without it."
            yield warning(subject, f"Stripe refuses to {call} ({lacks})", to_do)


def standing(setup: Setup) -> Iterator[Diagnosis]:
    """Whether this ledger may use this account: the rules by which a night stops before its first call."""
    subject = "ledger at Stripe"
    try:
        ledger, found = Standing(setup.ledger, setup.stripe).judge()
    except PayoutsError as error:
        yield problem(subject, *halves(str(error)))
        return
    if ledger.account is None:
        yield ok(subject, f"ledger {ledger.id} belongs to no account yet; its first call makes it {found}'s")
    else:
        yield ok(subject, f"ledger {ledger.id} belongs to {found}, and Stripe has nothing of it that it does not know")


def balance(setup: Setup) -> Iterator[Diagnosis]:
    """Whether what is to be paid out is there, and a balance in each currency that is charged."""
    found = own_account.balances(setup.stripe)
    if not isinstance(found, list):
        yield _no_balance(found)
        return
    yield _covers(setup, {each.currency: each.available_minor for each in found})
    yield from _without_balance(setup, {each.currency for each in found})


def _no_balance(answer: Refusal | Indeterminate) -> Diagnosis:
    if isinstance(answer, Indeterminate):
        return warning("balance at Stripe", f"it can't be seen ({answer})", "look again.")
    to_do = "give the key the permission to read it: no payout is sent without knowing what covers it."
    return problem("balance at Stripe", f"it can't be seen ({answer.permission or answer.code})", to_do)


def _covers(setup: Setup, available: Mapping[str, int]) -> Diagnosis:
    subject = "balance at Stripe"
    with setup.ledger() as connection:
        owed = {str(currency): int(amount) for currency, amount in connection.execute(sql("owed_to_payees"))}
    short = {currency: owed[currency] - available.get(currency, 0) for currency in owed}
    short = {currency: amount for currency, amount in short.items() if amount > 0}
    if not short:
        return ok(subject, "it covers what is to be paid out now", available_minor=available, owed_minor=owed)
    shown = ", ".join(format_minor(amount, currency) for currency, amount in short.items())
    found = f"it is short of {shown} for what is to be paid out"
    to_do = "top it up at Stripe, or wait until pending charges are available: payouts are retried by themselves."
    return warning(subject, found, to_do, available_minor=available, owed_minor=owed, short_minor=short)


def _without_balance(setup: Setup, there: Set[str]) -> Iterator[Diagnosis]:
    """Stripe names every currency in which an account has a balance; where it names none, that says nothing."""
    missing = sorted(_charged(setup) - there) if there else []
    if missing:
        found = f"our account has none in {', '.join(missing)}, in which schema 'league' has fees"
        to_do = (
            "add a bank account in the currency in Stripe's dashboard: else Stripe converts what is charged, and no "
            "payout in it is sent."
        )
        yield warning("balance at Stripe", found, to_do, currencies=missing)


def _charged(setup: Setup) -> Set[str]:
    """The currencies of the fees in schema `league`; none where that can't be read, which is a finding of its own."""
    try:
        with setup.source() as connection:
            return {*reader.currencies(connection)} & KNOWN
    except PayoutsError:
        return set()
