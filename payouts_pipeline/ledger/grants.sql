-- What each of the roles of `roles.sql` may do in schema `payouts`, and nothing else. `payouts migrate` runs it as the
-- ledger's owner where `roles.sql` was run; it may be run again at any time.
--
-- None of the roles can write an event, an entry of a settlement, a part of an allocation or a transition, make or
-- disable a trigger, or change an amount that is booked or asked for.
revoke all on schema payouts from public, payouts_pipeline, payouts_worker, payouts_reader;
revoke all on all tables in schema payouts from public, payouts_pipeline, payouts_worker, payouts_reader;
revoke all on all routines in schema payouts from public, payouts_pipeline, payouts_worker, payouts_reader;

-- Reader: reports, `explain`, `status`, `verify`.
grant usage on schema payouts to payouts_reader;
grant select on all tables in schema payouts to payouts_reader;
grant execute on function payouts.total_minor, payouts.fingerprint to payouts_reader;

-- Worker: settles instructions. It sees no fees and no bookings, and moves an instruction along the allowed transitions;
-- what follows from that (events, entries, balances, what is open again after a cancellation) is done by triggers. What
-- it could still do wrong: say of its instructions what Stripe has not said (settled under an invented reference, or
-- refused), bring back what is held, or not keep to the rate. `payouts verify --provider` finds the first, the events
-- tell the rest, and amount and payee stay those that were booked.
grant usage on schema payouts to payouts_worker;
grant select on
    payouts.migrations, payouts.identity, payouts.identity_events, payouts.accounts, payouts.instructions,
    payouts.attempts, payouts.cancellations, payouts.judgements, payouts.return_orders, payouts.movements, payouts.events,
    payouts.held_payees, payouts.held_accounts, payouts.approved_instructions, payouts.card_refusals, payouts.rate_limit
to payouts_worker;
grant update (
    status, status_at, reason_code, reason_details, changed_by, published_at, retry_at, leased_until,
    provider_request_id, provider_reference
) on payouts.instructions to payouts_worker;
grant insert (
    instruction_id, number, stripe_account_id, stripe_customer_id, stripe_payment_method_id, sends, first_sent_at,
    last_sent_at
) on payouts.attempts to payouts_worker;
grant update (
    stripe_payment_method_id, sends, last_sent_at, outcome, code, provider_request_id, finished_at
) on payouts.attempts to payouts_worker;
grant update (next_call_at, slow_factor, slowed_at) on payouts.rate_limit to payouts_worker;
-- To lock an account takes a column that may be updated; of this one a trigger refuses every update.
grant update (subject) on payouts.accounts to payouts_worker;
grant execute on function payouts.card_history, payouts.pin to payouts_worker;

-- Pipeline: runs, which may settle as well, and what operators do (holds, approvals, cancellations, judgements).
-- It is a member of payouts_worker.
grant usage on schema payouts to payouts_pipeline;
grant select on all tables in schema payouts to payouts_pipeline;
grant insert on
    payouts.days, payouts.bookings, payouts.allocations, payouts.fees, payouts.held_out,
    payouts.calendar, payouts.releases, payouts.release_lines, payouts.charge_releases, payouts.instructions, payouts.cancellations,
    payouts.holds, payouts.judgements, payouts.movements, payouts.identity_events,
    payouts.checkpoints, payouts.account_checkpoints, payouts.feeds, payouts.balance_transactions, payouts.assignments,
    payouts.balance_looks, payouts.returns, payouts.proposals, payouts.return_order_fees, payouts.account_looks,
    payouts.paid_accounts, payouts.bank_looks, payouts.bank_failures
to payouts_pipeline;
-- What people decide; with which login is written by the database.
grant insert (instruction_id, payee_id, actor, reason) on payouts.approvals to payouts_pipeline;
grant insert (proposal_id, actor, reason) on payouts.acceptances to payouts_pipeline;
grant insert (instruction_id, takes_back_id, target, asked_minor, actor, reason)
    on payouts.return_orders to payouts_pipeline;
grant insert (account_id, to_account_id, currency, amount_minor, actor, reason)
    on payouts.adjustments to payouts_pipeline;
grant insert (subject, subject_id, stripe_account_id, actor, reason)
    on payouts.account_confirmations to payouts_pipeline;
grant update (provider_account, begins_at, read_to, seen, asked_at, opened_at) on payouts.feeds to payouts_pipeline;
grant update (asked_at, looks) on payouts.account_looks to payouts_pipeline;
grant update (paid_at) on payouts.paid_accounts to payouts_pipeline;
grant update (asked_at) on payouts.bank_looks to payouts_pipeline;
grant update (reason_code, reason_details, since) on payouts.bank_failures to payouts_pipeline;
grant insert (subject, subject_id, currency, booked_minor, in_flight_minor) on payouts.accounts to payouts_pipeline;
grant insert (booking_id, transaction_id, account_id, currency, amount_minor) on payouts.entries to payouts_pipeline;
grant update (booked_minor, released_minor, in_flight_minor) on payouts.accounts to payouts_pipeline;
grant update (charge_id, own_release_id, held_return_id) on payouts.fees to payouts_pipeline;
grant update (payout_id, held_return_id) on payouts.release_lines to payouts_pipeline;
grant update (lifted_at) on payouts.returns to payouts_pipeline;
grant update (closed_at) on payouts.proposals to payouts_pipeline;
grant update (stripe_account_id, stripe_customer_id, stripe_payment_method_id)
    on payouts.instructions to payouts_pipeline;
grant update (followed_up_at) on payouts.cancellations to payouts_pipeline;
grant update (id, provider_account, provider_mode, pinned_at) on payouts.identity to payouts_pipeline;
grant delete on payouts.held_out, payouts.charges_to_release, payouts.bank_failures to payouts_pipeline;
grant update (splits_digest) on payouts.days to payouts_pipeline;
-- To lock the row of a day, and the table of holds, of which a trigger refuses every update.
grant update (first_booked_at) on payouts.days to payouts_pipeline;
grant update on payouts.holds to payouts_pipeline;
grant execute on function payouts.total_minor, payouts.fingerprint, payouts.see_accounts,
    payouts.own_doing, payouts.is_same, payouts.is_of_person
to payouts_pipeline;
