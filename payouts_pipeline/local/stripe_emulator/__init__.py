"""An honest, stateful stand-in for Stripe in its own process.

Start it with `python -m payouts_pipeline.local.stripe_emulator --port PORT --state PATH`. It shares no rule
with the pipeline, so that a wrong rule there meets a second opinion here.
"""
