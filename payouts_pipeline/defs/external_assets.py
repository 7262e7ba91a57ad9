"""What others make and we read, or make and others keep: schema `league`, and the account at Stripe.

They complete the lineage. Dagster does not materialise them.
"""

import dagster as dg

STRIPE = dg.AssetKey(["stripe", "balance_transactions"])
_LEAGUE = {
    "matches": "Which matches there are, when they kicked off, and whether they were played.",
    "match_players": "Who played in them, and for which club.",
    "competitions": "Which competition a match is of, and who organises it.",
    "fee_structures": "What a match of a competition costs, from which date on.",
    "fee_shares": "Whose which part of a fee is.",
    "players": "Who is charged, with the customer and the card at Stripe.",
    "clubs": "Who is paid, with the account at Stripe.",
    "organisers": "Who is paid, with the account at Stripe.",
    "partners": "Who is paid, with the account at Stripe.",
}


def league(*tables: str) -> list[dg.AssetKey]:
    """The keys of tables of schema `league`."""
    return [dg.AssetKey(["league", table]) for table in tables]


def build_external_assets() -> list[dg.AssetSpec]:
    """A specification for each."""
    tables = [
        dg.AssetSpec(key, group_name="payouts", kinds={"postgres"}, description=f"{_LEAGUE[key.path[-1]]} Read only.")
        for key in league(*_LEAGUE)
    ]
    journal = dg.AssetSpec(
        STRIPE,
        group_name="payouts",
        kinds={"stripe"},
        deps=["collected_fees", "settled_payouts"],
        description="Stripe's journal of our account: a line for all that has moved it, by us or by anybody else.",
    )
    return [*tables, journal]
