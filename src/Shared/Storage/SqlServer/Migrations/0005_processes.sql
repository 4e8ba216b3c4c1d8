-- Processes that wrote a batch; each writes its own row, together with a batch.
CREATE TABLE processes (
    instance NVARCHAR(200) NOT NULL CONSTRAINT processes_pk PRIMARY KEY,
    program NVARCHAR(100) NOT NULL,
    version NVARCHAR(50) NOT NULL,
    roles NVARCHAR(100) NOT NULL,
    started_at DATETIME2(6) NOT NULL,
    seen_at DATETIME2(6) NOT NULL,
    batches BIGINT NOT NULL,
    transactions BIGINT NOT NULL
);
GO

-- Of an id's repeats with other values the first hundred are kept; the newest of them counts those that came after it.
ALTER TABLE repeat_conflicts ADD beyond BIGINT NOT NULL CONSTRAINT repeat_conflicts_none_beyond DEFAULT 0;
GO
