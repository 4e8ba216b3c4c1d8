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

-- Of an id's repeats with other values the first hundred are kept; the newest of them counts those that came after it.
ALTER TABLE repeat_conflicts ADD COLUMN beyond INTEGER NOT NULL DEFAULT 0;
