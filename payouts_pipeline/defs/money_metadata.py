"""What an operator sees of a day on the pages of `collected_fees` and `settled_payouts`.

In the order of the questions: did it go out and for how much, what is stuck and why, what must I do; then charts,
figures that Dagster plots, and what this materialisation changed. Payees are named as on the command line, `club:17`:
no name, Stripe id or secret is in it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self
from zoneinfo import ZoneInfo

import dagster as dg

from payouts_pipeline.defs.metadata import MOST_ROWS, Row, counted, table, to_plot
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports import funds, overview
from payouts_pipeline.reports.charts.days import DAYS, draw_days
from payouts_pipeline.reports.charts.flow import draw_flow
from payouts_pipeline.reports.charts.sheet import Sheet
from payouts_pipeline.reports.next_action import next_action
from payouts_pipeline.reports.overview import HELD, OPEN, REFUSED, SETTLED, STATES, state_of
from payouts_pipeline.reports.status import DayStatus, Instruction, Line, booked_totals, day_status
from payouts_pipeline.workflow.pay_day import Changed

# A summary longer than a thousand characters is hidden behind a link in the UI.
_MOST_CURRENCIES = 4
_MOST_ACTIONS = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Words:
    """How one of the two assets speaks of its instructions."""

    what: str
    went: str
    settled: str
    nothing: str


_CHARGES = _Words(
    "charge",
    "went through",
    "Collected",
    "**No charge of this day's own:** its fees are held out, free, paid for by a credit, or in another day's charges.",
)
_PAYOUTS = _Words(
    "payout",
    "went out",
    "Paid out",
    "**No payout of this day's own:** it had nothing to pay out, or that is in another day's payouts.",
)
_NO_MATCH = "**No match was played on this day:** nothing is to be collected or paid out."
_HEADS = {OPEN: "Open", HELD: "Held", REFUSED: "Refused"}


@dataclass(frozen=True)
class MoneyPage:
    """The pages of one run of one of the assets. ``last_day`` is the run's: it alone gets the chart of the weeks."""

    ledger: Connection
    billing_types: Sequence[BillingType]
    timezone: ZoneInfo
    last_day: date

    @classmethod
    def of_run(
        cls, context: dg.AssetExecutionContext, ledger: Connection, billing_types: Sequence[BillingType]
    ) -> Self:
        """The pages of the asset and the days that this step works on; times are shown as the partitions have them."""
        partitions = context.assets_def.partitions_def
        timezone = partitions.timezone if isinstance(partitions, dg.TimeWindowPartitionsDefinition) else "UTC"
        last_day = date.fromisoformat([*context.partition_keys][-1])
        return cls(ledger, billing_types, ZoneInfo(timezone), last_day)

    def of(self, day: date, changed: Changed) -> dict[str, Any]:
        """Everything about one day, as it stands in the ledger now, and what was changed.

        The day's money has moved by now: whatever is wrong with its page must not fail the day.
        """
        try:
            shown = self._shown(day)
        except Exception as error:
            _log.warning("the page of %s could not be made", day, exc_info=True)
            shown = {"summary": _without_page(day, error)}
        return shown | {f"changed_{name}": count for name, count in asdict(changed).items()}

    def _shown(self, day: date) -> dict[str, Any]:
        status = day_status(self.ledger, day)
        lines = self._lines(status)
        return {
            "summary": dg.MetadataValue.md(self._summary(status, lines)),
            "open": self._open(day, lines),
            **self._funds(),
            **self._given_back(status),
            **self._charts(day, status),
            "status": _status(lines),
            **_figures(lines),
        }

    @property
    def _words(self) -> _Words:
        return _CHARGES if BillingType.PLAYER_CHARGE in self.billing_types else _PAYOUTS

    def _lines(self, status: DayStatus) -> list[Line]:
        """Where the instructions of the asset stand; what was cancelled is on the account again, and no news."""
        of_asset = [line for line in status.instructions if line.billing_type in self.billing_types]
        return [line for line in of_asset if line.status != "cancelled"]

    def _summary(self, status: DayStatus, lines: Sequence[Line]) -> str:
        """The answer in a few lines of Markdown: how it went, how much, and what a person must do."""
        held_out = sum(each.count for each in status.held_out)
        if not status.instructions and not held_out and not booked_totals(self.ledger, status.day):
            return _NO_MATCH
        said = [_headline(lines, self._words), *_amounts(lines, self._words), _next_actions(lines, self._words)]
        if held_out:
            said.append(f"**Held out:** {counted(held_out, 'fee')}, charged to nobody: asset `splits` says why.")
        return "\n\n".join(said)

    def _open(self, day: date, lines: Sequence[Line]) -> Any:
        """What has not settled, by name: what needs a person first, then the oldest and the largest.

        ``lines`` were read before: workers elsewhere may have settled some of them since. Only a full table is cut.
        """
        found = overview.open_instructions(self.ledger, day, self.billing_types, MOST_ROWS)
        rows: list[Row] = [self._row(each) for each in found]
        count = sum(line.count for line in lines if line.status not in ("settled", "open"))
        if count > len(rows) == MOST_ROWS:
            rows.append({**dict.fromkeys(rows[0], ""), "payee": f"and {count - len(rows):,} more"})
        return table(rows)

    def _given_back(self, status: DayStatus) -> dict[str, Any]:
        """What operators have asked Stripe to give back of the asset's instructions; nothing on most days."""
        kind = BillingType.CHARGE_REFUND if self._words is _CHARGES else BillingType.PAYOUT_REVERSAL
        asked = [line for line in status.instructions if line.billing_type == kind and line.status != "cancelled"]
        return {"given_back": _status(asked)} if asked else {}

    def _row(self, each: Instruction) -> Row:
        """Few columns of short words: the UI breaks lines, but a table that is too wide it cuts off."""
        next_try = f" (next on {each.retry_at.astimezone(self.timezone):%Y-%m-%d at %H:%M})" if each.retry_at else ""
        return {
            "payee": f"{each.payee} {each.id}",
            "amount": format_minor(each.amount_minor, each.currency),
            "why": f"{each.status}: {each.reason}",
            "next action": next_action(each).text + next_try,
        }

    def _funds(self) -> dict[str, Any]:
        """What payouts of any day wait for; nothing where none waits."""
        waiting = [each for each in funds.forecast(self.ledger) if each.waiting_minor]
        if self._words is not _PAYOUTS or not waiting:
            return {}
        return {"waits_for_our_balance": dg.MetadataValue.md("\n\n".join(map(funds.sentence, waiting)))}

    def _charts(self, day: date, status: DayStatus) -> dict[str, Any]:
        charts = {"chart_of_30_days": self._chart_of_days(day)}
        if self._words is _PAYOUTS:
            charts = {"chart_of_the_day": self._chart_of_day(day, status)} | charts
        return charts

    def _chart_of_day(self, day: date, status: DayStatus) -> Any:
        held_out = sum(each.count for each in status.held_out)
        note = f"{counted(held_out, 'fee')} held out and not drawn: see asset splits." if held_out else ""
        title = f"Where the fees of {day:%A, %d %B %Y} went"
        lines = overview.flow(self.ledger, day)
        return chart(title, lambda: draw_flow(title, lines, note))

    def _chart_of_days(self, day: date) -> Any:
        """Only for the last day of a run: a backfill of a month would draw nearly the same thirty times."""
        if day != self.last_day:
            return f"drawn once for the run, on its last day: see partition {self.last_day}"
        title = f"{self._words.what.capitalize()}s of the {DAYS} days up to {day:%A, %d %B %Y}"
        amounts = overview.last_days(self.ledger, day, DAYS, self.billing_types)
        return chart(title, lambda: draw_days(title, day, amounts))


def _without_page(day: date, error: Exception) -> Any:
    return dg.MetadataValue.md(
        f"**The page could not be made ({type(error).__name__}).** The day's money has moved all the same: "
        f"`payouts status {day}` shows where it stands."
    )


def _headline(lines: Sequence[Line], words: _Words) -> str:
    instructions = [line for line in lines if line.status != "open"]
    count = sum(line.count for line in instructions)
    settled = sum(line.count for line in instructions if line.status == "settled")
    if not lines:
        return words.nothing
    if not count:
        return f"**No {words.what} was made yet.**"
    if settled == count:
        return f"**{counted(count, words.what)}: all {words.went}.**"
    return f"**{settled:,} of {counted(count, words.what)} {words.went}.**"


def _amounts(lines: Sequence[Line], words: _Words) -> list[str]:
    """How much is settled, open, held and refused, by currency."""
    heads = {SETTLED: words.settled, **_HEADS}
    sums = _sums(lines)
    said = []
    for state in STATES:
        of_state = {currency: minor for (each, currency), minor in sums.items() if each == state and minor}
        if of_state:
            amounts = [format_minor(minor, currency) for currency, minor in of_state.items()][:_MOST_CURRENCIES]
            more = f" and {len(of_state) - _MOST_CURRENCIES} more currencies" if len(of_state) > len(amounts) else ""
            said.append(f"**{heads[state]}:** {', '.join(amounts)}{more}")
    return ["; ".join(said) + "."] if said else []


def _next_actions(lines: Sequence[Line], words: _Words) -> str:
    """What needs a person, by what there is to do, the most first."""
    actions: Counter[str] = Counter()
    for line in lines:
        action = next_action(line)
        if action.needs_person:
            actions[action.text] += line.count
    if not actions:
        is_done = all(line.status == "settled" for line in lines)
        return "**Next action:** none." if is_done else "**Next action:** none; what is open continues automatically."
    shown = [f"{counted(count, words.what)}: {text}" for text, count in actions.most_common(_MOST_ACTIONS)]
    more = f"\n- and {len(actions) - _MOST_ACTIONS} more: see `open`" if len(actions) > _MOST_ACTIONS else ""
    return "**Next actions:**\n\n- " + "\n- ".join(shown) + more


def _status(lines: Sequence[Line]) -> Any:
    """Counts and amounts by billing type, status and reason."""
    rows: list[Row] = [
        {
            "billing type": line.billing_type.replace("_", " "),
            "status": line.status,
            "count": line.count,
            "amount": format_minor(line.amount_minor, line.currency),
            "why": line.reason or "",
        }
        for line in lines
    ]
    if len(rows) > MOST_ROWS:
        more = f"and {len(rows) - MOST_ROWS:,} more"
        rest: Row = {**dict.fromkeys(rows[0], ""), "billing type": more, "why": "payouts status shows all"}
        rows = [*rows[:MOST_ROWS], rest]
    return table(rows)


def _figures(lines: Sequence[Line]) -> dict[str, float]:
    """Amounts as Dagster plots them over the days."""
    sums = _sums(lines)
    currencies = sorted({currency for _, currency in sums})
    return {
        f"{name} {currency}": to_plot(sum(sums[state, currency] for state in states), currency)
        for currency in currencies
        for name, states in (("settled", [SETTLED]), ("not settled", [OPEN, HELD, REFUSED]))
    }


def _sums(lines: Sequence[Line]) -> Counter[tuple[str, str]]:
    """Minor units by state and currency."""
    sums: Counter[tuple[str, str]] = Counter()
    for line in lines:
        sums[state_of(line.status), line.currency] += line.amount_minor
    return sums


def chart(title: str, draw: Callable[[], Sheet | None]) -> Any:
    """A chart as the UI shows it; a sentence where there is nothing to draw.

    What is wrong with one must not take the rest of the page with it.
    """
    try:
        sheet = draw()
        return dg.MetadataValue.md(sheet.as_markdown(title)) if sheet else "nothing to draw: there was no money to move"
    except Exception as error:
        _log.warning("the chart '%s' could not be drawn", title, exc_info=True)
        return f"could not be drawn ({type(error).__name__}); the tables beside it have the same figures"
