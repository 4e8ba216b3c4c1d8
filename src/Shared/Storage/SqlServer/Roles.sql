-- What each program may do, and nothing more. Applied by `finance-ingest migrate --roles`, which may be repeated; then, for each program's own user:
--   ALTER ROLE finance_ingest_worker ADD MEMBER [the user];

IF DATABASE_PRINCIPAL_ID('finance_ingest_intake') IS NULL CREATE ROLE finance_ingest_intake;
IF DATABASE_PRINCIPAL_ID('finance_ingest_worker') IS NULL CREATE ROLE finance_ingest_worker;
IF DATABASE_PRINCIPAL_ID('finance_ingest_notifier') IS NULL CREATE ROLE finance_ingest_notifier;
IF DATABASE_PRINCIPAL_ID('finance_ingest_retention') IS NULL CREATE ROLE finance_ingest_retention;
IF DATABASE_PRINCIPAL_ID('finance_ingest_operator') IS NULL CREATE ROLE finance_ingest_operator;
GO

-- The intake reads results, counts unsent alerts and sees processes for its status, and takes baselines at PUT /api/stats. It writes no result.
GRANT SELECT ON anomaly_transactions TO finance_ingest_intake;
GRANT SELECT ON purged_transactions TO finance_ingest_intake;
GRANT SELECT ON feed_batches TO finance_ingest_intake;
GRANT SELECT ON alert_outbox TO finance_ingest_intake;
GRANT SELECT ON processes TO finance_ingest_intake;
GRANT SELECT ON feedback TO finance_ingest_intake;
GRANT SELECT ON sensitivity TO finance_ingest_intake;
GRANT SELECT ON erased_users TO finance_ingest_intake;
GRANT SELECT ON notification_destinations TO finance_ingest_intake;
GRANT SELECT ON removed_destinations TO finance_ingest_intake;
GRANT SELECT, INSERT, UPDATE, DELETE ON anomaly_stats TO finance_ingest_intake;
GO

-- The worker writes results and never takes one away.
GRANT SELECT ON anomaly_stats TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE ON anomaly_transactions TO finance_ingest_worker;
GRANT SELECT ON purged_transactions TO finance_ingest_worker;
GRANT SELECT, INSERT ON feed_batches TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_outbox TO finance_ingest_worker;
GRANT SELECT, INSERT ON poison_messages TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON message_attempts TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE ON repeat_conflicts TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO finance_ingest_worker;
GRANT SELECT, INSERT ON installation TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON detection_users TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON detection_states TO finance_ingest_worker;
GRANT SELECT, INSERT ON detection_models TO finance_ingest_worker;
GRANT SELECT, INSERT, DELETE ON detection_categories TO finance_ingest_worker;
GRANT SELECT ON sensitivity TO finance_ingest_worker;
GRANT SELECT, UPDATE ON erased_users TO finance_ingest_worker;
GRANT SELECT, INSERT, DELETE ON notification_destinations TO finance_ingest_worker;
GRANT SELECT, INSERT, UPDATE ON removed_destinations TO finance_ingest_worker;
GO

-- What commands do beyond that: withdrawals, verdicts, erasures. The operator erases by the same procedures.
GRANT EXECUTE ON finance_after_scoring TO finance_ingest_worker;
GRANT EXECUTE ON finance_carry_out TO finance_ingest_worker;
GRANT EXECUTE ON finance_erase_rows TO finance_ingest_worker, finance_ingest_operator;
GRANT EXECUTE ON finance_erase_rest TO finance_ingest_worker, finance_ingest_operator;
GRANT EXECUTE ON finance_bury TO finance_ingest_worker, finance_ingest_operator;
GRANT EXECUTE ON finance_remove_poison TO finance_ingest_worker, finance_ingest_operator;
GRANT EXECUTE ON finance_replace_poison TO finance_ingest_worker, finance_ingest_operator;
GO

-- The notifier keeps deliveries and channels, and reads addresses; it removes an address only when the push service says that it is no more. It sees no
-- transaction, no baseline and no outbox: what it knows of an alert stands in the alert's message.
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_deliveries TO finance_ingest_notifier;
GRANT SELECT, INSERT, UPDATE ON notification_channels TO finance_ingest_notifier;
GRANT SELECT, DELETE ON notification_destinations TO finance_ingest_notifier;
GO

-- What a worker needs beyond its role where FinanceIngest__Retention__Days is set, and a job that runs nothing but `finance-ingest purge`.
GRANT SELECT, DELETE ON anomaly_transactions TO finance_ingest_retention;
GRANT SELECT, INSERT ON purged_transactions TO finance_ingest_retention;
GRANT SELECT, DELETE ON repeat_conflicts TO finance_ingest_retention;
GRANT SELECT, DELETE ON alert_outbox TO finance_ingest_retention;
GRANT SELECT, DELETE ON poison_messages TO finance_ingest_retention;
GRANT SELECT, DELETE ON message_attempts TO finance_ingest_retention;
GRANT SELECT, DELETE ON feedback TO finance_ingest_retention;
GRANT SELECT, INSERT, UPDATE ON detection_users TO finance_ingest_retention;
GRANT SELECT, INSERT, UPDATE ON detection_states TO finance_ingest_retention;
GO

-- The operator's commands other than migrate: baselines, poison messages, retention and erasure.
GRANT SELECT, INSERT, UPDATE, DELETE ON anomaly_stats TO finance_ingest_operator;
GRANT SELECT, DELETE ON anomaly_stats_superseded TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON anomaly_transactions TO finance_ingest_operator;
GRANT SELECT, INSERT ON purged_transactions TO finance_ingest_operator;
GRANT SELECT, INSERT ON feed_batches TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_outbox TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON poison_messages TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON message_attempts TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON repeat_conflicts TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO finance_ingest_operator;
GRANT SELECT, INSERT ON installation TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_deliveries TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE ON notification_channels TO finance_ingest_operator;
GRANT SELECT, INSERT, DELETE ON notification_destinations TO finance_ingest_operator;
GRANT SELECT, DELETE ON removed_destinations TO finance_ingest_operator;
GRANT SELECT, DELETE ON feedback TO finance_ingest_operator;
GRANT SELECT, DELETE ON sensitivity TO finance_ingest_operator;
GRANT SELECT ON erased_users TO finance_ingest_operator;
GRANT SELECT ON schema_migrations TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON detection_users TO finance_ingest_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON detection_states TO finance_ingest_operator;
GRANT SELECT ON detection_models TO finance_ingest_operator;
GRANT SELECT ON detection_categories TO finance_ingest_operator;
GO

-- Rows by their readable ids, for people.
GRANT SELECT ON finance_key TO finance_ingest_operator;
GO

-- The parameters that statements come with.
GRANT EXECUTE ON TYPE::finance_ids TO finance_ingest_intake, finance_ingest_worker, finance_ingest_retention, finance_ingest_operator;
GRANT EXECUTE ON TYPE::finance_baselines TO finance_ingest_intake, finance_ingest_operator;
GRANT EXECUTE ON TYPE::finance_baseline_keys TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_results TO finance_ingest_worker, finance_ingest_operator;
GRANT EXECUTE ON TYPE::finance_users TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_state_keys TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_user_states TO finance_ingest_worker, finance_ingest_retention, finance_ingest_operator;
GRANT EXECUTE ON TYPE::finance_states TO finance_ingest_worker, finance_ingest_retention, finance_ingest_operator;
GRANT EXECUTE ON TYPE::finance_judgements TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_categories TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_alerts TO finance_ingest_worker, finance_ingest_notifier, finance_ingest_operator;
GRANT EXECUTE ON TYPE::finance_commands TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_marks TO finance_ingest_worker;
GRANT EXECUTE ON TYPE::finance_poison TO finance_ingest_worker, finance_ingest_operator;
GO
