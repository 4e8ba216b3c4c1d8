-- The history of a user. An index by user and time alone would put each new row at a random place of an index as large as the history. This one begins with
-- the block of 4,096 rows in which a row was written, so that rows are added within the pages of the last block alone. A reader looks into each block: see
-- SqlServerHistoryStore. A failed transaction whose time could not be read counts as of the time at which it failed. Both columns are computed when they are
-- read, and take no room in the table.
ALTER TABLE anomaly_transactions ADD history_block AS (id / 4096);
ALTER TABLE anomaly_transactions ADD happened_at AS (COALESCE(occurred_at, created_at));
GO

CREATE INDEX anomaly_transactions_history ON anomaly_transactions (history_block, user_id, happened_at, id);

-- What failed, of all users: few rows.
CREATE INDEX anomaly_transactions_failed ON anomaly_transactions (happened_at, id) WHERE status = 'failed';
GO
