using System.Data.Common;
using Dapper;
using FinanceIngest.Results;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IResultsStore"/>
internal sealed class SqlServerResultsStore(SqlServerDatabase database) : IResultsStore
{
    internal const string GetSql =
        $"""
        SELECT {SqlServerRows.ResultColumns} FROM @ids i JOIN anomaly_transactions t ON t.transaction_id = i.id OPTION (LOOP JOIN, FORCE ORDER);
        SELECT p.transaction_id FROM @ids i JOIN purged_transactions p ON p.transaction_id = i.id OPTION (LOOP JOIN, FORCE ORDER);
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(GetSql, new { ids = SqlServerTables.Ids(ids) }, cancellationToken: cancellationToken));
            List<TransactionResult> results = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToResult, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            List<Guid> purged = await SqlServerRows.ReadAsync(reader, row => row.GetGuid(0), cancellationToken);

            // A row that was purged between the two statements is found by both; it counts as it was when it was read.
            purged.RemoveAll(results.Select(result => result.Id).ToHashSet().Contains);
            return (IReadOnlyList<TransactionResult>)[.. results, .. purged.Select(id => new TransactionResult { Id = id, Status = TransactionStatus.Purged })];
        },
        cancellationToken);

    // The head is read first: batches that are committed behind it meanwhile wait for the next page. Positions are committed in ascending order (see
    // SqlServerScoringStore), so that no batch can appear below the head later. The page is sorted out of no more batches than hold @reach rows: a
    // reader at the beginning of a long history must not sort all of it.
    internal const string ReadFeedSql =
        $"""
        DECLARE @head BIGINT = COALESCE((SELECT MAX(position) FROM feed_batches), 0), @last BIGINT;
        SELECT @last = MIN(w.position)
        FROM (SELECT TOP (@reach) position, SUM(CAST(row_count AS BIGINT)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS total
            FROM feed_batches WHERE position > @position AND position <= @head ORDER BY position) w
        WHERE w.total >= @reach;
        SET @last = COALESCE(@last, @head);

        SELECT @head, @last, COALESCE((SELECT batch_id FROM feed_batches WHERE position = @last), 0)
        WHERE @position = 0 OR EXISTS (SELECT 1 FROM feed_batches WHERE position = @position AND batch_id = @batch_id);

        SELECT TOP (@limit) {SqlServerRows.ResultColumns}, b.position, b.batch_id
        FROM feed_batches b JOIN anomaly_transactions t ON t.batch_id = b.batch_id
        WHERE b.position >= @position AND b.position <= @last AND (b.position > @position OR t.id > @row_id)
        ORDER BY b.position, t.id
        OPTION (LOOP JOIN, FORCE ORDER);
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

            results.AddRange(window.Rows.Select(row => row.Result));
            at = results.Count == limit ? window.Rows[^1].Cursor : window.End;
            if (results.Count == limit || at.Position == window.Head)
            {
                return new FeedPage(results, at);
            }
        }
    }

    private Task<FeedWindow?> ReadWindowAsync(FeedCursor after, int limit, long reach, CancellationToken cancellationToken) => database.RunAsync(
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
            return new FeedWindow(head, end, await SqlServerRows.ReadAsync(
                reader,
                row => (
                    SqlServerRows.ToResult(row),
                    new FeedCursor(row.GetInt64(SqlServerRows.NextColumn), row.GetInt64(SqlServerRows.NextColumn + 1), row.GetInt64(0))),
                cancellationToken));
        },
        cancellationToken);

    /// <summary>The rows of as many batches as were read for one page.</summary>
    /// <param name="Head">Position of the newest batch.</param>
    /// <param name="End">The cursor behind the last batch of the window.</param>
    /// <param name="Rows">The rows, as many as the limit at most.</param>
    private sealed record FeedWindow(long Head, FeedCursor End, List<(TransactionResult Result, FeedCursor Cursor)> Rows);

    /// <summary>Each combination of filters has a statement of its own, so that each uses its index.</summary>
    internal static string AnomaliesSql(AnomalyFilter filter, AnomalyCursor? after) =>
        $"""
        SELECT TOP (@limit) {SqlServerRows.ResultColumns}
        FROM anomaly_transactions t
        WHERE t.is_anomaly = 1{(filter.UserId is null ? "" : " AND t.user_id = @UserId")}{(
            filter.CategoryId is null ? "" : " AND t.category_id = @CategoryId")}{(
            filter.From is null ? "" : " AND t.occurred_at >= @From")}{(filter.To is null ? "" : " AND t.occurred_at < @To")}{(
            after is null ? "" : " AND t.occurred_at <= @after_time AND (t.occurred_at < @after_time OR t.id < @after_id)")}
        ORDER BY t.occurred_at DESC, t.id DESC
        """;

    /// <inheritdoc/>
    public Task<AnomalyPage> ReadAnomaliesAsync(
        AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            var parameters = new
            {
                filter.UserId, filter.CategoryId, filter.From, filter.To, after_time = after?.OccurredAt, after_id = after?.RowId, limit = limit + 1,
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
