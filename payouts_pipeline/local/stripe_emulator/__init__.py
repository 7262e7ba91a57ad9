"""An honest, stateful stand-in for Stripe in its own process.

Start it with `python -m payouts_pipeline.local.stripe_emulator --port PORT --state PATH`. It shares no rule
with the pipeline, so that a wrong rule there meets a second opinion here.

A request comes in by `wire`, and `dispatch` asks the faults, the key (`keys`, `platforms`) and the idempotency keys
before an endpoint is executed: payment intents in `charges`, `attempts` and `processing`, what is paid out in
`transfers`, who there is in `accounts`, `customers` and `platform_account`. The admin API (`admin` is its client)
says who exists (`seeds`) and what goes wrong (`models`).
"""
