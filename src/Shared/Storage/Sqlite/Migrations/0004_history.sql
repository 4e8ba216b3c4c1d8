-- The history of a user. An index by user and time alone would put each new row at a random place of an index as large as the history, which costs more the
-- larger it grows (docs/storage-writes.md). This one begins with the block of 4,096 rows in which a row was written, so that rows are added within the last
-- block alone, some fifty pages. A reader looks into each block, some twelve thousand of them at fifty million rows: see SqliteHistoryStore. A failed
-- transaction whose time could not be read counts as of the time at which it failed.
CREATE INDEX anomaly_transactions_history ON anomaly_transactions (id >> 12, user_id, coalesce(occurred_at, created_at));

-- What failed, of all users: few rows.
CREATE INDEX anomaly_transactions_failed ON anomaly_transactions (coalesce(occurred_at, created_at), id) WHERE status = 'failed';
