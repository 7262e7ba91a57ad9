"""How explanations look on a terminal, and as JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from payouts_pipeline.cli import rendering_explain_parts as text
from payouts_pipeline.cli.rendering import line
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.reports.explain.documents import (
    AccountExplained,
    Explained,
    Fee,
    FeesExplained,
    InstructionExplained,
    Part,
    PayeeDayExplained,
    PayeeShare,
    Share,
    Uncollected,
)
from payouts_pipeline.reports.explain.funds_location import Movement, Place
from payouts_pipeline.reports.explain.league_now import Rule

# How much of each kind people are shown; JSON has all of it.
_FEES = 40
_SHARES = 25
_MOVEMENTS = 15
_DAYS = 10
_T = TypeVar("_T")


def as_json(explained: Explained) -> dict[str, Any]:
    """An explanation as JSON has it: amounts in minor units, times in UTC."""
    plain: dict[str, Any] = _plain(explained)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Movement):
        return _plain({**asdict(value), "reason": value.reason})
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return str(value) if isinstance(value, (UUID, date)) else value


def show(explained: Explained, timezone: ZoneInfo) -> None:
    """Print an explanation, with times as the clocks show them where the matches are played."""
    page = _Page(timezone)
    if isinstance(explained, FeesExplained):
        page.fees(explained)
    elif isinstance(explained, PayeeDayExplained):
        page.payee_day(explained)
    elif isinstance(explained, AccountExplained):
        page.account(explained)
    else:
        page.instruction(explained)


class _Page:
    """The lines of one explanation."""

    def __init__(self, timezone: ZoneInfo) -> None:
        self._timezone = timezone

    def _at(self, at: datetime) -> str:
        return at.astimezone(self._timezone).strftime("%Y-%m-%d %H:%M %Z")

    def fees(self, explained: FeesExplained) -> None:
        """A match, or a player's day: each fee with its shares."""
        text.heading(explained.subject, explained.days, explained.on_hold)
        text.totals(explained.totals)
        moves = {each.id: each for each in explained.instructions}
        rules = {each.fee_structure_id: each for each in explained.rules}
        more = "fees; 'payouts explain player:ID DAY' shows those of one player"
        _bounded(explained.fees, _FEES, more, lambda fee: self._fee(fee, moves, rules))
        text.rules(explained.rules, explained.rules_problem)
        text.would_book(explained.would_book)
        text.held_out(explained.held_out)
        for position in explained.accounts:
            text.position(position)

    def _fee(self, fee: Fee, moves: Mapping[UUID, Movement], rules: Mapping[int, Rule]) -> None:
        """One fee: what was booked, how it is collected, and whose it is."""
        amount = format_minor(fee.amount_minor, fee.currency)
        line(f"\nfee of player:{fee.player_id} in match:{fee.match_id} (line-up row {fee.match_player_id}), {fee.day}: "
             f"{amount}")  # fmt: skip
        for number, part in enumerate(fee.parts):
            what = f"corrected by {text.signed(part.amount_minor, fee.currency)}" if number else "booked "
            what += "" if number else format_minor(part.amount_minor, fee.currency)
            line(f"  {what} on {self._at(part.booked_at)} by {part.booked_by} (booking {part.booking_id})")
            released = f"; its shares were released on {self._at(part.released_at)}" if part.released_at else ""
            line(f"    {self._where(part, moves)}{released}")
        rule = rules.get(fee.fee_structure_id or -1)
        for share in fee.shares:
            self._share(share, share.payee, fee.currency, rule, lambda part: self._where_beside_fee(part, moves))
        if len(fee.shares) > 1:
            line(f"  shares: {text.sum_of([share.amount_minor for share in fee.shares], fee.currency)}")

    def _share(
        self, share: Share, name: str, currency: str, rule: Rule | None, where_is: Callable[[Part], str]
    ) -> None:
        """One share; with its parts where a correction has changed it."""
        begins = f"  {name}: {format_minor(share.amount_minor, currency)}{text.terms(share, rule)}"
        if len(share.parts) == 1:
            line(f"{begins}: {where_is(share.parts[0])}")
            return
        line(begins)
        for part in share.parts:
            line(f"    {text.signed(part.amount_minor, currency)} (booking {part.booking_id}): {where_is(part)}")

    def _where_beside_fee(self, part: Part, moves: Mapping[UUID, Movement]) -> str:
        """Where a share's part is, under the fee that says by itself why it is not collected."""
        if part.place == Place.NOT_COLLECTED:
            return "waits until the fee is collected"
        return self._where(part, moves)

    def _where(self, part: Part, moves: Mapping[UUID, Movement]) -> str:
        """Where a part is; what is open says why and what would move it."""
        if part.why is None:
            return f"{part.place}{self._by(moves.get(part.instruction_id)) if part.instruction_id else ''}"
        place = "" if part.place in (Place.CHARGED, Place.IN_PAYOUT) else f"{part.place}: "
        return f"{place}{part.why}{self._retry(part.retry_at)}. What moves it: {part.next_step}."

    def _retry(self, retry_at: datetime | None) -> str:
        return f"; next try on {self._at(retry_at)}" if retry_at else ""

    def _by(self, move: Movement | None) -> str:
        return f" by {move.name} on {self._at(move.status_at)} ({move.provider_reference})" if move else ""

    def payee_day(self, explained: PayeeDayExplained) -> None:
        """A payee's day: its shares, the payouts of them, the accounts."""
        text.heading(explained.subject, explained.days, explained.on_hold)
        text.totals(explained.totals)
        moves = {each.id: each for each in explained.instructions}
        rules = {each.fee_structure_id: each for each in explained.rules}
        line("\nits shares, the open ones first" if explained.shares else "\nno share of this day")
        more = "shares; --json has all of them"
        _bounded(explained.shares, _SHARES, more, lambda share: self._payee_share(share, moves, rules))
        text.rules(explained.rules, explained.rules_problem)
        paid = _paid_by(explained.shares)
        self._moves(explained.instructions, lambda each: text.of_the_day(each, paid.get(each.id, 0)))
        for position in explained.accounts:
            text.position(position)
        text.unpaid(explained.unpaid, _DAYS)
        for held_out in explained.held_out:
            line(f"held out of this day (no share of anybody): {held_out.count} fees: {held_out.reason}")

    def _payee_share(self, each: PayeeShare, moves: Mapping[UUID, Movement], rules: Mapping[int, Rule]) -> None:
        name = f"of the fee of player:{each.player_id} in match:{each.match_id}"
        rule = rules.get(each.fee_structure_id or -1)
        self._share(each.share, name, each.currency, rule, lambda part: self._where(part, moves))

    def account(self, explained: AccountExplained) -> None:
        """A player or payee: positions, what is open, and the days that can be asked for."""
        text.heading(explained.subject, [], explained.on_hold)
        for position in explained.accounts:
            text.position(position)
        moves = {each.id: each for each in explained.instructions}
        _bounded(explained.open_fees, _FEES, "fees that are not collected", lambda fee: self._fee(fee, moves, {}))
        if explained.uncollected:
            line("\nfees that are not collected, and whose shares wait for them")
            _bounded(explained.uncollected, _DAYS, "days", self._uncollected)
        text.unpaid(explained.unpaid, _DAYS)
        self._moves(explained.instructions, lambda _: "", explained.instructions_left_out)
        text.held_out(explained.held_out)
        text.days(explained.subject, explained.days, _DAYS)

    def _uncollected(self, each: Uncollected) -> None:
        amount = format_minor(each.amount_minor, each.currency)
        charge = (
            f"the charges are {each.charge_status}: {each.charge_reason}" if each.charge_status else "not charged yet"
        )
        shares = "1 share" if each.shares == 1 else f"{each.shares} shares"
        line(f"  {each.day}: {amount} in {shares}: {charge}{self._retry(each.retry_at)}")

    def _moves(self, moves: Sequence[Movement], note: Callable[[Movement], str], left_out: int = 0) -> None:
        """Instructions with their attempts."""
        if moves:
            line("\ninstructions")
        for move in moves[:_MOVEMENTS]:
            line(f"  {self._move(move)}{note(move)}")
            self._attempts(move)
        left_out += len(moves[_MOVEMENTS:])
        if left_out:
            line(f"  and {left_out} more instructions")

    def _move(self, move: Movement) -> str:
        amount = format_minor(move.amount_minor, move.currency)
        begins = f"{move.id}  {move.billing_type} of {move.day}: {amount}, {move.status}"
        if move.provider_reference:
            return f"{begins} on {self._at(move.status_at)}, {move.provider_reference}"
        stands = f"{begins} since {self._at(move.status_at)}: {move.reason}{self._retry(move.retry_at)}"
        return f"{stands}. What moves it: {move.next_step}."

    def _attempts(self, move: Movement) -> None:
        for attempt in move.attempts:
            code = f" ({attempt.code})" if attempt.code else ""
            times = f", {attempt.sends} times until {self._at(attempt.last_sent_at)}" if attempt.sends > 1 else ""
            outcome = attempt.outcome or "no outcome yet"
            request = f", request {attempt.provider_request_id}" if attempt.provider_request_id else ""
            sent = f"attempt {attempt.number} sent on {self._at(attempt.first_sent_at)}{times}"
            line(f"    {sent}: {outcome}{code}{request}, key {attempt.idempotency_key}")

    def instruction(self, explained: InstructionExplained) -> None:
        """An instruction: where it stands, its history, its attempts, and what it covers."""
        move = explained.instruction
        line(f"instruction of {move.payee}")
        line(f"  {self._move(move)}")
        if move.approved_by:
            line(f"  approved by {move.approved_by}")
        line("\nhistory")
        for event in explained.events:
            reason = f": {event.reason}" if event.reason else ""
            line(f"  {self._at(event.at)}  {event.to_status} by {event.actor}{reason}")
        if move.attempts:
            line("\nattempts")
            self._attempts(move)
        self._covered(explained)

    def _covered(self, explained: InstructionExplained) -> None:
        move = explained.instruction
        line("\ncovers" if explained.covered_minor else "\ncovers nothing any more")
        _bounded(explained.fees, _FEES, "fees", self._covered_fee)
        for each in explained.release_lines:
            amount = format_minor(each.amount_minor, move.currency)
            released = f"release {each.release_id}, {self._at(each.released_at)}"
            line(f"  shares released by the run of {each.day} ({released}): {amount}")
        if explained.covered_minor:
            line(f"  {text.covered(move, explained.covered_minor)}")

    def _covered_fee(self, fee: Fee) -> None:
        for part in fee.parts:
            amount = format_minor(part.amount_minor, fee.currency)
            line(f"  fee of match:{fee.match_id}, {fee.day} (line-up row {fee.match_player_id}, booking "
                 f"{part.booking_id}): {amount}")  # fmt: skip


def _bounded(items: Sequence[_T], most: int, of_what: str, show_one: Callable[[_T], None]) -> None:
    """The first items, and how many more there are."""
    for item in items[:most]:
        show_one(item)
    if len(items) > most:
        line(f"  and {len(items) - most} more {of_what}.")


def _paid_by(shares: Iterable[PayeeShare]) -> dict[UUID, int]:
    """How much of the shares each payout pays."""
    paid: dict[UUID, int] = {}
    for part in (part for each in shares for part in each.share.parts):
        if part.instruction_id and part.place in (Place.PAID, Place.IN_PAYOUT):
            paid[part.instruction_id] = paid.get(part.instruction_id, 0) + part.amount_minor
    return paid
