-- name: find_table
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = :name;

-- name: insert_object
-- A Stripe object, as it was answered.
INSERT INTO objects (id, kind, created, customer, payment_intent, destination, transfer_group, source, type, currency,
                     account, body)
VALUES (:id, :kind, :created, :customer, :payment_intent, :destination, :transfer_group, :source, :type, :currency,
        :account, :body);

-- name: replace_object
-- The object after a change; what it is filtered on changes with it.
UPDATE objects SET customer = :customer, body = :body WHERE id = :id;

-- name: get_object
SELECT body FROM objects WHERE id = :id AND kind = :kind AND account IS :account;

-- name: get_any_object
-- For `expand`, where the id alone says what it is.
SELECT body FROM objects WHERE id = :id;

-- name: all_of_kind
-- The oldest first.
SELECT body FROM objects WHERE kind = :kind ORDER BY seq;

-- name: seq_of_object
-- Where a page starts: list order is the order of creation.
SELECT seq FROM objects WHERE id = :id AND kind = :kind;

-- name: transferred_from_source
-- What earlier transfers have taken out of one charge.
SELECT coalesce(sum(body ->> 'amount'), 0) FROM objects WHERE source = :source AND kind = 'transfer';

-- name: delete_object
DELETE FROM objects WHERE id = :id;

-- name: connected_balance
-- What was transferred to an account and not taken back, less what was paid out to its bank; by whether it is there.
SELECT currency, is_available, sum(amount)
FROM (
    SELECT transfer.currency, entry.body ->> 'available_on' <= :now AS is_available,
           (transfer.body ->> 'amount') - (transfer.body ->> 'amount_reversed') AS amount
    FROM objects AS transfer
    JOIN objects AS entry ON entry.id = transfer.body ->> 'balance_transaction'
    WHERE transfer.destination = :account AND transfer.kind = 'transfer'
    UNION ALL
    SELECT currency, 1, -(body ->> 'amount')
    FROM objects
    WHERE kind = 'payout' AND account = :account AND body ->> 'status' <> 'failed'
)
GROUP BY currency, is_available
ORDER BY currency;

-- name: disputes_of_charge
-- That are not won: as long as there is one, the charge cannot be refunded.
SELECT count(*) FROM objects WHERE source = :charge AND kind = 'dispute' AND body ->> 'status' <> 'won';

-- name: latest_reversals
SELECT body FROM objects WHERE source = :transfer AND kind = 'transfer_reversal' ORDER BY seq DESC LIMIT 10;

-- name: fee
-- The rate of the currency itself before that of every other one.
SELECT basis_points, fixed_minor FROM fees WHERE currency IN (:currency, '*') ORDER BY currency = '*' LIMIT 1;

-- name: put_fee
INSERT INTO fees (currency, basis_points, fixed_minor) VALUES (:currency, :basis_points, :fixed_minor);

-- name: reset_fees
DELETE FROM fees;

-- name: mark_paid_out
-- An automatic payout takes all that is available and that no other one has taken.
INSERT OR IGNORE INTO paid_out (balance_transaction, payout)
SELECT id, :payout FROM objects
WHERE kind = 'balance_transaction' AND currency = :currency AND body ->> 'available_on' <= :now;

-- name: reset_paid_out
DELETE FROM paid_out;

-- name: insert_event
INSERT INTO events (type, account, created, object, previous, request_id, idempotency_key)
VALUES (:type, :account, :created, :object, :previous, :request_id, :idempotency_key);

-- name: find_event
SELECT id, type, account, created, object, previous, request_id, idempotency_key
FROM events WHERE seq = :seq AND id = :id AND account IS :account AND created >= :oldest;

-- name: seq_of_event
SELECT seq FROM events WHERE seq = :seq AND id = :id AND account IS :account;

-- name: list_events
-- The newest first. Events are in the order of their time, so a time is a place in that order.
SELECT id, type, account, created, object, previous, request_id, idempotency_key
FROM events
WHERE account IS :account AND created <= :latest
  AND seq > coalesce((SELECT seq FROM events WHERE created < :oldest ORDER BY created DESC, seq DESC LIMIT 1), 0)
  AND (:before IS NULL OR seq < :before)
  AND (:types IS NULL OR EXISTS (SELECT 1 FROM json_each(:types) WHERE events.type GLOB value))
ORDER BY seq DESC LIMIT :limit;

-- name: list_events_after
-- The nearest to the place first, which is the oldest of them.
SELECT id, type, account, created, object, previous, request_id, idempotency_key
FROM events
WHERE account IS :account AND seq > :after AND created BETWEEN :oldest AND :latest
  AND (:types IS NULL OR EXISTS (SELECT 1 FROM json_each(:types) WHERE events.type GLOB value))
ORDER BY seq LIMIT :limit;

-- name: reset_events
DELETE FROM events;

-- name: close_account
INSERT INTO closed_accounts (id) VALUES (:id) ON CONFLICT DO NOTHING;

-- name: open_account
DELETE FROM closed_accounts WHERE id = :id;

-- name: is_closed_account
SELECT 1 FROM closed_accounts WHERE id = :id;

-- name: add_available
INSERT INTO balances (currency, available_minor) VALUES (:currency, :amount)
ON CONFLICT (currency) DO UPDATE SET available_minor = available_minor + excluded.available_minor;

-- name: available
SELECT available_minor FROM balances WHERE currency = :currency;

-- name: all_available
SELECT currency, available_minor FROM balances ORDER BY currency;

-- name: insert_pending
INSERT INTO pending_funds (balance_transaction, currency, net_minor, available_on)
VALUES (:balance_transaction, :currency, :net, :available_on);

-- name: change_pending
UPDATE pending_funds SET net_minor = net_minor + :amount WHERE balance_transaction = :balance_transaction;

-- name: delete_pending
DELETE FROM pending_funds WHERE balance_transaction = :balance_transaction;

-- name: all_pending
SELECT currency, sum(net_minor) FROM pending_funds GROUP BY currency ORDER BY currency;

-- name: due_pending
SELECT currency, sum(net_minor) FROM pending_funds WHERE available_on <= :now GROUP BY currency;

-- name: delete_due_pending
DELETE FROM pending_funds WHERE available_on <= :now;

-- name: insert_movement
INSERT INTO movements (id, kind, amount, currency, payment_intent, customer, destination, idempotency_key,
                     transfer_group, metadata, request_id, at, stripe_version, source)
VALUES (:id, :kind, :amount, :currency, :payment_intent, :customer, :destination, :idempotency_key,
        :transfer_group, :metadata, :request_id, :at, :stripe_version, :source);

-- name: read_movements
SELECT seq, id, kind, amount, currency, payment_intent, customer, destination, idempotency_key, transfer_group,
       metadata, request_id, at, stripe_version, source
FROM movements WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: insert_processing
INSERT INTO processing (payment_intent, due_at, idempotency_key, request_id, stripe_version)
VALUES (:payment_intent, :due_at, :idempotency_key, :request_id, :stripe_version);

-- name: find_processing
SELECT due_at, idempotency_key, request_id, stripe_version FROM processing WHERE payment_intent = :payment_intent;

-- name: due_processing
SELECT payment_intent FROM processing WHERE due_at <= :now ORDER BY due_at, payment_intent;

-- name: delete_processing
DELETE FROM processing WHERE payment_intent = :payment_intent;

-- name: reset_processing
DELETE FROM processing;

-- name: find_key
SELECT method, path, fingerprint, status, headers, body, request_id
FROM idempotency_keys WHERE key = :key AND used_at > :oldest;

-- name: remember_key
-- Replaces a row that has expired but was never cleaned away.
INSERT OR REPLACE INTO idempotency_keys (key, method, path, fingerprint, status, headers, body, request_id, used_at)
VALUES (:key, :method, :path, :fingerprint, :status, :headers, :body, :request_id, :used_at);

-- name: forget_key
DELETE FROM idempotency_keys WHERE key = :key;

-- name: insert_fault
INSERT INTO fault_rules (rule) VALUES (:rule) RETURNING id;

-- name: update_fault
UPDATE fault_rules SET seen = :seen, hits = :hits WHERE id = :id;

-- name: all_faults
SELECT id, rule, seen, hits FROM fault_rules ORDER BY id;

-- name: delete_faults
DELETE FROM fault_rules;

-- name: count_call
INSERT INTO counters (endpoint, calls) VALUES (:endpoint, 1)
ON CONFLICT (endpoint) DO UPDATE SET calls = calls + 1;

-- name: all_counters
SELECT endpoint, calls FROM counters ORDER BY endpoint;

-- name: get_setting
SELECT value FROM settings WHERE name = :name;

-- name: set_setting
INSERT INTO settings (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: put_platform
INSERT INTO platforms (id, profile) VALUES (:id, :profile)
ON CONFLICT (id) DO UPDATE SET profile = excluded.profile;

-- name: all_platforms
SELECT profile FROM platforms ORDER BY id;

-- name: put_api_key
INSERT INTO api_keys (key, seed) VALUES (:key, :seed)
ON CONFLICT (key) DO UPDATE SET seed = excluded.seed;

-- name: all_api_keys
SELECT seed FROM api_keys ORDER BY key;

-- name: reset_platforms
DELETE FROM platforms;

-- name: reset_api_keys
DELETE FROM api_keys;

-- name: reset_objects
DELETE FROM objects;

-- name: reset_closed_accounts
DELETE FROM closed_accounts;

-- name: reset_balances
DELETE FROM balances;

-- name: reset_pending_funds
DELETE FROM pending_funds;

-- name: reset_movements
DELETE FROM movements;

-- name: reset_idempotency_keys
DELETE FROM idempotency_keys;

-- name: reset_fault_rules
DELETE FROM fault_rules;

-- name: reset_counters
DELETE FROM counters;

-- name: reset_settings
DELETE FROM settings;

-- name: reset_sequences
-- The journal starts at 1 again, so that `after=0` is where everyone starts.
DELETE FROM sqlite_sequence;
