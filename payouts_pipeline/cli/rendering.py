"""How results look on a terminal, and as JSON for other programs."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any
from unicodedata import category

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.currencies import format_minor

if TYPE_CHECKING:
    # Dagster takes seconds to import, which most commands do without.
    from payouts_pipeline.defs.materialize import DayRun
    from payouts_pipeline.domain.forecast import Forecast
    from payouts_pipeline.ledger.proposals import Proposal
    from payouts_pipeline.reports.audit import Violation
    from payouts_pipeline.reports.banks import PayeeBank
    from payouts_pipeline.reports.status import DayStatus, Instruction

# Neither moves the cursor nor turns the direction of what follows: a reason, or a name, may hold anything.
_HARMLESS = "\n\t"
_UNSEEN = ("Cc", "Cf")
# A text, or one with its style.
_Part = str | tuple[str, str]

# What other programs read goes to standard output, what people watch meanwhile to standard error.
progress = Console(stderr=True, highlight=False, markup=False, emoji=False)
_out = Console(highlight=False, markup=False, emoji=False)


def as_json(days: Sequence[dict[str, Any]]) -> None:
    """Print the one document of `--json`."""
    document({"days": list(days)})


def document(content: Mapping[str, Any]) -> None:
    """Print a JSON document."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n")


def run_as_json(run: "DayRun", status: "DayStatus") -> dict[str, Any]:
    """One day of `payouts run --json`."""
    failure = {"failure": run.failure} if run.failure else {}
    return {
        **status.as_json(),
        "checks": [asdict(check) for check in run.checks],
        "changed": asdict(run.changed),
        **failure,
    }


def _text(*parts: _Part) -> Text:
    """Parts, each with its style or without one, as they are to be read: none gives a terminal an order."""
    return Text.assemble(*((_seen(part), "") if isinstance(part, str) else (_seen(part[0]), part[1]) for part in parts))


def _seen(text: str) -> str:
    return "".join(
        each if each in _HARMLESS or category(each) not in _UNSEEN else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _say(*parts: _Part) -> None:
    _out.print(_text(*parts), soft_wrap=True)


def day(status: "DayStatus") -> None:
    """Where the money of a day is, as a table, with the reasons of all that has not settled."""
    table = _table(f"Payouts of {status.day}", "billing type", "status", "count", "amount", "why")
    for line in status.instructions:
        amount = format_minor(line.amount_minor, line.currency)
        table.add_row(
            line.billing_type, _text(_coloured(line.status)), str(line.count), amount, _text(line.reason or "")
        )
    _out.print(table if status.instructions else _nothing(status))
    for held_out in status.held_out:
        _say(("  held out", "yellow"), f"  {held_out.count} fees: {held_out.reason}")
    if status.proposal:
        proposal(status.proposal)
    for each in status.open_instructions or []:
        _instruction(each)


def waiting_for_funds(found: "Sequence[Forecast]") -> None:
    """What waits for our balance, and until when; nothing where none does."""
    from payouts_pipeline.reports.funds import sentence

    for each in found:
        if each.waiting_minor:
            _say(("  waits", "yellow"), f"  {sentence(each)}")


def payees_banks(found: "Sequence[PayeeBank]") -> None:
    """Whose money does not reach the bank, and what to do; nothing where all of it does."""
    for each in found:
        _say(("  bank", "yellow"), f"  {each.payee}: {each.sentence}; {each.what_to_do}")


def left_standing(sentences: "Sequence[str]") -> None:
    """The credits and debts that later fees and shares are to work off."""
    for each in sentences:
        _say(("  left", "yellow"), f"  {each}")


def proposal(found: "Proposal") -> None:
    """A change that waits for a person, and what to do."""
    what_to_do = (
        f"accepted: 'payouts run {found.day}' books it"
        if found.is_accepted
        else f"see 'payouts preview {found.day}', then 'payouts accept {found.day} --reason ...', or correct league"
    )
    _say(("  waits", "yellow"), f"  {found.reason}; {what_to_do}")


def _nothing(status: "DayStatus") -> str:
    """Why a day has no instruction; that nobody has run it is another thing than that nobody played."""
    if not status.is_booked:
        return f"{status.day} is not booked yet: 'payouts run {status.day}' books it, once the day is over."
    return f"{status.day}: nothing is to be paid{', since every fee is held out' if status.held_out else ''}."


def day_in_a_line(status: "DayStatus", run: "DayRun") -> None:
    """A day of a range: what is settled, what is not, and what the run has changed."""
    if not status.is_booked:
        _say(f"{status.day}  not booked")
        return
    counts = Counter[str]()
    for line in status.instructions:
        counts[line.status] += line.count
    held_out = sum(each.count for each in status.held_out)
    parts: list[_Part] = [f"{count} {name}" for name, count in sorted(counts.items())]
    parts += [f"{held_out} fees held out"] if held_out else []
    parts += [("a change waits", "yellow")] if status.proposal else []
    failed = [f"{check.asset}.{check.check}" for check in run.checks if not check.passed and check.severity == "ERROR"]
    parts += [(f"failed: {', '.join(failed)}", "red")] if failed else []
    _say(f"{status.day}  ", *_joined(parts or ["nothing is to be paid"]), f"; {_changed(run)}")


def _changed(run: "DayRun") -> str:
    changed = {name: count for name, count in asdict(run.changed).items() if count}
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in changed.items()]
    return ", ".join(parts) or "nothing had changed"


def _instruction(each: "Instruction") -> None:
    """One line, which can be cut into columns: the id is what `payouts explain` takes."""
    amount = format_minor(each.amount_minor, each.currency)
    retry = f"; next try {each.retry_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if each.retry_at else ""
    _say(f"{each.id}  {each.payee}  {amount}  ", _coloured(each.status), f"  {each.reason or ''}{retry}")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
    for column in columns:
        is_text = column in ("billing type", "status", "why", "currency")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=column != "why")
    return table


def totals(by_currency: Mapping[str, Mapping[str, int]]) -> None:
    """The proof that fees = shares: for each currency the fees, each subject's shares, and what is left: nothing."""
    shares = [subject for subject in BillingSubject if subject != BillingSubject.PLAYER]
    table = _table("Fees = shares", "currency", "fees", *shares, "difference")
    for currency, amounts in by_currency.items():
        row = [amounts.get(subject, 0) for subject in (BillingSubject.PLAYER, *shares)]
        row.append(row[0] - sum(row[1:]))
        table.add_row(currency, *(format_minor(amount, currency).removesuffix(f" {currency}") for amount in row))
    if by_currency:
        _out.print(table)


def outcome(run: "DayRun") -> None:
    """What the run changed, its failed checks, and the time it took."""
    for check in run.checks:
        if not check.passed:
            colour = "red" if check.severity == "ERROR" else "yellow"
            _say((f"  {check.severity.lower():5}", colour), f" {check.asset}.{check.check}: {check.description}")
    passed = sum(check.passed for check in run.checks)
    _out.print(f"{passed} of {len(run.checks)} checks passed.")
    if any(asdict(run.changed).values()):
        _out.print(f"{run.day}: {_changed(run)}; {run.seconds:.1f} s.")
    elif run.failure is None:
        _out.print(f"{run.day}: nothing had changed, so nothing was booked, sent or asked; {run.seconds:.1f} s.")


def violations(found: "Sequence[Violation]") -> None:
    """What the auditor found, the worst first."""
    for each in sorted(found, key=lambda each: (each.is_warning, each.rule, each.kind, each.id)):
        severity = ("warning", "yellow") if each.is_warning else ("violation", "red")
        _say(severity, f"  rule {each.rule}  {each.check}  {each.kind} {each.id}: {each.detail}")
    if found:
        line("Amounts are in minor units.")


def error(sentence: str) -> None:
    """What went wrong, and what to do."""
    progress.print(_text(("payouts:", "bold red"), f" {sentence}"), soft_wrap=True)


def line(sentence: str) -> None:
    """One line of a result."""
    _say(sentence)


def marked(mark: str, colour: str, sentence: str) -> None:
    """One line of a result that begins with how good it is."""
    _say((f"{mark:8}", colour), f" {sentence}")


def step(sentence: str) -> None:
    """What is going on meanwhile, for people who watch."""
    progress.print(_text(("·", "dim"), f" {sentence}"), soft_wrap=True)


def _coloured(status: str) -> _Part:
    return status, {"settled": "green", "rejected": "red", "unknown": "red"}.get(status, "yellow")


def _joined(parts: Sequence[_Part]) -> Sequence[_Part]:
    """With commas between them."""
    return [piece for part in parts for piece in (", ", part)][1:]
