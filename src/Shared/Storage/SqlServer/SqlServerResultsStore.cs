using System.Data.Common;
using Dapper;
using FinanceIngest.Results;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IResultsStore"/>
internal sealed class SqlServerResultsStore(SqlServerDatabase database) : IResultsStore
{
    internal const string GetSql =
        $"""
        SELECT {SqlServerRows.ResultColumns} FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT p.transaction_key FROM @ids i JOIN purged_transactions p ON p.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        """;

    private static readonly SizedSql s_get = new(GetSql);

    /// <inheritdoc/>
    public Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(s_get.For(ids.Count), new { ids = SqlServerTables.Ids(ids) }, cancellationToken: cancellationToken));
            List<TransactionResult> results = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToResult, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            List<Guid> purged = await SqlServerRows.ReadAsync(reader, row => SqlServerRows.Id(row, 0), cancellationToken);

            // A row that was purged between the two statements is found by both; it counts as it was when it was read.
            purged.RemoveAll(results.Select(result => result.Id).ToHashSet().Contains);
            return (IReadOnlyList<TransactionResult>)[.. results, .. purged.Select(id => new TransactionResult { Id = id, Status = TransactionStatus.Purged })];
        },
        cancellationToken);

    // A place in the feed is a rowversion, taken at the last insert of a transaction: places may be committed in another order than they were taken in.
    // MIN_ACTIVE_ROWVERSION() is the lowest place whose transaction is still open. It is read first, in a statement of its own: everything below it was
    // committed or undone before the next statement looks, whether that reads row versions or locks, so no row can appear below it later. Only the primary
    // replica knows the open transactions of others, so the feed is read there.
    // The page is found by keys alone, in the rest of the cursor's batch and then in no more batches than hold @reach rows; the rows themselves are looked
    // up for the page only. So a page costs the same at the beginning of a long history, and within a batch of thousands.
    internal const string ReadFeedSql =
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

        SELECT {SqlServerRows.ResultColumns}, CAST(k.position AS BIGINT), k.batch_id, k.id
        FROM (SELECT TOP (@limit) u.position, u.batch_id, u.id
            FROM (SELECT @after AS position, r.batch_id, r.id
                FROM (SELECT TOP (@limit) o.batch_id, o.id FROM anomaly_transactions o WHERE o.batch_id = @batch_id AND o.id > @row_id ORDER BY o.id) r
                UNION ALL
                SELECT CAST(b.position AS BINARY(8)), b.batch_id, r.id
                FROM feed_batches b
                CROSS APPLY (SELECT TOP (@limit) o.id FROM anomaly_transactions o WHERE o.batch_id = b.batch_id ORDER BY o.id) r
                WHERE b.position > @after AND b.position <= @last) u
            ORDER BY u.position, u.id) k
        LEFT JOIN anomaly_transactions t ON t.id = k.id AND t.batch_id = k.batch_id
        ORDER BY k.position, k.id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        """;

    /// <inheritdoc/>
    public async Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken)
    {
        var results = new List<TransactionResult>();
        FeedCursor at = after;
        for (long reach = limit; ; reach *= 4)
        {
            // One window fills the page, unless rows of its batches have moved to a later batch or were purged.
            FeedWindow? window = await ReadWindowAsync(at, limit - results.Count, reach, cancellationToken);
            if (window is null)
            {
                return null;
            }

            results.AddRange(window.Rows.Select(row => row.Result).OfType<TransactionResult>());
            at = window.IsFull ? window.Rows[^1].Cursor : window.End;
            if (results.Count == limit || (!window.IsFull && at.Position == window.Head))
            {
                return new FeedPage(results, at);
            }
        }
    }

    private Task<FeedWindow?> ReadWindowAsync(FeedCursor after, int limit, long reach, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var parameters = new { position = after.Position, batch_id = after.BatchId, row_id = after.RowId, limit, reach };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(ReadFeedSql, parameters, cancellationToken: cancellationToken));
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            long head = reader.GetInt64(0);
            FeedCursor end = head == 0 ? FeedCursor.Start : new FeedCursor(reader.GetInt64(1), reader.GetInt64(2), long.MaxValue);
            await reader.NextResultAsync(cancellationToken);
            List<(TransactionResult? Result, FeedCursor Cursor)> rows = await SqlServerRows.ReadAsync(
                reader,
                row => (
                    row.IsDBNull(0) ? null : SqlServerRows.ToResult(row),
                    new FeedCursor(
                        row.GetInt64(SqlServerRows.NextColumn), row.GetInt64(SqlServerRows.NextColumn + 1), row.GetInt64(SqlServerRows.NextColumn + 2))),
                cancellationToken);
            return new FeedWindow(head, end, rows, rows.Count == limit);
        },
        cancellationToken);

    /// <summary>The rows of as many batches as were read for one page.</summary>
    /// <param name="Head">Position of the newest batch.</param>
    /// <param name="End">The cursor behind the last batch of the window.</param>
    /// <param name="Rows">The places, as many as the limit at most; the result is null where the row moved on while it was looked up.</param>
    /// <param name="IsFull">Whether there may be more places in the window.</param>
    private sealed record FeedWindow(long Head, FeedCursor End, List<(TransactionResult? Result, FeedCursor Cursor)> Rows, bool IsFull);

    /// <summary>Each combination of filters has a statement of its own, so that each uses its index.</summary>
    internal static string AnomaliesSql(AnomalyFilter filter, AnomalyCursor? after) =>
        $"""
        SELECT TOP (@limit) {SqlServerRows.ResultColumns}
        FROM anomaly_transactions t
        WHERE t.is_anomaly = 1{(filter.UserId is null ? "" : " AND t.user_id = @UserId")}{(
            filter.CategoryId is null ? "" : " AND t.category_id = @CategoryId")}{(
            filter.From is null ? "" : " AND t.occurred_at >= @From")}{(filter.To is null ? "" : " AND t.occurred_at < @To")}{(
            filter.MinAmount is null ? "" : " AND ABS(t.amount) >= @min_amount")}{(
            filter.Detector is { } detector ? $" AND {detector.Sql("t.detector", "@detector")}" : "")}{(
            filter.Verdict is { } verdict ? $" AND {verdict.Sql("t.verdict", "@verdict")}" : "")}{(
            after is null ? "" : " AND t.occurred_at <= @after_time AND (t.occurred_at < @after_time OR t.id < @after_id)")}
        ORDER BY t.occurred_at DESC, t.id DESC
        """;

    /// <inheritdoc/>
    public Task<AnomalyPage> ReadAnomaliesAsync(
        AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var parameters = new
            {
                filter.UserId,
                filter.CategoryId,
                filter.From,
                filter.To,
                min_amount = filter.MinAmount?.ToDecimal(),
                detector = filter.Detector?.Value,
                verdict = filter.Verdict?.Value,
                after_time = after?.OccurredAt,
                after_id = after?.RowId,
                limit = limit + 1,
            };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(AnomaliesSql(filter, after), parameters, cancellationToken: cancellationToken));
            List<(TransactionResult Result, long RowId)> rows = await SqlServerRows.ReadAsync(
                reader, row => (SqlServerRows.ToResult(row), row.GetInt64(0)), cancellationToken);
            bool more = rows.Count > limit;
            List<(TransactionResult Result, long RowId)> page = more ? rows[..limit] : rows;
            return new AnomalyPage(
                [.. page.Select(row => row.Result)],
                more ? new AnomalyCursor(page[^1].Result.OccurredAt ?? DateTime.UnixEpoch, page[^1].RowId) : null);
        },
        cancellationToken);
}
