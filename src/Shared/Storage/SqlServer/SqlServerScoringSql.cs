namespace FinanceIngest.Storage.SqlServer;

/// <summary>The statements of <see cref="SqlServerScoringStore"/>, which says in which order they take their locks.</summary>
internal static class SqlServerScoringSql
{
    // The closest setting is found by the program: those of the user and category, of the user, of the category and of everybody are read.
    private const string LoadSettings =
        $"""
        SELECT {SqlServerCommandStore.SensitivityColumns}
        FROM (SELECT k.user_id, k.category_id FROM @wanted k
            UNION SELECT k.user_id, 0 FROM @wanted k UNION SELECT 0, k.category_id FROM @wanted k UNION SELECT 0, 0) k
        JOIN sensitivity s ON s.user_id = k.user_id AND s.category_id = k.category_id
        WHERE s.level IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        """;

    internal const string LoadBaselinesSql =
        $"""
        SELECT s.user_id, s.category_id, s.mean, s.std_dev, s.sample_count
        FROM @wanted k JOIN anomaly_stats s ON s.user_id = k.user_id AND s.category_id = k.category_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        {LoadSettings}
        """;

    // The version of a user is read before anything that it guards: what is newer than the version is then found out when the user is written.
    internal const string LoadSql =
        $"""
        SELECT u.user_id, u.version, u.state, u.carried FROM @users k JOIN detection_users u ON u.user_id = k.user_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT s.user_id, s.category_id, s.is_refund, s.state, s.carried
        FROM @states k JOIN detection_states s ON s.user_id = k.user_id AND s.category_id = k.category_id AND s.is_refund = k.is_refund
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT i.id_key, t.status FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT i.id_key FROM @ids i JOIN purged_transactions p ON p.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT COALESCE(MAX(m.version), 0) FROM detection_models m;
        SELECT s.user_id, s.category_id, s.mean, s.std_dev, s.sample_count
        FROM @keys k JOIN anomaly_stats s ON s.user_id = k.user_id AND s.category_id = k.category_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT e.user_id, e.accepted_at FROM @users k JOIN erased_users e ON e.user_id = k.user_id OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        {LoadSettings}
        """;

    private const string Begin =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @written INT, @conflicts INT = 0, @alerted INT, @removed INT, @verdicts INT, @moved INT = 0;
        DECLARE @differing TABLE (
            transaction_key BINARY(16) NOT NULL, user_id BIGINT NOT NULL, category_id BIGINT NOT NULL, amount DECIMAL(19, 4) NOT NULL,
            occurred_at DATETIME2(6) NOT NULL, accepted_at DATETIME2(6) NOT NULL, number BIGINT NOT NULL);
        BEGIN TRANSACTION;

        """;

    // LOOP JOIN: each row of the batch is one index seek. A hash or merge join would scan the table, and wait for every other worker's uncommitted rows.
    private const string WriteRows =
        """
        INSERT INTO anomaly_transactions (transaction_key, user_id, category_id, amount, z_score, is_anomaly, status, reason,
            mean, std_dev, sample_count, occurred_at, accepted_at, created_at, error, batch_id)
        SELECT r.transaction_key, r.user_id, r.category_id, r.amount, r.z_score, r.is_anomaly, r.status, r.reason,
            r.mean, r.std_dev, r.sample_count, r.occurred_at, r.accepted_at, r.created_at, r.error, @batch_id
        FROM @results r
        WHERE r.is_candidate = 1
            -- The row is tested before its tombstone: a statement that waited for a row that is just being purged then sees the tombstone.
            AND NOT EXISTS (SELECT 1 FROM anomaly_transactions t WHERE t.transaction_key = r.transaction_key)
            AND NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = r.transaction_key)
        ORDER BY r.transaction_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @written = @@ROWCOUNT;

        IF @written < @count
        BEGIN
            UPDATE t SET user_id = r.user_id, category_id = r.category_id, amount = r.amount, z_score = r.z_score,
                is_anomaly = r.is_anomaly, status = r.status, reason = r.reason, mean = r.mean, std_dev = r.std_dev, sample_count = r.sample_count,
                occurred_at = r.occurred_at, accepted_at = r.accepted_at, created_at = r.created_at, error = r.error, batch_id = @batch_id
            FROM @results r JOIN anomaly_transactions t ON t.transaction_key = r.transaction_key
            WHERE r.is_candidate = 1 AND r.status = 'scored' AND t.status = 'failed'
            OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
            SET @written = @written + @@ROWCOUNT;

        """;

    private const string WriteConflicts =
        """
            -- RepeatRule.Differs, in SQL: an occurred_at that equals accepted_at was filled in and says nothing.
            INSERT INTO @differing (transaction_key, user_id, category_id, amount, occurred_at, accepted_at, number)
            SELECT d.transaction_key, d.user_id, d.category_id, d.amount, d.occurred_at, d.accepted_at,
                ROW_NUMBER() OVER (PARTITION BY d.transaction_key ORDER BY d.accepted_at, d.user_id, d.category_id, d.amount, d.occurred_at)
                    + (SELECT COUNT_BIG(*) FROM repeat_conflicts k WHERE k.transaction_key = d.transaction_key)
            FROM (SELECT DISTINCT r.transaction_key, r.user_id, r.category_id, r.amount, r.occurred_at, r.accepted_at
            FROM @results r JOIN anomaly_transactions t ON t.transaction_key = r.transaction_key
            WHERE r.status = 'scored' AND t.status = 'scored'
                AND (t.user_id IS NULL OR t.user_id <> r.user_id OR t.category_id IS NULL OR t.category_id <> r.category_id
                    OR t.amount IS NULL OR t.amount <> r.amount
                    OR (t.occurred_at <> r.occurred_at AND r.occurred_at <> r.accepted_at AND (t.accepted_at IS NULL OR t.occurred_at <> t.accepted_at)))
                AND NOT EXISTS (SELECT 1 FROM repeat_conflicts c
                    WHERE c.transaction_key = r.transaction_key AND c.accepted_at = r.accepted_at AND c.user_id = r.user_id
                        AND c.category_id = r.category_id AND c.amount = r.amount AND c.occurred_at = r.occurred_at)) d
            OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
            SET @conflicts = @@ROWCOUNT;

            INSERT INTO repeat_conflicts (transaction_key, user_id, category_id, amount, occurred_at, accepted_at, recorded_at)
            SELECT d.transaction_key, d.user_id, d.category_id, d.amount, d.occurred_at, d.accepted_at, @now
            FROM @differing d WHERE d.number <= @most
            ORDER BY d.transaction_key, d.number
            OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

            IF EXISTS (SELECT 1 FROM @differing d WHERE d.number > @most)
                UPDATE c SET beyond = c.beyond + b.beyond
                FROM (SELECT d.transaction_key, COUNT_BIG(*) AS beyond FROM @differing d WHERE d.number > @most GROUP BY d.transaction_key) b
                CROSS APPLY (SELECT TOP (1) k.id FROM repeat_conflicts k WHERE k.transaction_key = b.transaction_key ORDER BY k.id DESC) newest
                JOIN repeat_conflicts c ON c.id = newest.id
                OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        END;

        """;

    private const string WriteRest =
        """
        EXEC finance_after_scoring @written = @result_ids, @marks = @marks, @batch_id = @batch_id, @now = @now,
            @removed = @removed OUTPUT, @verdicts = @verdicts OUTPUT;
        SET @written = @written - @removed;

        -- Alerts go only with rows that this transaction wrote: a redelivered anomaly has its alert already.
        INSERT INTO alert_outbox (alert_key, transaction_key, payload, traceparent, created_at)
        SELECT a.alert_key, a.transaction_key, a.payload, a.traceparent, a.created_at
        FROM @alerts a JOIN anomaly_transactions t ON t.transaction_key = a.transaction_key
        WHERE t.batch_id = @batch_id AND (t.is_anomaly = 1 OR t.has_alert = 1) AND t.suppressed_by IS NULL
            AND NOT EXISTS (SELECT 1 FROM alert_outbox o WHERE o.alert_key = a.alert_key)
        ORDER BY a.alert_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @alerted = @@ROWCOUNT;

        IF @has_commands = 1
            EXEC finance_carry_out @commands = @commands, @batch_id = @batch_id, @now = @now, @moved = @moved OUTPUT;

        INSERT INTO poison_messages (message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at)
        SELECT m.message_id, m.reason, m.exception, m.attempts, m.traceparent, m.body, m.inserted_at, m.failed_at
        FROM @poison m
        WHERE NOT EXISTS (SELECT 1 FROM poison_messages p WHERE p.message_id = m.message_id)
        ORDER BY m.message_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        -- Each process writes its own row, which no other waits for.
        IF @instance IS NOT NULL
        BEGIN
            UPDATE processes SET program = @program, version = @version, roles = @roles, started_at = @started_at, seen_at = @now,
                batches = @batches, transactions = @transactions
            WHERE instance = @instance;
            IF @@ROWCOUNT = 0
            BEGIN
                DELETE FROM processes WITH (READPAST, READCOMMITTEDLOCK) WHERE seen_at < @forgotten;
                INSERT INTO processes (instance, program, version, roles, started_at, seen_at, batches, transactions)
                VALUES (@instance, @program, @version, @roles, @started_at, @now, @batches, @transactions);
            END;
        END;

        IF @written + @moved > 0
            -- The place in the feed comes last, so that a transaction holds up the feed's readers for no longer than its commit takes.
            INSERT INTO feed_batches (batch_id, row_count) VALUES (@batch_id, @written + @moved);

        COMMIT TRANSACTION;
        SELECT @written, @conflicts, @alerted, @verdicts;
        """;

    internal const string WriteSql = $"{Begin}{WriteRows}{WriteConflicts}{WriteRest}";

    internal const string WriteStates =
        """
        -- States come first: a user's lock is taken before that of any of the user's rows, users in their order. A user whose version is no longer the
        -- expected one was changed since the batch was scored: nothing of that user's is written, and the caller scores the user's transactions again.
        DECLARE @held TABLE (user_id BIGINT NOT NULL PRIMARY KEY);
        DECLARE @lost TABLE (user_id BIGINT NOT NULL PRIMARY KEY);
        DECLARE @missing INT = 0;
        UPDATE u SET version = s.version, state = s.state, carried = s.carried
        FROM @users s JOIN detection_users u ON u.user_id = s.user_id
        WHERE u.version = s.expected
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        INSERT INTO detection_users (user_id, version, state, carried)
        SELECT s.user_id, s.version, s.state, s.carried
        FROM @users s
        WHERE s.expected IS NULL AND NOT EXISTS (SELECT 1 FROM detection_users u WHERE u.user_id = s.user_id)
        ORDER BY s.user_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        -- No two changes have the same version, so that it tells whose change a user has now. The user is locked by this transaction where it is this one's.
        INSERT INTO @held (user_id)
        SELECT s.user_id FROM @users s JOIN detection_users u ON u.user_id = s.user_id WHERE u.version = s.version
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        INSERT INTO @lost (user_id)
        SELECT s.user_id FROM @users s WHERE NOT EXISTS (SELECT 1 FROM @held h WHERE h.user_id = s.user_id)
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        UPDATE k SET state = s.state, carried = s.carried
        FROM @states s JOIN @held h ON h.user_id = s.user_id
        JOIN detection_states k ON k.user_id = s.user_id AND k.category_id = s.category_id AND k.is_refund = s.is_refund
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        INSERT INTO detection_states (user_id, category_id, is_refund, state, carried)
        SELECT s.user_id, s.category_id, s.is_refund, s.state, s.carried
        FROM @states s JOIN @held h ON h.user_id = s.user_id
        WHERE NOT EXISTS (SELECT 1 FROM detection_states k WHERE k.user_id = s.user_id AND k.category_id = s.category_id AND k.is_refund = s.is_refund)
        ORDER BY s.user_id, s.category_id, s.is_refund
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        """;

    private const string WriteLearnedRows =
        """
        INSERT INTO anomaly_transactions (transaction_key, user_id, category_id, amount, z_score, is_anomaly, status, reason,
            mean, std_dev, sample_count, occurred_at, accepted_at, created_at, error, batch_id, detector, judgement, contribution, shadow)
        SELECT r.transaction_key, r.user_id, r.category_id, r.amount, r.z_score, r.is_anomaly, r.status, r.reason,
            r.mean, r.std_dev, r.sample_count, r.occurred_at, r.accepted_at, r.created_at, r.error, @batch_id, j.detector, j.judgement, j.contribution, j.shadow
        FROM @results r LEFT JOIN @judgements j ON j.transaction_key = r.transaction_key
        WHERE r.is_candidate = 1
            AND NOT EXISTS (SELECT 1 FROM @lost l WHERE l.user_id = r.user_id)
            -- The row is tested before its tombstone, as in the other statement.
            AND NOT EXISTS (SELECT 1 FROM anomaly_transactions t WHERE t.transaction_key = r.transaction_key)
            AND NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = r.transaction_key)
        ORDER BY r.transaction_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @written = @@ROWCOUNT;

        IF @written < @count
        BEGIN
            UPDATE t SET user_id = r.user_id, category_id = r.category_id, amount = r.amount, z_score = r.z_score,
                is_anomaly = r.is_anomaly, status = r.status, reason = r.reason, mean = r.mean, std_dev = r.std_dev, sample_count = r.sample_count,
                occurred_at = r.occurred_at, accepted_at = r.accepted_at, created_at = r.created_at, error = r.error, batch_id = @batch_id,
                detector = j.detector, judgement = j.judgement, contribution = j.contribution, shadow = j.shadow
            FROM @results r JOIN @judgements j ON j.transaction_key = r.transaction_key
            JOIN anomaly_transactions t ON t.transaction_key = r.transaction_key
            WHERE r.is_candidate = 1 AND r.status = 'scored' AND t.status = 'failed'
                AND NOT EXISTS (SELECT 1 FROM @lost l WHERE l.user_id = r.user_id)
            OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
            SET @written = @written + @@ROWCOUNT;

            -- A state must not hold what a row taught that was not written: a writer that does not learn was first with it, and everything is loaded again.
            SELECT @missing = COUNT(*) FROM @judgements j JOIN @results r ON r.transaction_key = j.transaction_key AND r.is_candidate = 1
            WHERE NOT EXISTS (SELECT 1 FROM @lost l WHERE l.user_id = r.user_id)
                AND NOT EXISTS (SELECT 1 FROM anomaly_transactions t WHERE t.transaction_key = j.transaction_key AND t.batch_id = @batch_id)
            OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
            IF @missing > 0
            BEGIN
                ROLLBACK TRANSACTION;
                SELECT -1, 0, 0;
                RETURN;
            END;

        """;

    internal const string LearnSql =
        $"{Begin}{WriteStates}{WriteLearnedRows}{WriteConflicts}{WriteRest}\nSELECT l.user_id FROM @lost l;";
}
