-- What commands leave. Each target keeps the place of the last command that it obeyed (accepted_at, command_id): one that does not come after it changes
-- nothing, so that commands may be delivered in any order and any number of times.

-- What was said of transactions. A verdict waits while its transaction has no score; the index over those that wait is small, and is looked through for each
-- new row. A verdict that was taken back is null.
CREATE TABLE feedback (
    transaction_id BLOB PRIMARY KEY CHECK (length(transaction_id) = 16),
    verdict TEXT,
    is_waiting INTEGER NOT NULL,
    accepted_at TEXT NOT NULL,
    command_id BLOB NOT NULL CHECK (length(command_id) = 16)
) WITHOUT ROWID;

CREATE INDEX feedback_waiting ON feedback (transaction_id) WHERE is_waiting = 1;

-- How often alerts are wanted. 0 stands for all users, and for all categories; a setting that was removed has no level. A snooze stands beside the lasting
-- setting of its key, and goes with the next lasting one.
CREATE TABLE sensitivity (
    user_id INTEGER NOT NULL,
    category_id INTEGER NOT NULL,
    is_snooze INTEGER NOT NULL,
    level TEXT,
    minimum_amount INTEGER,
    until TEXT,
    accepted_at TEXT NOT NULL,
    command_id BLOB NOT NULL CHECK (length(command_id) = 16),
    PRIMARY KEY (user_id, category_id, is_snooze)
) WITHOUT ROWID;

-- Users who were erased. What was accepted up to then and is scored later gets a tombstone and no row.
CREATE TABLE erased_users (
    user_id INTEGER PRIMARY KEY,
    accepted_at TEXT NOT NULL,
    command_id BLOB NOT NULL CHECK (length(command_id) = 16),
    completed_at TEXT
);

-- verdict: what was said of the transaction. suppressed_by: why an anomaly led to no alert. has_alert: there is an alert of a row that is no anomaly, because
-- its user wants more of them.
ALTER TABLE anomaly_transactions ADD COLUMN verdict TEXT;
ALTER TABLE anomaly_transactions ADD COLUMN suppressed_by TEXT;
ALTER TABLE anomaly_transactions ADD COLUMN has_alert INTEGER NOT NULL DEFAULT 0;

-- Without the columns that only programs read.
DROP VIEW anomaly_transactions_money;
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
       error,
       detector,
       shadow,
       verdict,
       suppressed_by,
       has_alert
FROM anomaly_transactions;

CREATE VIEW feedback_text AS
SELECT lower(substr(hex(transaction_id), 1, 8) || '-' || substr(hex(transaction_id), 9, 4) || '-' || substr(hex(transaction_id), 13, 4) || '-'
           || substr(hex(transaction_id), 17, 4) || '-'
           || substr(hex(transaction_id), 21)) AS transaction_id,
       verdict,
       is_waiting,
       accepted_at,
       lower(substr(hex(command_id), 1, 8) || '-' || substr(hex(command_id), 9, 4) || '-' || substr(hex(command_id), 13, 4) || '-'
           || substr(hex(command_id), 17, 4) || '-'
           || substr(hex(command_id), 21)) AS command_id
FROM feedback;

CREATE VIEW sensitivity_money AS
SELECT user_id,
       category_id,
       is_snooze,
       level,
       (minimum_amount / 10000) || '.' || printf('%04d', minimum_amount % 10000) AS minimum_amount,
       until,
       accepted_at,
       lower(substr(hex(command_id), 1, 8) || '-' || substr(hex(command_id), 9, 4) || '-' || substr(hex(command_id), 13, 4) || '-'
           || substr(hex(command_id), 17, 4) || '-'
           || substr(hex(command_id), 21)) AS command_id
FROM sensitivity;
