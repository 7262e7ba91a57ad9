"""What gets money going that has not settled: for many instructions in words that can be counted, for one with its ids.

Both are made of the same sentences, from the remedy of the reason (`domain.reasons`). Most of what is open continues
automatically, and saying so is half of the answer to "what must I do?".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from payouts_pipeline.domain.billing import RETURN_TYPES, WHOSE, BillingSubject, BillingType
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import Remedy, WithReason, remedy_of
from payouts_pipeline.reports.status import Instruction

# What only a person can do. In braces: whose instruction it is, and the commands.
_OF_A_PERSON = {
    Remedy.LIFT_HOLD: "lift the hold once it may go on: {unhold}; it then continues automatically{or_run}",
    Remedy.APPROVE: "check the amount, then approve it: {approve}; it then continues automatically{or_run}",
    Remedy.APPROVE_DAY: "check what the day pays out, then approve it as a whole: {approve_day}; it then continues "
    "automatically{or_run}",
    Remedy.ENTER_STRIPE_ID: "enter the {subject}'s Stripe {identity} in schema 'league' (table {subject}s); it then "
    "continues automatically{or_run}",
    Remedy.CONFIRM_ACCOUNT: "ask the {subject} whether the account is its own, then confirm it: {confirm}, or enter "
    "another in schema 'league' (table {subject}s); if the two have become one, 'payouts transfer-balance' moves "
    "what is owed; it then continues automatically{or_run}",
    Remedy.CHANGE_AMOUNT: "correct the terms in schema 'league', then {cancel} and {run}",
    Remedy.REPLACE_CARD_OR_ACCOUNT: "ask the {subject} for {working_means} and enter it in schema 'league' (table "
    "{subject}s); it then continues automatically{or_run}; if the same {means} was fixed at Stripe: {again}",
    Remedy.FINISH_ACCOUNT: "have the {subject} do what Stripe asks for its account; Stripe is asked about it as "
    "long as it takes, and it then continues automatically; at once with {retry}, or with another account in schema "
    "'league' (table {subject}s)",
    Remedy.JUDGE_MOVEMENT: "look at the movement at Stripe and find out who made it, then say so: {resolve}; "
    "nothing is sent meanwhile",
    Remedy.MATCH_MOVEMENT: "materialise the day that it names, which settles what the movement is of; where that "
    "does not help, {cancel}, then materialise that day; if the movement has nothing to do with it: {retry}",
    Remedy.RECONCILE_BALANCE: "find out where the difference comes from ('payouts sync', then 'payouts verify "
    "--provider'); once the balances agree it continues automatically{or_run}",
    Remedy.KEEP_BALANCE_IN_CURRENCY: "have our account at Stripe keep a balance in this currency (add a bank account "
    "in it in Stripe's dashboard, and top up what was converted until then); it is then retried automatically{or_run}",
    Remedy.CANCEL_RETURN: "look at Stripe's dashboard what is left of it, then {cancel}; if it can be given back now: "
    "{retry}",
    Remedy.FIX_OUR_KEY: "fix STRIPE_API_KEY; it is then retried automatically{or_run}",
    Remedy.FIX_OUR_ACCOUNT: "see in Stripe's dashboard what our own account may not do, and the request in its log; it "
    "is retried automatically{or_run}",
}
_TOP_UP = "it is retried automatically{or_run}; top up the balance at Stripe if that keeps failing"
_CONTINUES = "it continues automatically{or_run}"
_RESTS = (
    "it continues automatically after that time; ask the {subject} whether it has changed its account: if so, "
    "{confirm} pays sooner; if not, put back the old one in schema 'league' (table {subject}s)"
)
_BY_STATUS: Mapping[str, str] = {
    Status.WAITING: "it is retried automatically{or_run}, and at once with a new {means} in schema 'league'",
    Status.UNKNOWN: "Stripe is asked again automatically{or_run}; do not pay it by other means meanwhile; if that "
    "lasts for more than a day, look it up in Stripe's dashboard and say what became of it: {resolve}",
    Status.PUBLISHED: "a worker sends it automatically ('payouts worker' starts one){or_run}",
    Status.CANCELLED: "its amount is back on the account; {run} makes a new instruction of what is due then",
}
# What was taken back stays what it is: there is nothing in `league` to change.
_BY_STATUS_OF_RETURN: Mapping[str, str] = {
    **_BY_STATUS,
    Status.WAITING: "it is retried automatically{or_run}",
    Status.CANCELLED: "nothing: it was not given back",
}


@dataclass(frozen=True)
class NextAction:
    """What to do, and whether nothing moves before a person has done it."""

    text: str
    needs_person: bool


def next_action(of: WithReason) -> NextAction:
    """Of all instructions of a kind that have this status for this reason."""
    commands = {name: f"'payouts {name}'" for name in ("unhold", "approve", "cancel", "resolve", "retry", "run")}
    commands |= {"confirm": "'payouts confirm-account'", "approve_day": "'payouts approve DAY'"}
    template, needs_person = _template(of)
    text = template.format_map({**_words(of), **_with_again(commands, of), "or_run": ""})
    return NextAction(text if needs_person else f"none: {text}", needs_person)


def next_step(of: Instruction) -> str | None:
    """Of one instruction; None where it is settled."""
    if of.status == Status.SETTLED:
        return None
    run = f"'payouts run {of.day}'"
    commands = {
        "unhold": f"'payouts unhold {of.payee} --reason ...'",
        "confirm": f"'payouts confirm-account {of.payee} --reason ...'",
        "approve_day": f"'payouts approve {of.day} --reason ...'",
        "approve": f"'payouts approve {of.id} --reason ...'",
        "cancel": f"'payouts cancel {of.id} --reason ...'",
        "resolve": f"'payouts resolve {of.id} --reason ...'",
        "retry": f"'payouts retry --code {of.reason_code} --day {of.day} --reason ...'",
        "run": run,
        "or_run": f", or from then on with {run}" if of.retry_at else f", or with {run}",
    }
    return _template(of)[0].format_map({**_words(of), **_with_again(commands, of)})


def _with_again(commands: Mapping[str, str], of: WithReason) -> dict[str, str]:
    """A card that was refused stays so for whatever it is asked to pay, until a person has it tried again."""
    is_card = WHOSE[BillingType(of.billing_type)] == BillingSubject.PLAYER
    again = commands["retry"] if is_card else f"{commands['cancel']}, then {commands['run']}"
    return {**commands, "again": again}


def _template(of: WithReason) -> tuple[str, bool]:
    """The sentence, and whether it asks for a person."""
    remedy = remedy_of(of.reason_code, of.reason_details, of.billing_type)
    if remedy in _OF_A_PERSON:
        return _OF_A_PERSON[remedy], True
    if remedy == Remedy.TOP_UP_BALANCE:
        return _TOP_UP, False
    if remedy == Remedy.AWAIT_REST:
        return _RESTS, False
    by_status = _BY_STATUS_OF_RETURN if of.billing_type in RETURN_TYPES else _BY_STATUS
    return by_status.get(of.status, _CONTINUES), False


def _words(of: WithReason) -> dict[str, str]:
    """How one speaks of a player, who is charged, and of a payee."""
    subject = WHOSE[BillingType(of.billing_type)]
    if subject == BillingSubject.PLAYER:
        words = {"identity": "customer", "means": "card", "working_means": "a card that works"}
    else:
        words = {"identity": "account", "means": "account", "working_means": "an account that can receive transfers"}
    return {"subject": subject, **words}
