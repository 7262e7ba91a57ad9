"""The guards of the promise, each as the patch that removes it and the tests that must notice."""

from dataclasses import dataclass

_LEDGER = "payouts_pipeline/ledger"
_SQL = f"{_LEDGER}/sql"
_SETTLEMENT = "payouts_pipeline/settlement"
_INTEGRATION = "payouts_tests/integration"
_CRASH = "payouts_tests/crash/test_single_faults.py::test_everyone_is_paid_exactly_once_after"


@dataclass(frozen=True)
class Guard:
    """What protects the promise, where its text stands (once in the file), what it is replaced by, and who notices."""

    name: str
    file: str
    old: str
    new: str
    noticed_by: tuple[str, ...]


GUARDS = [
    Guard(
        "the ledger's id in the name of an instruction",
        "payouts_pipeline/domain/instructions.py",
        'f"{ledger_id}/{day}/',
        'f"{day}/',
        (f"{_INTEGRATION}/settlement/test_two_ledgers.py", "payouts_tests/unit/test_instructions.py"),
    ),
    Guard(
        "the ledger belongs to one account and mode",
        f"{_SETTLEMENT}/standing.py",
        "if ledger.account not in (None, found):",
        "if False:",
        (f"{_INTEGRATION}/settlement/test_standing.py",),
    ),
    Guard(
        "a new ledger asks where another has moved money",
        f"{_SETTLEMENT}/standing.py",
        "if trace.ledger and trace.ledger != str(ledger.id):",
        "if False:",
        (f"{_INTEGRATION}/settlement/test_standing.py",),
    ),
    Guard(
        "a worker asks whether the ledger may use the account",
        f"{_SETTLEMENT}/worker.py",
        "if self._standing.holds_for(connection):",
        "if True:",
        (f"{_INTEGRATION}/settlement/test_standing.py",),
    ),
    Guard(
        "a restored ledger sends nothing",
        f"{_SETTLEMENT}/standing.py",
        "            self._require_not_behind(ledger)\n",
        "",
        (f"{_INTEGRATION}/workflow/test_recover.py",),
    ),
    Guard(
        "what Stripe has moved is adopted and not sent",
        f"{_SETTLEMENT}/attempt_execution.py",
        "else of_recovered(attempt)",
        "else None",
        (f"{_INTEGRATION}/workflow/test_recover.py",),
    ),
    Guard(
        "nothing is sent to whom Stripe has moved something that the ledger has lost",
        f"{_SETTLEMENT}/attempt_execution.py",
        "    if attempt.lost_movements:\n",
        "    if attempt.lost_movements and False:\n",
        (f"{_INTEGRATION}/workflow/test_lost_movements.py",),
    ),
    Guard(
        "the lock of the day",
        f"{_SQL}/locks.sql",
        " for update",
        "",
        (f"{_INTEGRATION}/ledger/test_concurrency.py",),
    ),
    Guard(
        "the run lock",
        f"{_LEDGER}/locks.py",
        'connection.execute(sql("take_run_lock"), key)',
        "pass",
        ("payouts_tests/crash/test_locks.py",),
    ),
    Guard(
        "the claim takes nothing that another worker has",
        f"{_SQL}/attempts.sql",
        "or i.status = 'published'",
        "or i.status in ('published', 'sending')",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "the claim and its attempt are committed before the call",
        f"{_LEDGER}/attempts.py",
        "with failpoint(Failpoint.CLAIM), connection.transaction():",
        "with failpoint(Failpoint.CLAIM), connection.transaction(force_rollback=True):",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "what is about to be sent is counted as sent",
        f"{_LEDGER}/attempts.py",
        'connection.execute(sql("claim_count_sends"), parameters)',
        "pass",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "the number of the attempt in the idempotency key",
        f"{_LEDGER}/migrations/0001_ledger.sql",
        "(instruction_id::text || ':' || number)",
        "(instruction_id::text)",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "the idempotency key of a charge",
        f"{_SETTLEMENT}/stripe_client.py",
        'intents.create(params, {"idempotency_key": attempt.idempotency_key})',
        "intents.create(params)",
        (f"{_CRASH}[CHARGE:slow:2]",),
    ),
    Guard(
        "the idempotency key of a transfer",
        f"{_SETTLEMENT}/stripe_client.py",
        'transfers.create(params, {"idempotency_key": attempt.idempotency_key})',
        "transfers.create(params)",
        (
            f"{_INTEGRATION}/settlement/test_unknown_outcomes.py::test_an_attempt_that_two_workers_send_moves_the_money_once",
        ),
    ),
    Guard(
        "the look-up before anything is sent anew",
        f"{_SETTLEMENT}/attempt_execution.py",
        "found = stripe.find(attempt)\n",
        "found = type(stripe.find(attempt))()\n",
        (f"{_CRASH}[TRANSFER:stored_500_acted:2]",),
    ),
    Guard(
        "nothing is sent anew while an earlier call may still arrive",
        f"{_SETTLEMENT}/attempt_execution.py",
        " if attempt.is_gone else _outcome(attempt, _KEY_MAY_BE_FORGOTTEN)",
        "",
        ("payouts_tests/unit/test_attempt_execution.py",),
    ),
    Guard(
        "a worker that lost its lease sends nothing",
        f"{_SETTLEMENT}/stripe_client.py",
        "if time.time() > until:",
        "if False:",
        (f"{_INTEGRATION}/ledger/test_rate_limit.py",),
    ),
    Guard(
        "what was refused is asked about before another attempt",
        f"{_SETTLEMENT}/attempt_execution.py",
        "if attempt.sends == 0 and attempt.number == 1:",
        "if attempt.sends == 0:",
        (f"{_INTEGRATION}/settlement/test_earlier_attempts.py",),
    ),
    Guard(
        "what could still be paid is cancelled before another attempt",
        f"{_SETTLEMENT}/attempt_execution.py",
        "found.answer or stripe.cancel(found.payable, leased_until)",
        "found.answer",
        (f"{_INTEGRATION}/settlement/test_earlier_attempts.py",),
    ),
    Guard(
        "an attempt that is closed stays closed",
        f"{_SQL}/attempts.sql",
        "a.number = o.number and a.outcome is null",
        "a.number = o.number",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "a new attempt only after the last call was refused",
        f"{_SQL}/attempts.sql",
        "or a.sends = o.sends + 1)",
        "or true)",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "only Stripe's own error is a refusal",
        f"{_SETTLEMENT}/stripe_answers.py",
        'said.get("type") and error.request_id):',
        "True):",
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py",),
    ),
    Guard(
        "without a request id only Stripe's words for a refused key are a refusal",
        f"{_SETTLEMENT}/stripe_answers.py",
        'and _KEY_REFUSED.match(error.user_message or ""):',
        "and error.user_message:",
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py",),
    ),
    Guard(
        "an error that says nothing about the money is no refusal",
        f"{_SETTLEMENT}/stripe_answers.py",
        'if said["type"] not in _REFUSING:',
        "if False:",
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py",),
    ),
    Guard(
        "a success is what was asked for",
        f"{_SETTLEMENT}/stripe_answers.py",
        '_require(_is_sent(movement_of(intent, "payment_intent"), attempt))',
        'movement_of(intent, "payment_intent")',
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py::test_a_success_is_what_was_asked_for",),
    ),
    Guard(
        "absence is only what Stripe's own list says",
        f"{_SETTLEMENT}/stripe_answers.py",
        " and bool(_request_id(page))",
        "",
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py",),
    ),
    Guard(
        "what Stripe has moved otherwise settles nothing",
        f"{_SETTLEMENT}/stripe_answers.py",
        "ours = [thing for thing, movement in moving if _is_of_attempts(movement, attempt)]",
        "ours = [thing for thing, _ in moving]",
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py",),
    ),
    Guard(
        "a 5xx is no refusal",
        f"{_SETTLEMENT}/stripe_answers.py",
        "if 400 <= status < 500 and status != 409:",
        "if 400 <= status < 600:",
        (f"{_INTEGRATION}/settlement/test_foreign_answers.py",),
    ),
    Guard(
        "a missing answer is no refusal",
        f"{_SETTLEMENT}/stripe_answers.py",
        "return Indeterminate(ReasonCode.NO_ANSWER, request_id=error.request_id)",
        'return Refusal("no_answer", error.request_id)',
        (f"{_CRASH}[TRANSFER:drop_after:2]",),
    ),
    Guard(
        "a key in use is no refusal",
        f"{_SETTLEMENT}/stripe_answers.py",
        " and status != 409:",
        ":",
        (f"{_CRASH}[CHARGE:conflict_409:2]",),
    ),
    Guard(
        "only the difference is booked again",
        "payouts_pipeline/domain/corrections.py",
        "pd.concat([wanted, reversed_lines], ignore_index=True) if len(booked) else wanted",
        "wanted",
        ("payouts_tests/unit/test_corrections.py",),
    ),
    Guard(
        "the booking asserts that shares add up to fees",
        f"{_LEDGER}/bookings.py",
        "    _require_balanced(lines, day)\n",
        "",
        (f"{_INTEGRATION}/ledger/test_bookings.py",),
    ),
    Guard(
        "only what is not in progress is cancelled",
        f"{_LEDGER}/cancellations.py",
        "sorted(CANCELLABLE)",
        "sorted(Status)",
        (f"{_INTEGRATION}/workflow/test_collection.py",),
    ),
    Guard(
        "a credit is spent once",
        f"{_SQL}/releases.sql",
        " - coalesce(f.taken_minor, 0)",
        "",
        (f"{_INTEGRATION}/workflow/test_collection.py",),
    ),
    Guard(
        "only settled charges release shares",
        f"{_SQL}/releases.sql",
        "coalesce(i.status = 'settled' and i.day = %(day)s, false)",
        "coalesce(i.day = %(day)s, false)",
        (f"{_INTEGRATION}/workflow/test_collection.py",),
    ),
    Guard(
        "no charge while a corrected fee is in progress",
        f"{_SQL}/instructions.sql",
        " and not bool_or(is_open and is_covered)",
        "",
        (f"{_INTEGRATION}/workflow/test_collection.py",),
    ),
    Guard(
        "the minimum",
        f"{_LEDGER}/portions.py",
        'due = due[due["amount_minor"] >= due["minimum_minor"]]',
        'due = due[due["amount_minor"] > 0]',
        (f"{_INTEGRATION}/workflow/test_collection.py",),
    ),
    Guard(
        "what Stripe can't be told is held",
        f"{_LEDGER}/instructions.py",
        '["reason_code"].notna().map({True: Status.HELD.value, False: Status.PENDING.value})',
        '["reason_code"].notna().map({True: Status.PENDING.value, False: Status.PENDING.value})',
        (f"{_INTEGRATION}/workflow/test_resume.py",),
    ),
    Guard(
        "a billing type has its own queue",
        f"{_SETTLEMENT}/worker.py",
        " if its_type == billing_type}",
        "}",
        (f"{_INTEGRATION}/settlement/test_worker.py",),
    ),
    Guard(
        "entries sum to zero, in the database",
        f"{_LEDGER}/migrations/0001_ledger.sql",
        "having sum(amount_minor) <> 0\n    limit 1;",
        "having false\n    limit 1;",
        (f"{_INTEGRATION}/ledger/test_ledger_constraints.py",),
    ),
    Guard(
        "only allowed transitions, in the database",
        f"{_LEDGER}/migrations/0001_ledger.sql",
        "where o.status <> n.status\n        and not exists (",
        "where false and not exists (",
        (f"{_INTEGRATION}/ledger/test_ledger_constraints.py",),
    ),
    Guard(
        "entries are append-only, in the database",
        f"{_LEDGER}/migrations/0001_ledger.sql",
        "create trigger append_only before update or delete or truncate on payouts.entries\n"
        "    for each statement execute function payouts.refuse_change();\n",
        "",
        (f"{_INTEGRATION}/ledger/test_ledger_constraints.py",),
    ),
    Guard(
        "one movement at the provider settles one instruction",
        f"{_LEDGER}/migrations/0001_ledger.sql",
        "create unique index instructions_by_reference",
        "create index instructions_by_reference",
        (f"{_INTEGRATION}/ledger/test_attempts.py",),
    ),
    Guard(
        "noted as published only after it was published",
        "payouts_pipeline/workflow/publish.py",
        "        published = 0\n",
        "        published = 0\n"
        "        everything = [each.instruction_id for each in pointers]\n"
        "        outbox.mark_published(self.connection, everything, due.read_at, self.actor)\n",
        ("payouts_tests/crash/test_order.py",),
    ),
    Guard(
        "a run takes what was published before it to be lost",
        "payouts_pipeline/workflow/publish.py",
        "timedelta(0) if own else outbox.LOST_AFTER",
        "outbox.LOST_AFTER",
        (f"{_CRASH}[CLAIM:before:1]",),
    ),
    Guard(
        "a message is deleted only after its outcome is committed",
        f"{_SETTLEMENT}/worker_pool.py",
        "                batch = self._worker.process(received, billing_type)\n",
        "                messages.delete(self._sqs, queue_url, [message.receipt_handle for message in received])\n"
        "                batch = self._worker.process(received, billing_type)\n",
        ("payouts_tests/crash/test_order.py",),
    ),
    Guard(
        "what was published is noted as of when it was due",
        f"{_SQL}/outbox.sql",
        "set published_at = %(read_at)s",
        "set published_at = now()",
        (f"{_INTEGRATION}/ledger/test_outbox.py",),
    ),
    Guard(
        "every call keeps to the fleet's rate limit",
        f"{_SETTLEMENT}/stripe_client.py",
        "            self._rate_limiter.wait()\n",
        "",
        (f"{_INTEGRATION}/ledger/test_rate_limit.py",),
    ),
    Guard(
        "a rate limit slows the whole fleet down",
        f"{_SETTLEMENT}/stripe_client.py",
        "self._rate_limiter.slow_down(answer.retry_after)",
        "pass",
        (f"{_INTEGRATION}/ledger/test_rate_limit.py",),
    ),
    Guard(
        "what is in hand stays hidden",
        f"{_SETTLEMENT}/visibility.py",
        "self._show_after(self._hidden_for_s)",
        "pass",
        (f"{_INTEGRATION}/settlement/test_dead_letters.py::test_what_is_in_hand_stays_hidden_however_long_it_takes",),
    ),
    Guard(
        "a dead letter is published again before it is deleted",
        f"{_SETTLEMENT}/dead_letters.py",
        "_republish(sns, topology.topic_arn, letters)",
        "pass",
        (f"{_INTEGRATION}/settlement/test_dead_letters.py",),
    ),
    Guard(
        "the function gives back what nobody can read",
        f"{_SETTLEMENT}/lambda_handler.py",
        "for message in again]",
        "for message in again[:0]]",
        (f"{_INTEGRATION}/settlement/test_lambda.py::test_only_what_nobody_can_read_is_to_come_again",),
    ),
    Guard(
        "what is refused because of us is rejected for nobody",
        "payouts_pipeline/domain/refusals.py",
        "if refusal.code in OUR_FAULT:",
        "if refusal.code in OUR_KEY:",
        (f"{_INTEGRATION}/settlement/test_our_own_fault.py",),
    ),
    Guard(
        "an account that Stripe does not let us use is the payee's only where it is named",
        f"{_SETTLEMENT}/stripe_answers.py",
        'return code if payee and f"\'{payee}\'" in (error.user_message or "") else "our_account_invalid"',
        "return code",
        (f"{_INTEGRATION}/settlement/test_our_own_fault.py",),
    ),
    Guard(
        "the brake stops sending what is refused one after the other",
        f"{_SETTLEMENT}/brake.py",
        "self._pull(code, times)",
        "pass",
        (f"{_INTEGRATION}/settlement/test_brake.py",),
    ),
    Guard(
        "a run that the brake has stopped fails",
        "payouts_pipeline/settlement/worker_pool.py",
        """            raise self._failure
        self._worker.brake.check()""",
        """            return""",
        (f"{_INTEGRATION}/settlement/test_brake.py",),
    ),
    Guard(
        "an approval is for the account that the person saw",
        f"{_LEDGER}/migrations/0001_ledger.sql",
        "on p.instruction_id = i.id and p.payee_id = coalesce(i.stripe_account_id, i.stripe_customer_id, '');",
        "on p.instruction_id = i.id;",
        (f"{_INTEGRATION}/workflow/test_approvals.py",),
    ),
    Guard(
        "another account of a payee asks for an approval again",
        "payouts_pipeline/workflow/resume.py",
        "payee_id in approved_for.split()",
        "bool(approved_for)",
        (f"{_INTEGRATION}/workflow/test_approvals.py",),
    ),
    Guard(
        "one instruction moves no more than one call can",
        f"{_LEDGER}/portions.py",
        "if not is_large.any():",
        "if True:",
        (f"{_INTEGRATION}/workflow/test_maximum.py",),
    ),
    Guard(
        "what was ever sent is not cancelled before Stripe was asked",
        f"{_SQL}/cancellations.sql",
        "where not exists (select from payouts.attempts as a where a.instruction_id = u.id)",
        "where true",
        (f"{_INTEGRATION}/settlement/test_cancelling.py",),
    ),
    Guard(
        "nobody can pay any more what is cancelled",
        f"{_SETTLEMENT}/stripe_answers.py",
        "own = [] if attempt.is_to_cancel else",
        "own = things if attempt.is_to_cancel else",
        (f"{_INTEGRATION}/settlement/test_cancelling.py",),
    ),
    Guard(
        "nothing is sent for what is to be cancelled",
        f"{_SETTLEMENT}/attempt_execution.py",
        """    if attempt.is_to_cancel:
        is_over""",
        """    if False:
        is_over""",
        (f"{_INTEGRATION}/settlement/test_cancelling.py",),
    ),
    Guard(
        "nothing is asked for beside a charge that is being cancelled",
        f"{_SQL}/instructions.sql",
        """    -- What it owes is not known before Stripe has said what became of a charge that is being cancelled.
    and not exists (select from payouts.being_cancelled as c where c.account_id = a.id)
""",
        "",
        (f"{_INTEGRATION}/settlement/test_cancelling.py", f"{_INTEGRATION}/settlement/test_cards.py"),
    ),
    Guard(
        "what a person names settles only what it is a payment of",
        f"{_SETTLEMENT}/stripe_answers.py",
        "if has_moved and is_free and is_asked and",
        "if has_moved and",
        (f"{_INTEGRATION}/settlement/test_resolving.py",),
    ),
    Guard(
        "what a person says counts only where Stripe is silent",
        f"{_SETTLEMENT}/attempt_execution.py",
        "isinstance(answer, Indeterminate) and answer.code in SILENCE",
        "isinstance(answer, Indeterminate)",
        (f"{_INTEGRATION}/settlement/test_resolving.py",),
    ),
    Guard(
        "and only once no call can arrive any more",
        f"{_SETTLEMENT}/attempt_execution.py",
        "return is_silent and attempt.is_judged_not_moved and attempt.key_is_old and attempt.is_gone",
        "return is_silent and attempt.is_judged_not_moved",
        (f"{_INTEGRATION}/settlement/test_resolving.py",),
    ),
    Guard(
        "a card's refusals count for whatever it is asked to pay next",
        f"{_SETTLEMENT}/attempt_execution.py",
        "if attempt.sends == 0 else None",
        "if False else None",
        (f"{_INTEGRATION}/settlement/test_cards.py",),
    ),
    Guard(
        "new fees join the charge whose card was refused",
        f"{_LEDGER}/cancellations.py",
        """    _cancel(connection, sql("charges_to_join"), {"day": day, "codes": declined}, _JOINED, actor)
""",
        "",
        (f"{_INTEGRATION}/settlement/test_cards.py",),
    ),
]
