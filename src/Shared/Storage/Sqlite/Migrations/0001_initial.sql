-- Uuids are blobs of 16 bytes, so that the order of the bytes is the order of the text; a uuid that begins with a time lies in order of time. Amounts are
-- whole ten-thousandths. The views at the end show both as people read them. Times are RFC 3339 in UTC with six decimals, so that text order is time order.

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

-- Ids are given by the program in the order in which rows are committed, without a gap within a batch, and never twice: the feed is the order of the ids.
CREATE TABLE anomaly_transactions (
    id INTEGER PRIMARY KEY,
    transaction_id BLOB NOT NULL UNIQUE CHECK (length(transaction_id) = 16),
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
    error TEXT
);

CREATE INDEX anomaly_transactions_anomalies ON anomaly_transactions (occurred_at, id) WHERE is_anomaly = 1;
CREATE INDEX anomaly_transactions_anomalies_of_user ON anomaly_transactions (user_id, occurred_at, id) WHERE is_anomaly = 1;

-- Batches in the order in which they were committed. last_id is the id of a batch's last row; its first follows the last of the batch before. The position
-- is last_id too, and after a restore last_id plus a number that is the same for all batches.
CREATE TABLE feed_batches (
    position INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL UNIQUE,
    last_id INTEGER NOT NULL
);

CREATE TABLE alert_outbox (
    id INTEGER PRIMARY KEY,
    alert_id BLOB NOT NULL UNIQUE CHECK (length(alert_id) = 16),
    transaction_id BLOB NOT NULL CHECK (length(transaction_id) = 16),
    payload TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    owner BLOB CHECK (length(owner) = 16),
    claimed_until TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    traceparent TEXT
);

CREATE INDEX alert_outbox_unsent ON alert_outbox (created_at) WHERE sent_at IS NULL;
CREATE INDEX alert_outbox_sent ON alert_outbox (sent_at) WHERE sent_at IS NOT NULL;

-- Retention and erasure find the alert of a row.
CREATE INDEX alert_outbox_by_transaction ON alert_outbox (transaction_id);

-- The id of a message is a text of the queue's own.
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

-- Poison messages are read in pages by the time at which they were given up; without the index each page would read every text.
CREATE INDEX poison_messages_by_time ON poison_messages (failed_at, message_id);

-- Failures of messages, and attempts at those that may end the process; forgotten after two weeks.
CREATE TABLE message_attempts (
    message_id TEXT PRIMARY KEY,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX message_attempts_by_time ON message_attempts (updated_at);

-- Repeats of an id that differ from the row that was first. The first hundred of an id are kept; the newest of them counts those that came after it.
CREATE TABLE repeat_conflicts (
    id INTEGER PRIMARY KEY,
    transaction_id BLOB NOT NULL CHECK (length(transaction_id) = 16),
    user_id INTEGER NOT NULL,
    category_id INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    occurred_at TEXT NOT NULL,
    accepted_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    beyond INTEGER NOT NULL DEFAULT 0,
    UNIQUE (transaction_id, accepted_at, user_id, category_id, amount, occurred_at)
);

CREATE INDEX repeat_conflicts_by_user ON repeat_conflicts (user_id);

-- Tombstones of rows removed by retention or erasure: a repeat stays a repeat.
CREATE TABLE purged_transactions (
    transaction_id BLOB PRIMARY KEY CHECK (length(transaction_id) = 16),
    purged_at TEXT NOT NULL
) WITHOUT ROWID;

-- Facts about the installation, such as the fingerprint of its signing key.
CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Processes that wrote a batch; each writes its own row, together with a batch.
CREATE TABLE processes (
    instance TEXT PRIMARY KEY,
    program TEXT NOT NULL,
    version TEXT NOT NULL,
    roles TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    batches INTEGER NOT NULL,
    transactions INTEGER NOT NULL
) WITHOUT ROWID;

CREATE VIEW anomaly_transactions_money AS
SELECT id,
       lower(substr(hex(transaction_id), 1, 8) || '-' || substr(hex(transaction_id), 9, 4) || '-' || substr(hex(transaction_id), 13, 4) || '-'
           || substr(hex(transaction_id), 17, 4) || '-'
           || substr(hex(transaction_id), 21)) AS transaction_id,
       user_id,
       category_id,
       CASE WHEN amount < 0 THEN '-' ELSE '' END || (abs(amount) / 10000) || '.' || printf('%04d', abs(amount) % 10000) AS amount,
       z_score,
       is_anomaly,
       status,
       reason,
       mean,
       std_dev,
       sample_count,
       occurred_at,
       accepted_at,
       created_at,
       error
FROM anomaly_transactions;

CREATE VIEW alert_outbox_text AS
SELECT lower(substr(hex(alert_id), 1, 8) || '-' || substr(hex(alert_id), 9, 4) || '-' || substr(hex(alert_id), 13, 4) || '-'
           || substr(hex(alert_id), 17, 4) || '-'
           || substr(hex(alert_id), 21)) AS alert_id,
       lower(substr(hex(transaction_id), 1, 8) || '-' || substr(hex(transaction_id), 9, 4) || '-' || substr(hex(transaction_id), 13, 4) || '-'
           || substr(hex(transaction_id), 17, 4) || '-'
           || substr(hex(transaction_id), 21)) AS transaction_id,
       payload,
       created_at,
       sent_at,
       CASE WHEN owner IS NOT NULL THEN lower(substr(hex(owner), 1, 8) || '-' || substr(hex(owner), 9, 4) || '-' || substr(hex(owner), 13, 4) || '-'
           || substr(hex(owner), 17, 4) || '-'
           || substr(hex(owner), 21)) END AS owner,
       claimed_until,
       attempts,
       traceparent
FROM alert_outbox;

CREATE VIEW repeat_conflicts_money AS
SELECT id,
       lower(substr(hex(transaction_id), 1, 8) || '-' || substr(hex(transaction_id), 9, 4) || '-' || substr(hex(transaction_id), 13, 4) || '-'
           || substr(hex(transaction_id), 17, 4) || '-'
           || substr(hex(transaction_id), 21)) AS transaction_id,
       user_id,
       category_id,
       CASE WHEN amount < 0 THEN '-' ELSE '' END || (abs(amount) / 10000) || '.' || printf('%04d', abs(amount) % 10000) AS amount,
       occurred_at,
       accepted_at,
       recorded_at,
       beyond
FROM repeat_conflicts;

CREATE VIEW purged_transactions_text AS
SELECT lower(substr(hex(transaction_id), 1, 8) || '-' || substr(hex(transaction_id), 9, 4) || '-' || substr(hex(transaction_id), 13, 4) || '-'
           || substr(hex(transaction_id), 17, 4) || '-'
           || substr(hex(transaction_id), 21)) AS transaction_id,
       purged_at
FROM purged_transactions;

