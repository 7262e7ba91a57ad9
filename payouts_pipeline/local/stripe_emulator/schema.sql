-- Everything the emulator knows. One process owns the file; `admin reset` empties every table.

-- Stripe objects as they go over the wire, with the columns that a list can be filtered on beside them.
CREATE TABLE IF NOT EXISTS objects (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    created         INTEGER NOT NULL,
    customer        TEXT,
    payment_intent  TEXT,
    destination     TEXT,
    transfer_group  TEXT,
    source          TEXT,
    type            TEXT,
    currency        TEXT,
    -- The connected account that has it; none for what the platform has.
    account         TEXT,
    body            TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (customer, kind, seq) WHERE customer IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_destination ON objects (destination, seq) WHERE destination IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_group ON objects (transfer_group, seq) WHERE transfer_group IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_source ON objects (source, seq) WHERE source IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (payment_intent, seq) WHERE payment_intent IS NOT NULL;

-- Accounts that are closed: Stripe still has the object, the platform no longer has access to it.
CREATE TABLE IF NOT EXISTS closed_accounts (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS balances (
    currency         TEXT PRIMARY KEY,
    available_minor  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Net amounts that are not available yet; they move to `balances` once the clock has passed `available_on`.
CREATE TABLE IF NOT EXISTS pending_funds (
    balance_transaction  TEXT PRIMARY KEY,
    currency             TEXT NOT NULL,
    net_minor            INTEGER NOT NULL,
    available_on         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pending_funds_by_time ON pending_funds (available_on);

-- What Stripe keeps of a charge, by currency; `*` stands for every other one. Without a row it is the list price.
CREATE TABLE IF NOT EXISTS fees (
    currency      TEXT PRIMARY KEY,
    basis_points  INTEGER NOT NULL,
    fixed_minor   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The automatic payout that has taken a balance transaction to the bank.
CREATE TABLE IF NOT EXISTS paid_out (
    balance_transaction  TEXT PRIMARY KEY,
    payout               TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS paid_out_by_payout ON paid_out (payout);

-- What Stripe tells of every change, with the object as it was then. `account` is the connected account it is about.
-- An id is its place behind a random number, so that it needs no index and no two files have the same.
CREATE TABLE IF NOT EXISTS events (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce            INTEGER NOT NULL DEFAULT (abs(random() % 281474976710656)),
    id               TEXT GENERATED ALWAYS AS (printf('evt_%012x%012x', nonce, seq)) VIRTUAL,
    type             TEXT NOT NULL,
    account          TEXT,
    created          INTEGER NOT NULL,
    object           TEXT NOT NULL,
    previous         TEXT,
    request_id       TEXT,
    idempotency_key  TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_time ON events (created);

-- Every movement of a player's or payee's money that really happened, in order: what tests hold the ledger against.
-- `source` is the charge or transfer that a movement takes back.
CREATE TABLE IF NOT EXISTS movements (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('charge', 'transfer', 'refund', 'refund_failure', 'reversal',
                                                   'dispute', 'dispute_reversal')),
    amount           INTEGER NOT NULL CHECK (amount > 0),
    currency         TEXT NOT NULL,
    payment_intent   TEXT,
    customer         TEXT,
    destination      TEXT,
    idempotency_key  TEXT,
    transfer_group   TEXT,
    metadata         TEXT NOT NULL,
    request_id       TEXT NOT NULL,
    at               INTEGER NOT NULL,
    stripe_version   TEXT,
    source           TEXT,
    UNIQUE (id, kind)
) STRICT;

-- Payments that a bank has not answered yet, and the call that will have made them.
CREATE TABLE IF NOT EXISTS processing (
    payment_intent   TEXT PRIMARY KEY,
    due_at           INTEGER NOT NULL,
    idempotency_key  TEXT,
    request_id       TEXT NOT NULL,
    stripe_version   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    key          TEXT PRIMARY KEY,
    method       TEXT NOT NULL,
    path         TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    status       INTEGER NOT NULL,
    headers      TEXT NOT NULL,
    body         BLOB NOT NULL,
    request_id   TEXT NOT NULL,
    used_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS fault_rules (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    rule  TEXT NOT NULL,
    seen  INTEGER NOT NULL DEFAULT 0,
    hits  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS counters (
    endpoint  TEXT PRIMARY KEY,
    calls     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS settings (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Our own accounts and the API keys of them, as the admin API has given them. Only the main file has any.
CREATE TABLE IF NOT EXISTS platforms (
    id       TEXT PRIMARY KEY,
    profile  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS api_keys (
    key   TEXT PRIMARY KEY,
    seed  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
