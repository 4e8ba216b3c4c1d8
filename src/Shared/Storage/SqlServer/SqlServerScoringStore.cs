using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Overview;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IScoringStore"/>
/// <remarks>
/// Correct with READ_COMMITTED_SNAPSHOT on and off. All writers take locks in one order: keys of <c>anomaly_transactions</c> in their order, then
/// <c>purged_transactions</c>, <c>repeat_conflicts</c>, <c>alert_outbox</c>, <c>poison_messages</c>, their own row of <c>processes</c>, and a new row of
/// <c>feed_batches</c>. No two batches of different transactions wait for each other, and no range is locked: where two workers write one new id, the unique
/// key stops the second, whose transaction is repeated and then sees the first one's row. No plan is parallel, because its threads would take the locks in
/// no order.
/// </remarks>
internal sealed class SqlServerScoringStore(SqlServerDatabase database, TimeProvider time) : IScoringStore
{
    internal const string LoadBaselinesSql =
        """
        SELECT s.user_id, s.category_id, s.mean, s.std_dev, s.sample_count
        FROM @keys k JOIN anomaly_stats s ON s.user_id = k.user_id AND s.category_id = k.category_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
        """;

    private static readonly SizedSql s_loadBaselines = new(LoadBaselinesSql);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<BaselineKey, Baseline>> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken)
    {
        if (keys.Count == 0)
        {
            return new Dictionary<BaselineKey, Baseline>();
        }

        IEnumerable<(long UserId, long CategoryId, double Mean, double StdDev, long SampleCount)> rows = await database.RunAsync(
            connection => connection.QueryAsync<(long, long, double, double, long)>(
                new CommandDefinition(
                    s_loadBaselines.For(keys.Count), new { keys = SqlServerTables.BaselineKeys(keys) }, cancellationToken: cancellationToken)),
            cancellationToken);
        return rows.ToDictionary(row => new BaselineKey(row.UserId, row.CategoryId), row => new Baseline(row.Mean, row.StdDev, row.SampleCount));
    }

    // LOOP JOIN: each row of the batch is one index seek. A hash or merge join would scan the table, and wait for every other worker's uncommitted rows.
    internal const string WriteSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @written INT, @conflicts INT = 0, @alerted INT;
        DECLARE @differing TABLE (
            transaction_key BINARY(16) NOT NULL, user_id BIGINT NOT NULL, category_id BIGINT NOT NULL, amount DECIMAL(19, 4) NOT NULL,
            occurred_at DATETIME2(6) NOT NULL, accepted_at DATETIME2(6) NOT NULL, number BIGINT NOT NULL);
        BEGIN TRANSACTION;

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

        -- Alerts go only with anomalies that this transaction wrote: a redelivered anomaly has its alert already.
        INSERT INTO alert_outbox (alert_key, transaction_key, payload, traceparent, created_at)
        SELECT a.alert_key, a.transaction_key, a.payload, a.traceparent, a.created_at
        FROM @alerts a JOIN anomaly_transactions t ON t.transaction_key = a.transaction_key
        WHERE t.batch_id = @batch_id AND t.is_anomaly = 1
            AND NOT EXISTS (SELECT 1 FROM alert_outbox o WHERE o.alert_key = a.alert_key)
        ORDER BY a.alert_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @alerted = @@ROWCOUNT;

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

        IF @written > 0
            -- The place in the feed comes last, so that a transaction holds up the feed's readers for no longer than its commit takes.
            INSERT INTO feed_batches (batch_id, row_count) VALUES (@batch_id, @written);

        COMMIT TRANSACTION;
        SELECT @written, @conflicts, @alerted;
        """;

    private static readonly SizedSql s_write = new(WriteSql);

    /// <inheritdoc/>
    public Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken) =>
        batch.Results.Count == 0 && batch.Poison.Count == 0
            ? Task.FromResult(default(WriteCounts))
            : database.RunAsync(
                connection =>
                {
                    // This is the last moment at which the leases can be checked. A deadline within the statement would also undo batches whose leases are
                    // renewed while the server works; a batch that commits too late meets unique keys.
                    batch.ThrowUnlessHeld();
                    return WriteAsync(connection, batch, BatchId.Next(time), cancellationToken);
                },
                cancellationToken);

    /// <summary>Writes the batch in one round trip. If the connection has a transaction, the batch is committed with it.</summary>
    internal async Task<WriteCounts> WriteAsync(SqlConnection connection, ScoredBatch batch, long batchId, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        var parameters = new
        {
            results = SqlServerTables.Results(batch.Results),
            alerts = SqlServerTables.Alerts(batch.Alerts),
            poison = SqlServerTables.Poison(batch.Poison),
            count = batch.Results.Count,
            batch_id = batchId,
            now,
            most = RepeatRule.MostKept,
            instance = batch.Process?.Process.Instance,
            program = batch.Process?.Process.Program,
            version = batch.Process?.Process.Version,
            roles = batch.Process?.Process.Roles,
            started_at = batch.Process?.Process.StartedAt,
            batches = batch.Process?.Batches,
            transactions = batch.Process?.Transactions,
            forgotten = now - ProcessSeen.Kept,
        };
        (int written, int conflicts, int alerted) = await connection.QuerySingleAsync<(int, int, int)>(
            new CommandDefinition(s_write.For(batch.Results.Count), parameters, cancellationToken: cancellationToken));
        return new WriteCounts(written, batch.Results.Count - written, conflicts, alerted);
    }
}
