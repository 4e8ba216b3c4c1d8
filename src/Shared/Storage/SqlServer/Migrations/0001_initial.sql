-- Times are UTC. Every key that workers compete for is unique here: the index, not the program, decides who was first.
--
-- SQL Server compares a UNIQUEIDENTIFIER from its last six bytes on, so ids that begin with their time would lie in no order in an index. Rows are
-- therefore found by a key: the 16 bytes of the id in the order of its text, BINARY(16). The readable id beside it is computed from the key, so that the
-- two can't differ, and takes no room. To look a row up by its readable id:
--   SELECT t.transaction_id, t.status FROM finance_key('0192f3a4-…') k JOIN anomaly_transactions t ON t.transaction_key = k.id_key;

CREATE TABLE anomaly_stats (
    id BIGINT IDENTITY NOT NULL CONSTRAINT anomaly_stats_pk PRIMARY KEY,
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    mean FLOAT NOT NULL,
    std_dev FLOAT NOT NULL,
    sample_count BIGINT NOT NULL,
    created_at DATETIME2(6) NOT NULL
);

CREATE UNIQUE INDEX anomaly_stats_by_key ON anomaly_stats (user_id, category_id) INCLUDE (mean, std_dev, sample_count);

-- Baselines of the older system that were not the newest of their user and category: see OlderSystemUpgrade.
CREATE TABLE anomaly_stats_superseded (
    id BIGINT NOT NULL CONSTRAINT anomaly_stats_superseded_pk PRIMARY KEY,
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    mean FLOAT NOT NULL,
    std_dev FLOAT NOT NULL,
    sample_count BIGINT NOT NULL,
    created_at DATETIME2(6) NOT NULL
);

CREATE INDEX anomaly_stats_superseded_of_user ON anomaly_stats_superseded (user_id);

CREATE TABLE anomaly_transactions (
    id BIGINT IDENTITY NOT NULL CONSTRAINT anomaly_transactions_pk PRIMARY KEY,
    transaction_key BINARY(16) NOT NULL CONSTRAINT anomaly_transactions_by_key UNIQUE,
    transaction_id AS CAST(SUBSTRING(transaction_key, 4, 1) + SUBSTRING(transaction_key, 3, 1) + SUBSTRING(transaction_key, 2, 1)
        + SUBSTRING(transaction_key, 1, 1) + SUBSTRING(transaction_key, 6, 1) + SUBSTRING(transaction_key, 5, 1) + SUBSTRING(transaction_key, 8, 1)
        + SUBSTRING(transaction_key, 7, 1) + SUBSTRING(transaction_key, 9, 8) AS UNIQUEIDENTIFIER),
    user_id BIGINT NULL,
    category_id BIGINT NULL,
    amount DECIMAL(19, 4) NULL,
    z_score FLOAT NULL,
    is_anomaly BIT NOT NULL,
    status VARCHAR(16) NOT NULL,
    reason VARCHAR(32) NULL,
    mean FLOAT NULL,
    std_dev FLOAT NULL,
    sample_count BIGINT NULL,
    occurred_at DATETIME2(6) NULL,
    accepted_at DATETIME2(6) NULL,
    created_at DATETIME2(6) NOT NULL,
    error NVARCHAR(MAX) NULL,
    batch_id BIGINT NULL,
    -- The amount as it was in the older system, where it is no DECIMAL(19,4) or too large for one of this system's.
    amount_legacy FLOAT NULL
);

-- The results feed: rows of a batch in the order of their ids.
CREATE INDEX anomaly_transactions_by_batch ON anomaly_transactions (batch_id, id);
CREATE INDEX anomaly_transactions_anomalies ON anomaly_transactions (occurred_at, id) INCLUDE (category_id) WHERE is_anomaly = 1;
CREATE INDEX anomaly_transactions_anomalies_of_user ON anomaly_transactions (user_id, occurred_at, id) INCLUDE (category_id) WHERE is_anomaly = 1;

-- Batches in the order in which they took their place, which is the last thing that a writing transaction does. Nobody waits for a place: readers stop
-- below MIN_ACTIVE_ROWVERSION(), the lowest place whose transaction is still open (see SqlServerResultsStore). row_count is what a batch wrote; rows that
-- moved on or were purged still count.
CREATE TABLE feed_batches (
    position ROWVERSION NOT NULL,
    batch_id BIGINT NOT NULL CONSTRAINT feed_batches_pk PRIMARY KEY NONCLUSTERED,
    row_count INT NOT NULL
);

CREATE UNIQUE CLUSTERED INDEX feed_batches_by_position ON feed_batches (position);

-- Rows lie in the order in which they were written. An alert's id is a hash, in no order: its index covers the unpurged alerts only, some 60 bytes each.
CREATE TABLE alert_outbox (
    id BIGINT IDENTITY NOT NULL CONSTRAINT alert_outbox_pk PRIMARY KEY,
    alert_key BINARY(16) NOT NULL CONSTRAINT alert_outbox_by_key UNIQUE,
    alert_id AS CAST(SUBSTRING(alert_key, 4, 1) + SUBSTRING(alert_key, 3, 1) + SUBSTRING(alert_key, 2, 1) + SUBSTRING(alert_key, 1, 1)
        + SUBSTRING(alert_key, 6, 1) + SUBSTRING(alert_key, 5, 1) + SUBSTRING(alert_key, 8, 1) + SUBSTRING(alert_key, 7, 1)
        + SUBSTRING(alert_key, 9, 8) AS UNIQUEIDENTIFIER),
    transaction_key BINARY(16) NOT NULL,
    transaction_id AS CAST(SUBSTRING(transaction_key, 4, 1) + SUBSTRING(transaction_key, 3, 1) + SUBSTRING(transaction_key, 2, 1)
        + SUBSTRING(transaction_key, 1, 1) + SUBSTRING(transaction_key, 6, 1) + SUBSTRING(transaction_key, 5, 1) + SUBSTRING(transaction_key, 8, 1)
        + SUBSTRING(transaction_key, 7, 1) + SUBSTRING(transaction_key, 9, 8) AS UNIQUEIDENTIFIER),
    payload NVARCHAR(MAX) NOT NULL,
    -- The W3C trace context that an alert continues, so that a dispatcher need not read the payload for it.
    traceparent NVARCHAR(MAX) NULL,
    created_at DATETIME2(6) NOT NULL,
    sent_at DATETIME2(6) NULL,
    owner UNIQUEIDENTIFIER NULL,
    claimed_until DATETIME2(6) NULL,
    attempts INT NOT NULL CONSTRAINT alert_outbox_no_attempts DEFAULT 0
);

CREATE INDEX alert_outbox_unsent ON alert_outbox (created_at, id) INCLUDE (claimed_until) WHERE sent_at IS NULL;
CREATE INDEX alert_outbox_sent ON alert_outbox (sent_at) WHERE sent_at IS NOT NULL;

-- Retention and erasure find the alert of a row.
CREATE INDEX alert_outbox_by_transaction ON alert_outbox (transaction_key) INCLUDE (sent_at);

-- A message's id is compared as the program compares it, character by character.
CREATE TABLE poison_messages (
    message_id NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT poison_messages_pk PRIMARY KEY,
    reason NVARCHAR(MAX) NOT NULL,
    exception NVARCHAR(MAX) NULL,
    attempts INT NOT NULL,
    traceparent NVARCHAR(MAX) NULL,
    body NVARCHAR(MAX) NOT NULL,
    inserted_at DATETIME2(6) NOT NULL,
    failed_at DATETIME2(6) NOT NULL
);

-- Poison messages are read in pages by the time at which they were given up; without the index each page would read every text.
CREATE INDEX poison_messages_by_time ON poison_messages (failed_at, message_id);

-- Failures of messages, and attempts at those that may end the process; forgotten after two weeks.
CREATE TABLE message_attempts (
    message_id NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT message_attempts_pk PRIMARY KEY,
    attempts INT NOT NULL,
    last_error NVARCHAR(MAX) NOT NULL,
    updated_at DATETIME2(6) NOT NULL
);

CREATE INDEX message_attempts_by_time ON message_attempts (updated_at);

-- Repeats of an id that differ from the row that was first. The first hundred are kept; the newest of them counts those that came after it.
CREATE TABLE repeat_conflicts (
    id BIGINT IDENTITY NOT NULL CONSTRAINT repeat_conflicts_pk PRIMARY KEY,
    transaction_key BINARY(16) NOT NULL,
    transaction_id AS CAST(SUBSTRING(transaction_key, 4, 1) + SUBSTRING(transaction_key, 3, 1) + SUBSTRING(transaction_key, 2, 1)
        + SUBSTRING(transaction_key, 1, 1) + SUBSTRING(transaction_key, 6, 1) + SUBSTRING(transaction_key, 5, 1) + SUBSTRING(transaction_key, 8, 1)
        + SUBSTRING(transaction_key, 7, 1) + SUBSTRING(transaction_key, 9, 8) AS UNIQUEIDENTIFIER),
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    amount DECIMAL(19, 4) NOT NULL,
    occurred_at DATETIME2(6) NOT NULL,
    accepted_at DATETIME2(6) NOT NULL,
    recorded_at DATETIME2(6) NOT NULL,
    beyond BIGINT NOT NULL CONSTRAINT repeat_conflicts_none_beyond DEFAULT 0,
    CONSTRAINT repeat_conflicts_once UNIQUE (transaction_key, accepted_at, user_id, category_id, amount, occurred_at)
);

CREATE INDEX repeat_conflicts_of_user ON repeat_conflicts (user_id);

-- Tombstones of rows removed by retention or erasure: a repeat stays a repeat.
CREATE TABLE purged_transactions (
    transaction_key BINARY(16) NOT NULL CONSTRAINT purged_transactions_pk PRIMARY KEY,
    transaction_id AS CAST(SUBSTRING(transaction_key, 4, 1) + SUBSTRING(transaction_key, 3, 1) + SUBSTRING(transaction_key, 2, 1)
        + SUBSTRING(transaction_key, 1, 1) + SUBSTRING(transaction_key, 6, 1) + SUBSTRING(transaction_key, 5, 1) + SUBSTRING(transaction_key, 8, 1)
        + SUBSTRING(transaction_key, 7, 1) + SUBSTRING(transaction_key, 9, 8) AS UNIQUEIDENTIFIER),
    purged_at DATETIME2(6) NOT NULL
);

-- Processes that wrote a batch; each writes its own row, together with a batch.
CREATE TABLE processes (
    instance NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT processes_pk PRIMARY KEY,
    program NVARCHAR(100) NOT NULL,
    version NVARCHAR(50) NOT NULL,
    roles NVARCHAR(100) NOT NULL,
    started_at DATETIME2(6) NOT NULL,
    seen_at DATETIME2(6) NOT NULL,
    batches BIGINT NOT NULL,
    transactions BIGINT NOT NULL
);

-- Facts about the installation, such as the fingerprint of its signing key.
CREATE TABLE installation (
    name NVARCHAR(100) NOT NULL CONSTRAINT installation_pk PRIMARY KEY,
    value NVARCHAR(MAX) NOT NULL
);
GO

-- A statement that takes the locks of thousands of rows must not lock a whole table against the other workers.
ALTER TABLE anomaly_stats SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE anomaly_transactions SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE feed_batches SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE alert_outbox SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE poison_messages SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE message_attempts SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE repeat_conflicts SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE purged_transactions SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE processes SET (LOCK_ESCALATION = DISABLE);
GO

-- Every writer inserts at the end of these indexes. The option keeps many of them from queueing behind one whose page is being split. SQL Server has it
-- since 2019, and Azure SQL has it.
IF EXISTS (SELECT 1 FROM sys.all_columns WHERE object_id = OBJECT_ID('sys.indexes') AND name = 'optimize_for_sequential_key')
BEGIN
    EXEC('ALTER INDEX anomaly_transactions_pk ON anomaly_transactions SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
    EXEC('ALTER INDEX anomaly_transactions_by_key ON anomaly_transactions SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
    EXEC('ALTER INDEX anomaly_transactions_by_batch ON anomaly_transactions SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
    EXEC('ALTER INDEX feed_batches_pk ON feed_batches SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
    EXEC('ALTER INDEX feed_batches_by_position ON feed_batches SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
    EXEC('ALTER INDEX alert_outbox_pk ON alert_outbox SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
    EXEC('ALTER INDEX alert_outbox_by_transaction ON alert_outbox SET (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)');
END;
GO

-- The key of a readable id. The two orders of bytes differ in the first eight, and each is the other one reversed in groups of 4, 2 and 2 bytes.
CREATE FUNCTION finance_key (@id UNIQUEIDENTIFIER) RETURNS TABLE AS RETURN
    SELECT CAST(SUBSTRING(CAST(@id AS BINARY(16)), 4, 1) + SUBSTRING(CAST(@id AS BINARY(16)), 3, 1) + SUBSTRING(CAST(@id AS BINARY(16)), 2, 1)
        + SUBSTRING(CAST(@id AS BINARY(16)), 1, 1) + SUBSTRING(CAST(@id AS BINARY(16)), 6, 1) + SUBSTRING(CAST(@id AS BINARY(16)), 5, 1)
        + SUBSTRING(CAST(@id AS BINARY(16)), 8, 1) + SUBSTRING(CAST(@id AS BINARY(16)), 7, 1) + SUBSTRING(CAST(@id AS BINARY(16)), 9, 8)
        AS BINARY(16)) AS id_key;
GO

-- What a program hands over in one round trip. Their primary keys put the rows in the order in which locks are taken.

CREATE TYPE finance_ids AS TABLE (
    id_key BINARY(16) NOT NULL PRIMARY KEY
);

CREATE TYPE finance_baseline_keys AS TABLE (
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    PRIMARY KEY (user_id, category_id)
);

CREATE TYPE finance_baselines AS TABLE (
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    mean FLOAT NOT NULL,
    std_dev FLOAT NOT NULL,
    sample_count BIGINT NOT NULL,
    PRIMARY KEY (user_id, category_id)
);

CREATE TYPE finance_results AS TABLE (
    transaction_key BINARY(16) NOT NULL,
    ordinal INT NOT NULL,
    is_candidate BIT NOT NULL,
    user_id BIGINT NULL,
    category_id BIGINT NULL,
    amount DECIMAL(19, 4) NULL,
    z_score FLOAT NULL,
    is_anomaly BIT NOT NULL,
    status VARCHAR(16) NOT NULL,
    reason VARCHAR(32) NULL,
    mean FLOAT NULL,
    std_dev FLOAT NULL,
    sample_count BIGINT NULL,
    occurred_at DATETIME2(6) NULL,
    accepted_at DATETIME2(6) NULL,
    created_at DATETIME2(6) NOT NULL,
    error NVARCHAR(MAX) NULL,
    PRIMARY KEY (transaction_key, ordinal)
);

CREATE TYPE finance_alerts AS TABLE (
    alert_key BINARY(16) NOT NULL PRIMARY KEY,
    transaction_key BINARY(16) NOT NULL,
    payload NVARCHAR(MAX) NOT NULL,
    traceparent NVARCHAR(MAX) NULL,
    created_at DATETIME2(6) NOT NULL
);

CREATE TYPE finance_poison AS TABLE (
    message_id NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
    reason NVARCHAR(MAX) NOT NULL,
    exception NVARCHAR(MAX) NULL,
    attempts INT NOT NULL,
    traceparent NVARCHAR(MAX) NULL,
    body NVARCHAR(MAX) NOT NULL,
    inserted_at DATETIME2(6) NOT NULL,
    failed_at DATETIME2(6) NOT NULL
);
GO
