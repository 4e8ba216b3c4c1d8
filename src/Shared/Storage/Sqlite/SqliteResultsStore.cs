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
                // The row is looked for before its tombstone: a purge replaces one by the other in one commit, so that one of the two is found.
                TransactionResult? result =
                    session.FirstOrDefault(
                        $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.transaction_id = ?1", SqliteRows.ToResult, id)
                    ?? session.FirstOrDefault(
                        "SELECT transaction_id FROM purged_transactions WHERE transaction_id = ?1",
                        row => new TransactionResult { Id = row.GetGuid(0), Status = TransactionStatus.Purged },
                        id);
                if (result is not null)
                {
                    results.Add(result);
                }
            }

            return (IReadOnlyList<TransactionResult>)results;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            if (after.Position > 0
                && session.FirstOrDefault("SELECT batch_id FROM feed_batches WHERE position = ?1", row => row.GetInt64(0), after.Position) != after.BatchId)
            {
                return null;
            }

            // The head is read first: batches that are committed behind it meanwhile wait for the next page.
            FeedCursor head = session.FirstOrDefault(
                "SELECT position, batch_id FROM feed_batches ORDER BY position DESC LIMIT 1",
                row => new FeedCursor(row.GetInt64(0), row.GetInt64(1), long.MaxValue));
            List<(TransactionResult Result, FeedCursor Cursor)> rows = session.Query(
                $"""
                SELECT {SqliteRows.ResultColumns}, b.position, b.batch_id
                FROM feed_batches b CROSS JOIN anomaly_transactions t ON t.batch_id = b.batch_id
                WHERE b.position >= ?1 AND b.position <= ?2 AND (b.position > ?1 OR t.id > ?3)
                ORDER BY b.position, t.id LIMIT ?4
                """,
                row => (
                    SqliteRows.ToResult(row),
                    new FeedCursor(row.GetInt64(SqliteRows.NextColumn), row.GetInt64(SqliteRows.NextColumn + 1), row.GetInt64(0))),
                after.Position, head.Position, after.RowId, limit);
            FeedCursor next = rows.Count == limit ? rows[^1].Cursor : head;
            return new FeedPage([.. rows.Select(row => row.Result)], next);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<AnomalyPage> ReadAnomaliesAsync(
        AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            // Each combination of filters has a statement of its own, so that a user's history is found by its index; a category alone is sought among all
            // anomalies. A statement that leaves out a filter is given its value all the same: the limit, the last parameter, keeps the numbering.
            string where = (filter.UserId is null ? "" : " AND t.user_id = ?1")
                + (filter.CategoryId is null ? "" : " AND t.category_id = ?2")
                + (filter.From is null ? "" : " AND t.occurred_at >= ?3")
                + (filter.To is null ? "" : " AND t.occurred_at < ?4")
                + (after is null ? "" : " AND (t.occurred_at, t.id) < (?5, ?6)");
            List<(TransactionResult Result, long RowId)> rows = session.Query(
                $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.is_anomaly = 1{where} ORDER BY t.occurred_at DESC, t.id DESC LIMIT ?7",
                row => (SqliteRows.ToResult(row), row.GetInt64(0)),
                filter.UserId, filter.CategoryId, filter.From, filter.To, after?.OccurredAt, after?.RowId, limit + 1);
            bool more = rows.Count > limit;
            List<(TransactionResult Result, long RowId)> page = more ? rows[..limit] : rows;
            return new AnomalyPage(
                [.. page.Select(row => row.Result)],
                more ? new AnomalyCursor(page[^1].Result.OccurredAt ?? Timestamp.Truncate(DateTime.UnixEpoch), page[^1].RowId) : null);
        },
        cancellationToken);
}
