-- A batch looks up as many baselines as it has users and categories, each in a place of its own. This index holds all that scoring needs of a baseline, so that
-- a look-up reads one page of a large table instead of one of the unique index and one of the table (docs/storage-writes.md). Imports pay for it.
CREATE INDEX anomaly_stats_values ON anomaly_stats (user_id, category_id, mean, std_dev, sample_count);
