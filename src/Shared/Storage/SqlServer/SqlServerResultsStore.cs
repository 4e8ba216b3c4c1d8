using System.Data.Common;
using Dapper;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IResultsStore"/>
public sealed class SqlServerResultsStore(SqlServerDatabase database) : IResultsStore
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

            // Purged between the two statements: the row was there when it was looked for.
            purged.RemoveAll(results.Select(result => result.Id).ToHashSet().Contains);
            return (IReadOnlyList<TransactionResult>)[.. results, .. purged.Select(id => new TransactionResult { Id = id, Status = TransactionStatus.Purged })];
        },
        cancellationToken);

    // The head is read first: what is committed behind it meanwhile waits for the next page. Positions are committed in their order (see
    // SqlServerScoringStore), so that below the head nothing can still appear.
    internal const string ReadFeedSql =
        $"""
        DECLARE @head BIGINT = 0, @head_batch BIGINT = 0;
        SELECT TOP (1) @head = position, @head_batch = batch_id FROM feed_batches ORDER BY position DESC;

        SELECT @head, @head_batch
        WHERE @position = 0 OR EXISTS (SELECT 1 FROM feed_batches WHERE position = @position AND batch_id = @batch_id);

        SELECT TOP (@limit) {SqlServerRows.ResultColumns}, b.position, b.batch_id
        FROM feed_batches b JOIN anomaly_transactions t ON t.batch_id = b.batch_id
        WHERE b.position >= @position AND b.position <= @head AND (b.position > @position OR t.id > @row_id)
        ORDER BY b.position, t.id
        OPTION (LOOP JOIN, FORCE ORDER);
        """;

    /// <inheritdoc/>
    public Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            var parameters = new { position = after.Position, batch_id = after.BatchId, row_id = after.RowId, limit };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(ReadFeedSql, parameters, cancellationToken: cancellationToken));
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            var head = new FeedCursor(reader.GetInt64(0), reader.GetInt64(1), long.MaxValue);
            await reader.NextResultAsync(cancellationToken);
            List<(TransactionResult Result, FeedCursor Cursor)> rows = await SqlServerRows.ReadAsync(
                reader,
                row => (SqlServerRows.ToResult(row), new FeedCursor(row.GetInt64(SqlServerRows.NextColumn), row.GetInt64(SqlServerRows.NextColumn + 1), row.GetInt64(0))),
                cancellationToken);
            FeedCursor next = rows.Count == limit ? rows[^1].Cursor : head.Position == 0 ? FeedCursor.Start : head;
            return new FeedPage([.. rows.Select(row => row.Result)], next);
        },
        cancellationToken);

    /// <summary>One statement per combination of filters, so that each uses its index.</summary>
    internal static string AnomaliesSql(AnomalyFilter filter, AnomalyCursor? after) =>
        $"""
        SELECT TOP (@limit) {SqlServerRows.ResultColumns}
        FROM anomaly_transactions t
        WHERE t.is_anomaly = 1{(filter.UserId is null ? "" : " AND t.user_id = @UserId")}{(filter.CategoryId is null ? "" : " AND t.category_id = @CategoryId")}{(
            filter.From is null ? "" : " AND t.occurred_at >= @From")}{(filter.To is null ? "" : " AND t.occurred_at < @To")}{(
            after is null ? "" : " AND t.occurred_at <= @after_time AND (t.occurred_at < @after_time OR t.id < @after_id)")}
        ORDER BY t.occurred_at DESC, t.id DESC
        """;

    /// <inheritdoc/>
    public Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            var parameters = new { filter.UserId, filter.CategoryId, filter.From, filter.To, after_time = after?.OccurredAt, after_id = after?.RowId, limit = limit + 1 };
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
