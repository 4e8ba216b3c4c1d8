-- Times are UTC. Every key that workers compete for is unique here: the index, not the program, decides who was first.

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

CREATE TABLE anomaly_transactions (
    id BIGINT IDENTITY NOT NULL CONSTRAINT anomaly_transactions_pk PRIMARY KEY,
    transaction_id UNIQUEIDENTIFIER NOT NULL CONSTRAINT anomaly_transactions_by_transaction UNIQUE,
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
    batch_id BIGINT NULL
);

-- The results feed: rows of a batch in the order of their ids.
CREATE INDEX anomaly_transactions_by_batch ON anomaly_transactions (batch_id, id);
CREATE INDEX anomaly_transactions_anomalies ON anomaly_transactions (occurred_at, id) INCLUDE (category_id) WHERE is_anomaly = 1;
CREATE INDEX anomaly_transactions_anomalies_of_user ON anomaly_transactions (user_id, occurred_at, id) INCLUDE (category_id) WHERE is_anomaly = 1;
GO

-- A batch of thousands of rows must not lock the whole table against the other workers.
ALTER TABLE anomaly_transactions SET (LOCK_ESCALATION = DISABLE);
GO

-- The one row that every writing transaction updates last and keeps locked until it has committed: see SqlServerScoringStore.
CREATE TABLE feed_head (
    id INT NOT NULL CONSTRAINT feed_head_pk PRIMARY KEY CONSTRAINT feed_head_is_one_row CHECK (id = 1),
    position BIGINT NOT NULL
);

INSERT INTO feed_head (id, position) VALUES (1, 0);

-- Batches in the order in which they were committed. row_count is what a batch wrote; rows that moved on or were purged still count.
CREATE TABLE feed_batches (
    position BIGINT NOT NULL CONSTRAINT feed_batches_pk PRIMARY KEY,
    batch_id BIGINT NOT NULL CONSTRAINT feed_batches_by_batch UNIQUE,
    row_count INT NOT NULL
);

CREATE TABLE alert_outbox (
    alert_id UNIQUEIDENTIFIER NOT NULL CONSTRAINT alert_outbox_pk PRIMARY KEY,
    transaction_id UNIQUEIDENTIFIER NOT NULL,
    payload NVARCHAR(MAX) NOT NULL,
    created_at DATETIME2(6) NOT NULL,
    sent_at DATETIME2(6) NULL,
    owner UNIQUEIDENTIFIER NULL,
    claimed_until DATETIME2(6) NULL,
    attempts INT NOT NULL CONSTRAINT alert_outbox_no_attempts DEFAULT 0
);

CREATE INDEX alert_outbox_unsent ON alert_outbox (created_at, alert_id) INCLUDE (claimed_until) WHERE sent_at IS NULL;
CREATE INDEX alert_outbox_sent ON alert_outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE poison_messages (
    message_id NVARCHAR(200) NOT NULL CONSTRAINT poison_messages_pk PRIMARY KEY,
    reason NVARCHAR(MAX) NOT NULL,
    exception NVARCHAR(MAX) NULL,
    attempts INT NOT NULL,
    traceparent NVARCHAR(MAX) NULL,
    body NVARCHAR(MAX) NOT NULL,
    inserted_at DATETIME2(6) NOT NULL,
    failed_at DATETIME2(6) NOT NULL
);

-- Failures of messages, and attempts at those that may end the process; forgotten after two weeks.
CREATE TABLE message_attempts (
    message_id NVARCHAR(200) NOT NULL CONSTRAINT message_attempts_pk PRIMARY KEY,
    attempts INT NOT NULL,
    last_error NVARCHAR(MAX) NOT NULL,
    updated_at DATETIME2(6) NOT NULL
);

-- Repeats of an id that differ from the row that was first.
CREATE TABLE repeat_conflicts (
    id BIGINT IDENTITY NOT NULL CONSTRAINT repeat_conflicts_pk PRIMARY KEY,
    transaction_id UNIQUEIDENTIFIER NOT NULL,
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    amount DECIMAL(19, 4) NOT NULL,
    occurred_at DATETIME2(6) NOT NULL,
    accepted_at DATETIME2(6) NOT NULL,
    recorded_at DATETIME2(6) NOT NULL,
    CONSTRAINT repeat_conflicts_once UNIQUE (transaction_id, accepted_at, user_id, category_id, amount, occurred_at)
);

-- Tombstones of rows removed by retention or erasure: a repeat stays a repeat.
CREATE TABLE purged_transactions (
    transaction_id UNIQUEIDENTIFIER NOT NULL CONSTRAINT purged_transactions_pk PRIMARY KEY,
    purged_at DATETIME2(6) NOT NULL
);

-- Facts about the installation, such as the fingerprint of its signing key.
CREATE TABLE installation (
    name NVARCHAR(100) NOT NULL CONSTRAINT installation_pk PRIMARY KEY,
    value NVARCHAR(MAX) NOT NULL
);
GO

-- What a program hands over in one round trip. Their primary keys put the rows in the order in which locks are taken.

CREATE TYPE finance_ids AS TABLE (
    id UNIQUEIDENTIFIER NOT NULL PRIMARY KEY
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
    transaction_id UNIQUEIDENTIFIER NOT NULL,
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
    PRIMARY KEY (transaction_id, ordinal)
);

CREATE TYPE finance_alerts AS TABLE (
    alert_id UNIQUEIDENTIFIER NOT NULL PRIMARY KEY,
    transaction_id UNIQUEIDENTIFIER NOT NULL,
    payload NVARCHAR(MAX) NOT NULL,
    created_at DATETIME2(6) NOT NULL
);

CREATE TYPE finance_poison AS TABLE (
    message_id NVARCHAR(200) NOT NULL PRIMARY KEY,
    reason NVARCHAR(MAX) NOT NULL,
    exception NVARCHAR(MAX) NULL,
    attempts INT NOT NULL,
    traceparent NVARCHAR(MAX) NULL,
    body NVARCHAR(MAX) NOT NULL,
    inserted_at DATETIME2(6) NOT NULL,
    failed_at DATETIME2(6) NOT NULL
);
GO
