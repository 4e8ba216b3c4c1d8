-- Times are RFC 3339 in UTC with six decimals, so that text order is time order. Uuids are lower-case text. Amounts are
-- whole ten-thousandths: anomaly_transactions_money shows them as money.

CREATE TABLE anomaly_stats (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL,
    category_id INTEGER NOT NULL,
    mean REAL NOT NULL,
    std_dev REAL NOT NULL,
    sample_count INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (user_id, category_id)
);

CREATE TABLE anomaly_transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT NOT NULL UNIQUE,
    user_id INTEGER,
    category_id INTEGER,
    amount INTEGER,
    z_score REAL,
    is_anomaly INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    mean REAL,
    std_dev REAL,
    sample_count INTEGER,
    occurred_at TEXT,
    accepted_at TEXT,
    created_at TEXT NOT NULL,
    error TEXT,
    batch_id INTEGER
);

-- The results feed: rows of a batch in the order of their ids.
CREATE INDEX anomaly_transactions_by_batch ON anomaly_transactions (batch_id);
CREATE INDEX anomaly_transactions_anomalies ON anomaly_transactions (occurred_at, id) WHERE is_anomaly = 1;
CREATE INDEX anomaly_transactions_anomalies_of_user ON anomaly_transactions (user_id, occurred_at, id) WHERE is_anomaly = 1;

CREATE VIEW anomaly_transactions_money AS
SELECT id, transaction_id, user_id, category_id,
       CASE WHEN amount < 0 THEN '-' ELSE '' END || (abs(amount) / 10000) || '.' || printf('%04d', abs(amount) % 10000) AS amount,
       z_score, is_anomaly, status, reason, mean, std_dev, sample_count, occurred_at, accepted_at, created_at
FROM anomaly_transactions;

-- Batches in the order in which they were committed; a batch takes its position in the transaction that writes its rows.
CREATE TABLE feed_batches (
    position INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL UNIQUE
);

CREATE TABLE alert_outbox (
    alert_id TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    owner TEXT,
    claimed_until TEXT,
    attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX alert_outbox_unsent ON alert_outbox (created_at) WHERE sent_at IS NULL;
CREATE INDEX alert_outbox_sent ON alert_outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE poison_messages (
    message_id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    exception TEXT,
    attempts INTEGER NOT NULL,
    traceparent TEXT,
    body TEXT NOT NULL,
    inserted_at TEXT NOT NULL,
    failed_at TEXT NOT NULL
);

-- Failures of messages, and attempts at those that may end the process; forgotten after two weeks.
CREATE TABLE message_attempts (
    message_id TEXT PRIMARY KEY,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

-- Repeats of an id that differ from the row that was first.
CREATE TABLE repeat_conflicts (
    id INTEGER PRIMARY KEY,
    transaction_id TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    category_id INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    occurred_at TEXT NOT NULL,
    accepted_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    UNIQUE (transaction_id, accepted_at, user_id, category_id, amount, occurred_at)
);

-- Tombstones of rows removed by retention or erasure: a repeat stays a repeat.
CREATE TABLE purged_transactions (
    transaction_id TEXT PRIMARY KEY,
    purged_at TEXT NOT NULL
) WITHOUT ROWID;

-- Facts about the installation, such as the fingerprint of its signing key.
CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
