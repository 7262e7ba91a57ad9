"""An honest, stateful stand-in for Stripe in its own process.

Start it with `python -m payouts_pipeline.local.stripe_emulator --port PORT --state PATH`. It shares no rule
with the pipeline, so that a wrong rule there meets a second opinion here.

A request comes in by `wire`, and `dispatch` asks the faults, the key (`keys`, `platforms`) and the idempotency keys
before an endpoint is executed: payment intents in `charges`, `attempts` and `processing`, what is paid out in
`transfers`, what is taken back in `refunds`, `disputes` and `reversals`, what goes to and comes from banks in `payouts`
and `topups`, who there is in `accounts`, `customers` and `platform_account`. Whatever moves the platform's `balance`
is one of its `balance_transactions`, and whatever changes is told by `events`.

The admin API (`admin` is its client) says who exists (`seeds`), what goes wrong (`models`), and what Stripe and the
banks do to the books that nobody asks for (`orders`).
"""
