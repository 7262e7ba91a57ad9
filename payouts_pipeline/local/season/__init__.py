"""The sample season: an invented league, the same on every machine, with every awkward case on every day."""

from payouts_pipeline.local.season.frames import reference_frames, season_frames
from payouts_pipeline.local.season.loading import ForeignLeagueError, SeasonSummary, load_season
from payouts_pipeline.local.season.provider import StripeEntities, register_with_emulator, stripe_entities

__all__ = [
    "ForeignLeagueError",
    "SeasonSummary",
    "StripeEntities",
    "load_season",
    "reference_frames",
    "register_with_emulator",
    "season_frames",
    "stripe_entities",
]
