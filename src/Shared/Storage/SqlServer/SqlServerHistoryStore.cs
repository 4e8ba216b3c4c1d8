using System.Data.Common;
using Dapper;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IHistoryStore"/>
internal sealed class SqlServerHistoryStore(SqlServerDatabase database) : IHistoryStore
{
    // The blocks of the index, which begins with them (see 0004_history.sql). A million of them are four thousand million rows.
    private const string Blocks =
        """
        DECLARE @first BIGINT = (SELECT MIN(id) FROM anomaly_transactions) / 4096, @last BIGINT = (SELECT MAX(id) FROM anomaly_transactions) / 4096;
        WITH ten (n) AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) v (n)),
        blocks (block) AS (
            SELECT TOP (COALESCE(@last - @first + 1, 0)) @first - 1 + ROW_NUMBER() OVER (ORDER BY (SELECT NULL))
            FROM ten a CROSS JOIN ten b CROSS JOIN ten c CROSS JOIN ten d CROSS JOIN ten e CROSS JOIN ten f)
        """;

    /// <summary>The statement of a page: its rows are found and sorted by keys, and read only where they are on the page.</summary>
    internal static string HistorySql(HistoryFilter filter, AnomalyCursor? after)
    {
        string where = (filter.CategoryId is null ? "" : " AND o.category_id = @CategoryId")
            + (filter.IsAnomaly is null ? "" : " AND o.is_anomaly = @IsAnomaly")
            + (filter.MinAmount is null ? "" : " AND ABS(o.amount) >= @min_amount")
            + (filter.From is null ? "" : " AND o.happened_at >= @From")
            + (filter.To is null ? "" : " AND o.happened_at < @To")
            + (after is null ? "" : " AND o.happened_at <= @after_time AND (o.happened_at < @after_time OR o.id < @after_id)");
        return filter.UserId is null
            ? $"""
            SELECT TOP (@limit) {SqlServerRows.ResultColumns}
            FROM (SELECT TOP (@limit) o.id, o.happened_at FROM anomaly_transactions o
                WHERE o.status = 'failed'{where} ORDER BY o.happened_at DESC, o.id DESC) k
            JOIN anomaly_transactions t ON t.id = k.id
            ORDER BY k.happened_at DESC, k.id DESC
            """
            : $"""
            {Blocks}
            SELECT TOP (@limit) {SqlServerRows.ResultColumns}
            FROM (SELECT TOP (@limit) r.id, r.happened_at
                FROM blocks b
                CROSS APPLY (SELECT TOP (@limit) o.id, o.happened_at
                    FROM anomaly_transactions o WITH (INDEX (anomaly_transactions_history))
                    WHERE o.history_block = b.block AND o.user_id = @UserId{(filter.Status is { } status ? $" AND o.status = '{Names.Of(status)}'" : "")}{where}
                    ORDER BY o.happened_at DESC, o.id DESC) r
                ORDER BY r.happened_at DESC, r.id DESC) k
            JOIN anomaly_transactions t ON t.id = k.id
            ORDER BY k.happened_at DESC, k.id DESC
            OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
            """;
    }

    /// <inheritdoc/>
    public Task<HistoryPage> ReadHistoryAsync(
        HistoryFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var parameters = new
            {
                filter.UserId,
                filter.CategoryId,
                filter.IsAnomaly,
                min_amount = filter.MinAmount?.ToDecimal(),
                filter.From,
                filter.To,
                after_time = after?.OccurredAt,
                after_id = after?.RowId,
                limit = limit + 1,
            };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(HistorySql(filter, after), parameters, cancellationToken: cancellationToken));
            return HistoryPage.Of(
                await SqlServerRows.ReadAsync(reader, row => (SqlServerRows.ToResult(row), row.GetInt64(0)), cancellationToken), limit);
        },
        cancellationToken);

    internal const string SpendingSql =
        $"""
        {Blocks}
        SELECT o.category_id, o.amount, o.occurred_at, o.is_anomaly
        FROM blocks b
        JOIN anomaly_transactions o WITH (INDEX (anomaly_transactions_history)) ON o.history_block = b.block
        WHERE o.user_id = @user_id AND o.happened_at >= @from AND o.status = 'scored' AND o.occurred_at IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<SpendingRow>> ReadSpendingAsync(long userId, DateTime from, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(SpendingSql, new { user_id = userId, from }, cancellationToken: cancellationToken));
            return (IReadOnlyList<SpendingRow>)await SqlServerRows.ReadAsync(
                reader,
                row => new SpendingRow(row.GetInt64(0), Money.FromDecimal(row.GetDecimal(1)), SqlServerRows.Time(row, 2)!.Value, row.GetBoolean(3)),
                cancellationToken);
        },
        cancellationToken);

    // As in the feed itself, nothing is read at or above the lowest place whose transaction is still open: see SqlServerResultsStore.
    internal const string FeedEndSql =
        """
        DECLARE @end BINARY(8) = MIN_ACTIVE_ROWVERSION();
        SELECT TOP (1) CAST(position AS BIGINT), batch_id FROM feed_batches WHERE position < @end ORDER BY position DESC;
        """;

    /// <inheritdoc/>
    public Task<FeedCursor> ReadFeedEndAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(FeedEndSql, cancellationToken: cancellationToken));
            return await reader.ReadAsync(cancellationToken) ? new FeedCursor(reader.GetInt64(0), reader.GetInt64(1), long.MaxValue) : FeedCursor.Start;
        },
        cancellationToken,
        isOtherWork: false);

    // Whole batches are looked at, as many as hold @reach rows. In the cursor's own batch only what lies behind its row.
    internal const string FeedAnomaliesSql =
        $"""
        IF DATABASEPROPERTYEX(DB_NAME(), 'Updateability') <> 'READ_WRITE'
            THROW 50410, 'The results feed is read from the primary replica: this one does not know which transactions are still open.', 1;
        DECLARE @end BINARY(8) = MIN_ACTIVE_ROWVERSION(), @after BINARY(8) = CAST(@position AS BINARY(8)), @head BINARY(8), @last BINARY(8);
        SELECT @head = MAX(position) FROM feed_batches WHERE position < @end;
        SELECT @last = MIN(w.position)
        FROM (SELECT TOP (@reach) position, SUM(CAST(row_count AS BIGINT)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS total
            FROM feed_batches WHERE position > @after AND position <= @head ORDER BY position) w
        WHERE w.total >= @reach;
        SET @last = COALESCE(@last, @head);

        SELECT COALESCE(CAST(@head AS BIGINT), 0), COALESCE(CAST(@last AS BIGINT), 0),
            COALESCE((SELECT batch_id FROM feed_batches WHERE position = @last), 0)
        WHERE @position = 0 OR EXISTS (SELECT 1 FROM feed_batches WHERE position = @after AND batch_id = @batch_id);

        SELECT {SqlServerRows.ResultColumns}, CAST(b.position AS BIGINT), b.batch_id
        FROM feed_batches b
        JOIN anomaly_transactions t ON t.batch_id = b.batch_id
        WHERE b.position >= @after AND b.position <= @last AND (b.position > @after OR t.id > @row_id) AND t.is_anomaly = 1
        ORDER BY b.position, t.id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        """;

    /// <inheritdoc/>
    public Task<FeedAnomalies?> ReadFeedAnomaliesAsync(FeedCursor after, int reach, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var parameters = new { position = after.Position, batch_id = after.BatchId, row_id = after.RowId, reach };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(FeedAnomaliesSql, parameters, cancellationToken: cancellationToken));
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            (long head, long last, long batchId) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
            await reader.NextResultAsync(cancellationToken);
            List<(TransactionResult, FeedCursor)> rows = await SqlServerRows.ReadAsync(
                reader,
                row => (
                    SqlServerRows.ToResult(row),
                    new FeedCursor(row.GetInt64(SqlServerRows.NextColumn), row.GetInt64(SqlServerRows.NextColumn + 1), row.GetInt64(0))),
                cancellationToken);
            return new FeedAnomalies(rows, head == 0 ? FeedCursor.Start : new FeedCursor(last, batchId, long.MaxValue), IsEnd: last == head);
        },
        cancellationToken,
        isOtherWork: false);
}
