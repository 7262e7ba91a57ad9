-- name: insert_object
-- A Stripe object, as it was answered.
INSERT INTO objects (id, kind, created, customer, payment_intent, destination, transfer_group, source, type, currency, body)
VALUES (:id, :kind, :created, :customer, :payment_intent, :destination, :transfer_group, :source, :type, :currency, :body);

-- name: replace_object
-- The object after a change; what it is filtered on changes with it.
UPDATE objects SET customer = :customer, body = :body WHERE id = :id;

-- name: get_object
SELECT body FROM objects WHERE id = :id AND kind = :kind;

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

-- name: close_account
INSERT INTO closed_accounts (id) VALUES (:id) ON CONFLICT DO NOTHING;

-- name: open_account
DELETE FROM closed_accounts WHERE id = :id;

-- name: is_closed_account
SELECT 1 FROM closed_accounts WHERE id = :id;

-- name: add_available
INSERT INTO balances (currency, available_minor) VALUES (:currency, :amount)
ON CONFLICT (currency) DO UPDATE SET available_minor = available_minor + excluded.available_minor;

-- name: set_available
INSERT INTO balances (currency, available_minor) VALUES (:currency, :amount)
ON CONFLICT (currency) DO UPDATE SET available_minor = excluded.available_minor;

-- name: available
SELECT available_minor FROM balances WHERE currency = :currency;

-- name: all_available
SELECT currency, available_minor FROM balances ORDER BY currency;

-- name: insert_pending
INSERT INTO pending_funds (balance_transaction, currency, net_minor, available_on)
VALUES (:balance_transaction, :currency, :net, :available_on);

-- name: all_pending
SELECT currency, sum(net_minor) FROM pending_funds GROUP BY currency ORDER BY currency;

-- name: due_pending
SELECT currency, sum(net_minor) FROM pending_funds WHERE available_on <= :now GROUP BY currency;

-- name: delete_due_pending
DELETE FROM pending_funds WHERE available_on <= :now;

-- name: insert_journal
INSERT INTO journal (id, kind, amount, currency, payment_intent, customer, destination, idempotency_key,
                     transfer_group, metadata, request_id, at, stripe_version)
VALUES (:id, :kind, :amount, :currency, :payment_intent, :customer, :destination, :idempotency_key,
        :transfer_group, :metadata, :request_id, :at, :stripe_version);

-- name: read_journal
SELECT seq, id, kind, amount, currency, payment_intent, customer, destination, idempotency_key, transfer_group,
       metadata, request_id, at, stripe_version
FROM journal WHERE seq > :after ORDER BY seq LIMIT :limit;

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

-- name: reset_journal
DELETE FROM journal;

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
