-- Homes for what a database of the older system holds and this schema's rules do not allow: see OlderSystemUpgrade.

-- The amount as it was, where it is no DECIMAL(19,4) or too large for one of this system's.
ALTER TABLE anomaly_transactions ADD amount_legacy FLOAT NULL;

-- Baselines that were not the newest of their user and category.
CREATE TABLE anomaly_stats_superseded (
    id BIGINT NOT NULL CONSTRAINT anomaly_stats_superseded_pk PRIMARY KEY,
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    mean FLOAT NOT NULL,
    std_dev FLOAT NOT NULL,
    sample_count BIGINT NOT NULL,
    created_at DATETIME2(6) NOT NULL
);
