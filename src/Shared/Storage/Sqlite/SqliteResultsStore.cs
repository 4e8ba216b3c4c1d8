using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IResultsStore"/>
internal sealed class SqliteResultsStore(SqliteDatabase database) : IResultsStore
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.InReadTransaction(() =>
        {
            // In the order in which the ids lie in the index, so that each of its pages is read once, and as of one moment, so that a purge that replaces a row
            // by its tombstone meanwhile hides neither.
            var results = new List<TransactionResult>(ids.Count);
            foreach (Guid id in ids.Distinct().Order())
            {
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
        }),
        cancellationToken);

    /// <inheritdoc/>
    public Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            // Positions are last ids plus a number that is the same for all batches, so both name the place in the feed, which is the order of the ids.
            FeedBatch? from = Find(session, "SELECT position, batch_id, last_id FROM feed_batches WHERE position = ?1", after.Position);
            if (after.Position > 0 && from?.BatchId != after.BatchId)
            {
                return null;
            }

            // The head is read first: batches that are committed behind it meanwhile wait for the next page.
            if (Find(session, "SELECT position, batch_id, last_id FROM feed_batches WHERE position <= ?1 ORDER BY position DESC LIMIT 1", long.MaxValue)
                is not { } head)
            {
                return new FeedPage([], default);
            }

            List<(TransactionResult Result, long RowId)> rows = session.Query(
                $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.id > ?1 AND t.id <= ?2 ORDER BY t.id LIMIT ?3",
                row => (SqliteRows.ToResult(row), row.GetInt64(0)),
                Math.Min(after.RowId, from?.LastId ?? 0), head.LastId, limit);
            FeedCursor next = rows.Count == limit ? CursorAt(session, rows[^1].RowId, head) : head.End;
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
                + (after is null ? "" : " AND (t.occurred_at, t.id) < (?5, ?6)")
                + (filter.MinAmount is null ? "" : " AND abs(t.amount) >= ?7")
                + (filter.Detector is { } detector ? $" AND {detector.Sql("t.detector", "?8")}" : "")
                + (filter.Verdict is { } verdict ? $" AND {verdict.Sql("t.verdict", "?9")}" : "");
            List<(TransactionResult Result, long RowId)> rows = session.Query(
                $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.is_anomaly = 1{where} ORDER BY t.occurred_at DESC, t.id DESC LIMIT ?10",
                row => (SqliteRows.ToResult(row), row.GetInt64(0)),
                filter.UserId, filter.CategoryId, filter.From, filter.To, after?.OccurredAt, after?.RowId, filter.MinAmount?.Units,
                filter.Detector?.Value, filter.Verdict?.Value, limit + 1);
            bool more = rows.Count > limit;
            List<(TransactionResult Result, long RowId)> page = more ? rows[..limit] : rows;
            return new AnomalyPage(
                [.. page.Select(row => row.Result)],
                more ? new AnomalyCursor(page[^1].Result.OccurredAt ?? Timestamp.Truncate(DateTime.UnixEpoch), page[^1].RowId) : null);
        },
        cancellationToken);

    private static FeedBatch? Find(SqliteSession session, string sql, long position) =>
        session.FirstOrDefault(sql, static row => new FeedBatch(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), position);

    private static FeedCursor CursorAt(SqliteSession session, long rowId, FeedBatch head)
    {
        FeedBatch batch = Find(
            session,
            "SELECT position, batch_id, last_id FROM feed_batches WHERE position >= ?1 ORDER BY position LIMIT 1",
            rowId + head.Position - head.LastId)!;
        return new FeedCursor(batch.Position, batch.BatchId, rowId);
    }

    private sealed record FeedBatch(long Position, long BatchId, long LastId)
    {
        /// <summary>Behind the batch's last row.</summary>
        public FeedCursor End => new(Position, BatchId, long.MaxValue);
    }
}
