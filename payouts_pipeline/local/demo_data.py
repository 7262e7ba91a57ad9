"""Loads the sample season into an embedded league, and makes its people known to the Stripe emulator."""

import os
from collections.abc import Callable
from datetime import date

from payouts_pipeline import settings
from payouts_pipeline.ledger import database
from payouts_pipeline.local import season
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin

_DAY_S = 86_400


def load(last_day: date, timezone: str, pending_days: float, report: Callable[[str], None]) -> None:
    """Add what is missing of the season up to a day. A league of somebody else's is left alone.

    What cards are charged from now on becomes available after ``pending_days``.
    """
    with database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as connection:
        try:
            summary = season.load_season(connection, timezone, last_day)
        except season.ForeignLeagueError as error:
            report(f"the sample season is not loaded: {error}")
            return
    if summary.days_added:
        report(f"loaded a sample season: {summary.days_added} days up to {summary.last_day}")
    if "STRIPE_API_BASE" not in os.environ:
        report("the season's people are not known to your Stripe account: their charges will be refused")
        return
    entities = season.stripe_entities(season.reference_frames(summary.first_day, summary.last_day))
    admin = EmulatorAdmin(os.environ["STRIPE_API_BASE"])
    season.register_with_emulator(admin, entities)
    admin.set_availability_delay(round(pending_days * _DAY_S))


def take_back(day: date, report: Callable[[str], None]) -> None:
    """Have a part of what was moved for a day taken back at the Stripe emulator, as a stranger to the ledger would."""
    # Stripe's SDK takes time that loading the season should not.
    import stripe

    from payouts_pipeline.local.season.returns import Dashboard

    api_base = os.environ["STRIPE_API_BASE"]
    api = stripe.StripeClient(os.environ["STRIPE_API_KEY"], base_addresses={"api": api_base})
    for done in Dashboard(api, EmulatorAdmin(api_base)).take_back(day):
        report(done)
