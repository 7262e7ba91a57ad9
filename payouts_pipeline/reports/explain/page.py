"""How explanations read: lines of text, the parts of a part indented below it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from payouts_pipeline.domain.billing import RETURN_TYPES
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.reports.explain import documents
from payouts_pipeline.reports.explain import parts as text
from payouts_pipeline.reports.explain.documents import Fee, FundsLocation, Part, PayeeShare, Place, Share
from payouts_pipeline.reports.explain.league_now import Rule
from payouts_pipeline.reports.explain.snapshot import Adjustment, Instruction, Returned, ReturnOrder, Uncollected

# How much of each kind people are shown; JSON has all of it.
_FEES = 40
_NAMES = 8
_SHARES = 25
_MOVEMENTS = 15
_DAYS = 10


def lines(explained: documents.Explained, timezone: ZoneInfo) -> list[str]:
    """An explanation as people read it, with times as the clocks show them where the matches are played."""
    page = _Page(timezone)
    if isinstance(explained, documents.FeesExplained):
        page.fees(explained)
    elif isinstance(explained, documents.PayeeDayExplained):
        page.payee_day(explained)
    elif isinstance(explained, documents.AccountExplained):
        page.account(explained)
    else:
        page.instruction(explained)
    return page.lines


class _Page:
    """The lines of one explanation."""

    def __init__(self, timezone: ZoneInfo) -> None:
        self.lines: list[str] = []
        self._timezone = timezone
        self._instructions: Mapping[UUID, Instruction] = {}
        self._rules: Mapping[int, Rule] = {}
        # Where it is said of parts what several wait for: above all fees.
        self._see: dict[Part, str] = {}

    def _line(self, line: str) -> None:
        self.lines.append(line)

    def _at(self, at: datetime) -> str:
        return at.astimezone(self._timezone).strftime("%Y-%m-%d %H:%M %Z")

    def fees(self, explained: documents.FeesExplained) -> None:
        """A match, or a player's day: each fee with its shares."""
        self._knows(explained.instructions, explained.rules)
        self.lines += text.heading(explained.subject, explained.days, explained.on_hold)
        self.lines += text.totals(explained.totals)
        self._fees(explained.fees, "; 'payouts explain player:ID DAY' shows those of one player")
        self.lines += text.rules(explained.rules, explained.rules_problem)
        self.lines += text.would_book(explained.would_book)
        self.lines += text.held_out(explained.held_out)
        for position in explained.accounts:
            self.lines += text.position(position)

    def _knows(self, instructions: Iterable[Instruction], rules: Iterable[Rule]) -> None:
        self._instructions = {each.id: each for each in instructions}
        self._rules = {each.fee_structure_id: each for each in rules}

    def _fees(self, fees: Sequence[Fee], where_more: str) -> None:
        """What several of them wait for, and each of them."""
        several = [parts for parts in text.alike(text.open_parts(fees)) if len(parts) > 1]
        if several:
            self._line("\nwaiting for the same")
        for number, parts in enumerate(several, 1):
            self._alike(f"[{number}] ", parts, _NAMES, "")
            ids = zip(parts, text.common(parts)[1], strict=True)
            self._see |= {each.part: f"see [{number}]{own_id}" for each, own_id in ids}
        for fee in fees[:_FEES]:
            self._fee(fee)
        self.lines += text.more(len(fees) - _FEES, "fee", where_more)

    def _alike(self, number: str, parts: text.Alike, most: int, where_more: str) -> None:
        """What is to be said of parts once, and which ones they are."""
        common, ids = text.common(parts)
        said = self._located(common, [each.part.retry_at for each in parts])
        self._line(f"  {number}{text.how_many(parts)}: {said}")
        for each, own_id in zip(parts[:most], ids, strict=False):
            self._line(f"    {each}{own_id}")
        self.lines += text.more(len(parts) - most, parts[0].what, where_more)

    def _fee(self, fee: Fee) -> None:
        """One fee: what was booked, how it is collected, and whose it is."""
        amount = format_minor(fee.amount_minor, fee.currency)
        self._line(f"\nfee of {fee} (line-up row {fee.match_player_id}), {fee.day}: "
             f"{amount}")  # fmt: skip
        for number, part in enumerate(fee.parts):
            what = f"corrected by {text.signed(part.amount_minor, fee.currency)}" if number else "booked "
            what += "" if number else format_minor(part.amount_minor, fee.currency)
            self._line(f"  {what} on {self._at(part.booked_at)} by {part.booked_by} (booking {part.booking_id})")
            released = f"; its shares were released on {self._at(part.released_at)}" if part.released_at else ""
            self._line(f"    {self._where(part)}{released}")
        for share in fee.shares:
            self._share(share, fee.currency, self._rules.get(fee.fee_structure_id or -1))
        if len(fee.shares) > 1:
            self._line(f"  shares: {text.sum_of([share.amount_minor for share in fee.shares], fee.currency)}")

    def _share(self, share: Share, currency: str, rule: Rule | None) -> None:
        """One share; with its parts where a correction has changed it."""
        begins = f"  {share.payee}: {format_minor(share.amount_minor, currency)}{text.terms(share, rule)}"
        if len(share.parts) == 1:
            self._line(f"{begins}: {self._where(share.parts[0])}")
            return
        self._line(begins)
        for part in share.parts:
            self._line(
                f"    {text.signed(part.amount_minor, currency)} (booking {part.booking_id}): {self._where(part)}"
            )

    def _where(self, part: Part) -> str:
        """Where a part of a fee or of its shares is. A fee that is not collected says by itself why not."""
        if part.place == Place.NOT_COLLECTED:
            return "waits until the fee is collected"
        return f"{part.place}: {self._see[part]}" if part in self._see else self._located(part)

    def _located(self, where: FundsLocation, retries_at: Sequence[datetime | None] = ()) -> str:
        """Where money is; of what is open why, and the next step."""
        if where.why is None:
            return f"{where.place}{self._by(where.instruction_id)}"
        place = "" if where.place in (Place.CHARGED, Place.IN_PAYOUT) else f"{where.place}: "
        return f"{place}{where.why}{self._retry(where.retry_at, *retries_at)}. Next step: {where.next_step}."

    def _retry(self, *retries_at: datetime | None) -> str:
        """When something is tried again, or several things."""
        times = sorted({self._at(at) for at in retries_at if at})
        if len(times) > 1:
            return f"; next tries from {times[0]} to {times[-1]}"
        return f"; next try on {times[0]}" if times else ""

    def _by(self, instruction_id: UUID | None) -> str:
        by = self._instructions.get(instruction_id) if instruction_id else None
        if by is None:
            return ""
        return f" by {by.name} on {self._at(by.status_at)} ({by.provider_reference}){text.came_back(by)}"

    def payee_day(self, explained: documents.PayeeDayExplained) -> None:
        """A payee's day: its shares, the payouts of them, the accounts."""
        self._knows(explained.instructions, explained.rules)
        self.lines += text.heading(explained.subject, explained.days, explained.on_hold)
        self.lines += text.bank(explained.bank)
        self.lines += text.totals(explained.totals)
        self._payee_shares(explained.shares)
        self.lines += text.rules(explained.rules, explained.rules_problem)
        paid = text.paid_by(explained.shares)
        self._moves(explained.instructions, lambda each: text.of_the_day(each, paid.get(each.id, 0)))
        for position in explained.accounts:
            self.lines += text.position(position)
        self.lines += text.unpaid(explained.unpaid, _DAYS)
        for held_out in explained.held_out:
            self._line(f"held out of this day (no share of anybody): {held_out.count} fees: {held_out.reason}")

    def _payee_shares(self, shares: Sequence[PayeeShare]) -> None:
        """The shares, those together of which the same is to be said."""
        self._line("\nits shares, the open ones first" if shares else "\nno share of this day")
        alike = text.alike(part for share in shares for part in self._payee_parts(share))
        for parts in alike[:_SHARES]:
            if len(parts) > 1:
                self._alike("", parts, _SHARES, "; --json has all of them.")
            else:
                self._line(f"  {parts[0]}: {self._located(parts[0].part)}")
        self.lines += text.more(sum(map(len, alike[_SHARES:])), "share", "; --json has all of them.")

    def _payee_parts(self, each: PayeeShare) -> list[text.NamedPart]:
        """Each part with its name; with its booking where a correction has changed the share."""
        name = f"of the fee of {each}"
        terms = text.terms(each.share, self._rules.get(each.fee_structure_id or -1))
        if len(each.share.parts) == 1:
            return [text.NamedPart(name, each.currency, each.share.parts[0], terms)]
        whole = f"of {format_minor(each.share.amount_minor, each.currency)}{terms}"
        return [text.NamedPart(name, each.currency, p, f" {whole}, booking {p.booking_id}") for p in each.share.parts]

    def account(self, explained: documents.AccountExplained) -> None:
        """A player or payee: positions, what is open, and the days that can be asked for."""
        self._knows(explained.instructions, [])
        self.lines += text.heading(explained.subject, [], explained.on_hold)
        self.lines += text.bank(explained.bank)
        for position in explained.accounts:
            self.lines += text.position(position)
        self._fees(explained.open_fees, " that are not collected")
        if explained.uncollected:
            self._line("\nfees that are not collected, and whose shares wait for them")
        for each in explained.uncollected[:_DAYS]:
            self._uncollected(each)
        self.lines += text.more(len(explained.uncollected) - _DAYS, "line")
        self.lines += text.unpaid(explained.unpaid, _DAYS)
        for adjustment in explained.adjustments[:_DAYS]:
            self._adjustment(adjustment)
        self.lines += text.more(len(explained.adjustments) - _DAYS, "adjustment")
        self._moves(explained.instructions, lambda _: "", explained.instructions_left_out)
        self.lines += text.held_out(explained.held_out)
        self.lines += text.days(explained.subject, explained.days, _DAYS)

    def _adjustment(self, each: Adjustment) -> None:
        amount = format_minor(abs(each.amount_minor), each.currency)
        way = "from" if each.amount_minor > 0 else "to"
        what = f"moved {way} {each.other}" if each.other else "written off"
        self._line(f"\n{amount} {what} by {each.actor} on {self._at(each.at)}: {each.reason}")

    def _uncollected(self, each: Uncollected) -> None:
        amount = format_minor(each.amount_minor, each.currency)
        charge = (
            f"the charges are {each.charge_status}: {each.charge_reason}" if each.charge_status else "not charged yet"
        )
        shares = "1 share" if each.shares == 1 else f"{each.shares} shares"
        self._line(f"  {each.day}: {amount} in {shares}: {charge}{self._retry(each.retry_at)}")

    def _moves(self, moves: Sequence[Instruction], note: Callable[[Instruction], str], left_out: int = 0) -> None:
        """Instructions with their attempts."""
        if moves:
            self._line("\ninstructions")
        for move in moves[:_MOVEMENTS]:
            self._line(f"  {self._move(move)}{note(move)}")
            self._attempts(move)
        self.lines += text.more(len(moves[_MOVEMENTS:]) + left_out, "instruction")

    def _move(self, move: Instruction) -> str:
        amount = format_minor(move.amount_minor, move.currency)
        begins = f"{move.id}  {move.billing_type} of {move.day}: {amount}, {move.status}"
        if move.provider_reference:
            return f"{begins} on {self._at(move.status_at)}, {move.provider_reference}{text.came_back(move)}"
        stands = f"{begins} since {self._at(move.status_at)}: {move.reason}{self._retry(move.retry_at)}"
        return f"{stands}. Next step: {move.next_step}."

    def _attempts(self, move: Instruction) -> None:
        for attempt in move.attempts:
            code = f" ({attempt.code})" if attempt.code else ""
            times = f", {attempt.sends} times until {self._at(attempt.last_sent_at)}" if attempt.sends > 1 else ""
            outcome = attempt.outcome or "no outcome yet"
            request = f", request {attempt.provider_request_id}" if attempt.provider_request_id else ""
            sent = f"attempt {attempt.number} sent on {self._at(attempt.first_sent_at)}{times}"
            self._line(f"    {sent}: {outcome}{code}{request}, key {attempt.idempotency_key}")

    def instruction(self, explained: documents.InstructionExplained) -> None:
        """An instruction: where it stands, its history, its attempts, and what it pays for."""
        move = explained.instruction
        self._line(f"instruction of {move.payee}")
        self._line(f"  {self._move(move)}")
        if move.approved_by:
            self._line(f"  approved by {move.approved_by}")
        self._line("\nhistory")
        for event in explained.events:
            reason = f": {event.reason}" if event.reason else ""
            self._line(f"  {self._at(event.at)}  {event.to_status} by {event.actor}{reason}")
        if move.attempts:
            self._line("\nattempts")
            self._attempts(move)
        for order in explained.return_orders:
            self._return_order(move, order)
        if explained.returned:
            self._line("\ncame back")
        for returned in explained.returned:
            self._returned(move, returned)
        if move.billing_type not in RETURN_TYPES:
            self._paid_for(explained)

    def _return_order(self, move: Instruction, order: ReturnOrder) -> None:
        """What is given back: of this instruction, or by it."""
        what = f"gives back {order.takes_back_id}" if order.instruction_id == move.id else "is given back"
        amount = format_minor(order.amount_minor, move.currency)
        asked = f"asked for by {order.actor} on {self._at(order.at)}: {order.reason}"
        self._line(f"\n{what}: {amount} by {order.instruction_id}, {order.status}; {asked}")
        for fee in order.fees[:_FEES]:
            amount = format_minor(fee["amount_minor"], move.currency)
            row = f"line-up row {fee['match_player_id']}"
            self._line(f"  of the fee of match:{fee['match_id']}, {fee['day']} ({row}): {amount}")
        self.lines += text.more(len(order.fees) - _FEES, "fee")

    def _returned(self, move: Instruction, each: Returned) -> None:
        """One refund, dispute or reversal: by what, whether we had asked for it, and where the money stands since."""
        amount, left = (format_minor(minor, move.currency) for minor in (each.amount_minor, each.left_minor))
        by = f"{each.category.replace('_', ' ')} {each.source_id or each.transaction_id}"
        asked = f"asked for by {each.order_id}" if each.order_id else "not asked for here"
        self._line(f"  {self._at(each.happened_at)}  {amount} by {by}, {asked}; {left} of it are left")
        self._line(f"    {text.since_returned(move, each)} (booked on {self._at(each.booked_at)})")

    def _paid_for(self, explained: documents.InstructionExplained) -> None:
        move = explained.instruction
        self._line("\npays for" if explained.covered_minor else "\npays for nothing any more")
        for fee in explained.fees[:_FEES]:
            for part in fee.parts:
                amount = format_minor(part.amount_minor, fee.currency)
                self._line(f"  fee of match:{fee.match_id}, {fee.day} (line-up row {fee.match_player_id}, booking "
                     f"{part.booking_id}): {amount}")  # fmt: skip
        self.lines += text.more(len(explained.fees) - _FEES, "fee")
        for each in explained.release_lines:
            amount = format_minor(each.amount_minor, move.currency)
            released = f"release {each.release_id}, {self._at(each.released_at)}"
            what = "taken back of it" if each.return_id else f"shares released by the run of {each.day}"
            self._line(f"  {what} ({released}): {amount}")
        if explained.covered_minor:
            self._line(f"  {text.paid_for(move, explained.covered_minor)}")
