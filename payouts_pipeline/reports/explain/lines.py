"""Puts lines together to fees with their shares, each part with where it is; what is open comes first."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from payouts_pipeline.reports.explain.documents import Fee, Part, PayeeShare, Share, Total
from payouts_pipeline.reports.explain.facts import Facts
from payouts_pipeline.reports.explain.funds_location import AT_ITS_END, FeeLine, FundsLocation, Place, ShareLine
from payouts_pipeline.reports.explain.league_now import FeesNow, Rule, RulePart

_Line = TypeVar("_Line", FeeLine, ShareLine)
_Key = tuple[object, ...]


def fees_of(facts: Facts, now: FeesNow, fees: Sequence[FeeLine], shares: Sequence[ShareLine]) -> list[Fee]:
    """The fees that lines are of, with the shares that there are lines of."""
    shares_of = {key: list(lines) for key, lines in groupby(shares, key=_fee_key)}
    found = [_fee(facts, now, list(lines), shares_of.get(key, [])) for key, lines in groupby(fees, key=_fee_key)]
    return sorted(found, key=lambda fee: not _is_open([*fee.parts, *(part for s in fee.shares for part in s.parts)]))


def _fee_key(line: FeeLine | ShareLine) -> _Key:
    return line.day, line.match_id, line.match_player_id, line.player_id, line.currency


def _fee(facts: Facts, now: FeesNow, lines: list[FeeLine], shares: list[ShareLine]) -> Fee:
    first = lines[0]
    rule = _rule(now, first)
    return Fee(
        first.day,
        first.match_id,
        first.match_player_id,
        first.player_id,
        first.currency,
        sum(line.amount_minor for line in lines),
        rule.fee_structure_id if rule else None,
        _parts(lines, facts.of_fee),
        _shares(facts, rule, shares),
    )


def _rule(now: FeesNow, line: FeeLine | ShareLine) -> Rule | None:
    """The terms of now, if they are of the currency that was booked."""
    rule = now.rules.get(now.rule_of.get(line.match_player_id, -1))
    return rule if rule and rule.currency == line.currency else None


def _shares(facts: Facts, rule: Rule | None, lines: Iterable[ShareLine]) -> list[Share]:
    """The shares of one fee; their lines are sorted by payee."""
    return [_share(facts, rule, list(of_payee)) for _, of_payee in groupby(lines, key=lambda line: line.payee)]


def _share(facts: Facts, rule: Rule | None, lines: list[ShareLine]) -> Share:
    amount_minor = sum(line.amount_minor for line in lines)
    return Share(lines[0].payee, amount_minor, _terms(rule, lines[0]), _parts(lines, facts.of_share))


def _terms(rule: Rule | None, line: ShareLine) -> RulePart | None:
    partner_id = line.subject_id if line.billing_subject == "partner" else None
    parts = rule.parts if rule else []
    return next((p for p in parts if (p.billing_subject, p.partner_id) == (line.billing_subject, partner_id)), None)


def _parts(lines: Iterable[_Line], where_is: Callable[[_Line], FundsLocation]) -> list[Part]:
    return [_part(line, where_is(line)) for line in lines]


def _part(line: FeeLine | ShareLine, where: FundsLocation) -> Part:
    return Part(
        line.booking_id,
        line.booked_at,
        line.booked_by,
        line.amount_minor,
        where.place,
        where.instruction_id,
        where.why,
        where.next_step,
        where.retry_at,
        line.released_at,
    )


def payee_shares_of(facts: Facts, now: FeesNow, lines: Sequence[ShareLine]) -> list[PayeeShare]:
    """The shares of one payee, fee by fee."""
    found = []
    for _, of_fee in groupby(lines, key=_fee_key):
        parts = list(of_fee)
        rule = _rule(now, parts[0])
        share = _share(facts, rule, parts)
        first, structure = parts[0], rule.fee_structure_id if rule else None
        found.append(
            PayeeShare(first.match_id, first.match_player_id, first.player_id, first.currency, structure, share)
        )
    return sorted(found, key=lambda each: not _is_open(each.share.parts))


def _is_open(parts: Iterable[Part]) -> bool:
    return any(part.place not in AT_ITS_END for part in parts)


def totals_of(facts: Facts, fees: Iterable[FeeLine], shares: Iterable[ShareLine]) -> list[Total]:
    """How much is where, of the fees and of the shares; each kind adds up to what is booked."""
    placed: list[tuple[str, FeeLine | ShareLine, Place]] = [("fees", fee, facts.of_fee(fee).place) for fee in fees]
    placed += [("shares", share, facts.of_share(share).place) for share in shares]
    sums: dict[tuple[str, str, Place], list[int]] = {}
    for of, line, place in placed:
        total = sums.setdefault((of, line.currency, place), [0, 0])
        total[0] += 1
        total[1] += line.amount_minor
    order = list(Place)
    keys = sorted(sums, key=lambda key: (key[0], key[1], order.index(key[2])))
    return [Total(*key, *sums[key]) for key in keys]


def used(rules: Mapping[int, Rule], ids: Collection[int | None]) -> list[Rule]:
    """The rules that fees come under, in order."""
    return [rules[key] for key in sorted(rules) if key in set(ids)]
