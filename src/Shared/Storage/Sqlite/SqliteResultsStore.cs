using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IResultsStore"/>
internal sealed class SqliteResultsStore(SqliteDatabase database) : IResultsStore
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            var results = new List<TransactionResult>(ids.Count);
            foreach (Guid id in ids.Distinct())
            {
                // A row that is purged between the two statements was there when it was looked for.
                List<TransactionResult> found = session.Query(
                    $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.transaction_id = @id",
                    SqliteRows.ToResult,
                    ("@id", SqliteRows.Uuid(id)));
                results.AddRange(found.Count > 0 ? found : session.Query(
                    "SELECT transaction_id FROM purged_transactions WHERE transaction_id = @id",
                    row => new TransactionResult { Id = Guid.Parse(row.GetString(0)), Status = TransactionStatus.Purged },
                    ("@id", SqliteRows.Uuid(id))));
            }

            return (IReadOnlyList<TransactionResult>)results;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            if (after.Position > 0 && session.Scalar<long>("SELECT batch_id FROM feed_batches WHERE position = @position", ("@position", after.Position)) != after.BatchId)
            {
                return null;
            }

            // The head is read first: what is committed behind it meanwhile waits for the next page.
            FeedCursor head = session.Query(
                "SELECT position, batch_id FROM feed_batches ORDER BY position DESC LIMIT 1",
                row => new FeedCursor(row.GetInt64(0), row.GetInt64(1), long.MaxValue)).FirstOrDefault();
            List<(TransactionResult Result, FeedCursor Cursor)> rows = session.Query(
                $"""
                SELECT {SqliteRows.ResultColumns}, b.position, b.batch_id
                FROM feed_batches b CROSS JOIN anomaly_transactions t ON t.batch_id = b.batch_id
                WHERE b.position >= @position AND b.position <= @head AND (b.position > @position OR t.id > @row_id)
                ORDER BY b.position, t.id LIMIT @limit
                """,
                row => (SqliteRows.ToResult(row), new FeedCursor(row.GetInt64(SqliteRows.NextColumn), row.GetInt64(SqliteRows.NextColumn + 1), row.GetInt64(0))),
                ("@position", after.Position), ("@head", head.Position), ("@row_id", after.RowId), ("@limit", limit));
            FeedCursor next = rows.Count == limit ? rows[^1].Cursor : head;
            return new FeedPage([.. rows.Select(row => row.Result)], next);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            // One statement per combination of filters, so that a user's history is found by its index; a category alone is sought among all anomalies.
            string where = (filter.UserId is null ? "" : " AND t.user_id = @user_id")
                + (filter.CategoryId is null ? "" : " AND t.category_id = @category_id")
                + (filter.From is null ? "" : " AND t.occurred_at >= @from")
                + (filter.To is null ? "" : " AND t.occurred_at < @to")
                + (after is null ? "" : " AND (t.occurred_at, t.id) < (@after_time, @after_id)");
            List<(TransactionResult Result, long RowId)> rows = session.Query(
                $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.is_anomaly = 1{where} ORDER BY t.occurred_at DESC, t.id DESC LIMIT @limit",
                row => (SqliteRows.ToResult(row), row.GetInt64(0)),
                ("@user_id", filter.UserId), ("@category_id", filter.CategoryId), ("@from", SqliteRows.Time(filter.From)), ("@to", SqliteRows.Time(filter.To)),
                ("@after_time", SqliteRows.Time(after?.OccurredAt)), ("@after_id", after?.RowId), ("@limit", limit + 1));
            bool more = rows.Count > limit;
            List<(TransactionResult Result, long RowId)> page = more ? rows[..limit] : rows;
            return new AnomalyPage(
                [.. page.Select(row => row.Result)],
                more ? new AnomalyCursor(page[^1].Result.OccurredAt ?? Timestamp.Truncate(DateTime.UnixEpoch), page[^1].RowId) : null);
        },
        cancellationToken);
}
