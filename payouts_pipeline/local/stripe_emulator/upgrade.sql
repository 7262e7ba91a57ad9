-- A state file from before there were refunds: run once, after schema.sql, where the table `journal` is still there.
ALTER TABLE objects ADD COLUMN account TEXT;
INSERT INTO movements (seq, id, kind, amount, currency, payment_intent, customer, destination, idempotency_key,
                       transfer_group, metadata, request_id, at, stripe_version)
SELECT seq, id, kind, amount, currency, payment_intent, customer, destination, idempotency_key,
       transfer_group, metadata, request_id, at, stripe_version
FROM journal;
DROP TABLE journal;
