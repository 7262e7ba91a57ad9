"""What each check is for, what its failure means, and what to do then: what the operator reads on its page."""

# The checks after which going on would book, charge or pay wrong amounts. Those of `settled_payouts` come when its
# money has moved; they fail loudly, and block nothing.
BLOCKING = frozenset(
    {
        ("matches", "each_fee_once"),
        ("splits", "shares_equal_fees"),
        ("splits", "no_negative_share"),
        ("collected_fees", "booked_equals_split"),
        ("collected_fees", "ledger_sums_to_zero"),
    }
)

MATCHES = {
    "each_fee_once": "A line-up names nobody twice, and no view multiplies rows. If it fails, players would be "
    "charged twice for a match, so the day stops before anything is booked. Correct the line-up or the view of "
    "schema 'league', and materialise the day again.",
    "every_fee_has_terms": "The competition of every match has exactly one set of terms on the day. If it fails, the "
    "fees of these competitions are held out, and the others go on. Correct league.fee_structures, and materialise "
    "the day again.",
    "every_match_has_line_up": "Every match that was played has a line-up. If it fails, nobody is charged or paid "
    "for these matches. Ask the organisers for the line-ups; once they are in league.match_players, materialise the "
    "day again.",
}

SPLITS = {
    "shares_equal_fees": "Rule of money 1: the shares of every fee add up to it, in every currency. If it fails, "
    "somebody would get too much or too little, so the day stops before anything is booked. Materialise 'matches' "
    "and 'splits' of the day again; if it stays, it is a defect of the pipeline: stop its schedule and report the "
    "figures.",
    "no_negative_share": "No fee and no share is negative. If it fails, money would flow the wrong way, so the day "
    "stops before anything is booked. Correct league.fee_structures and league.fee_shares, and materialise the day "
    "again.",
    "no_fee_held_out": "Every fee of the day could be split. If it fails, nobody is charged for the fees that are "
    "held out, and the others go on. The reasons say what to correct in schema 'league'; then materialise the day "
    "again.",
}

COLLECTED_FEES = {
    "booked_equals_split": "The ledger has booked of the day what was split, neither more nor less. If it fails, "
    "nothing is paid out of it. Materialise the day again; if it stays, somebody changed the ledger by hand: compare "
    "payouts.bookings with the figures.",
    "ledger_sums_to_zero": "Rule of money 7: every debit of the ledger has its credit. If it fails, entries were "
    "changed by hand, and nothing is paid out. Run 'payouts verify', restore them from a backup, and materialise the "
    "day again.",
    "fees_in_usual_band": "The fees are about as high as on the same weekday of the last weeks. If it fails, the day "
    "was still charged: matches may be missing or there twice, or terms may be wrong. Correct schema 'league' and "
    "materialise the day again: only the difference moves. If the day was just unusual, there is nothing to do.",
    "every_charge_settled": "Every charge of the day has come to its end. If it fails, some players have not paid "
    "yet, and the shares of their fees wait. The reasons say for what; what needs no person goes on by itself.",
}

SETTLED_PAYOUTS = {
    "instructions_equal_account_movements": "Rule of money 7: booked = settled + in flight + open for every account. "
    "If it fails, the ledger was changed by hand. Stop the schedule, run 'payouts verify', and mend what it names "
    "before anything else is paid.",
    "nobody_paid_from_uncollected_fees": "Rule of money 2: a share is paid only after its fee was collected. If it "
    "fails, we have paid money that we do not have. Stop the schedule, run 'payouts verify', and ask the payees that "
    "it names.",
    "ledger_sums_to_zero": "Rule of money 7: every debit of the ledger has its credit. If it fails, entries were "
    "changed by hand. Stop the schedule, run 'payouts verify', and restore them from a backup.",
    "audit": "The auditor, who recomputes everything from the source lines, finds no rule of money broken. If it "
    "fails, stop the schedule, run 'payouts verify', and mend what it names before anything else is paid.",
    "every_payout_settled": "Every payout of the day has come to its end. If it fails, some payees have not been "
    "paid yet. The reasons say what for; what needs no person goes on by itself.",
    "no_unknown_outcome": "Stripe has answered every call of the day. If it fails, money may have moved without us "
    "knowing. Stripe is asked again by itself; never pay these by other means.",
    "nothing_over_age": "Nothing of this day or an earlier one is open for more than ten days. If it fails, time "
    "alone will not settle it. See the reasons: mend the data in schema 'league', release or approve what is held, "
    "or cancel.",
    "no_dead_letters": "No message has died on its way to a worker; asked of all queues, whatever day the messages "
    "are of. If it fails, 'payouts redrive --dry-run' says why each of them died. No money is lost.",
}
