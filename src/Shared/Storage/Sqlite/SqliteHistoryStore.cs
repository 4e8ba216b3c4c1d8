using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IHistoryStore"/>
internal sealed class SqliteHistoryStore(SqliteDatabase database) : IHistoryStore
{
    private const string Happened = "coalesce(k.occurred_at, k.created_at)";

    // The blocks of the index, which begins with them (see 0004_history.sql), from the newest to the oldest.
    private const string Blocks =
        """
        WITH RECURSIVE blocks (block) AS (
            SELECT (SELECT max(id) FROM anomaly_transactions) >> 12
            UNION ALL
            SELECT block - 1 FROM blocks WHERE block > (SELECT min(id) FROM anomaly_transactions) >> 12)
        """;

    private const string OfUser =
        "FROM blocks CROSS JOIN anomaly_transactions k INDEXED BY anomaly_transactions_history ON k.id >> 12 = blocks.block AND k.user_id = ?1";

    /// <summary>The statement of a page: its rows are found and sorted by keys, and read only where they are on the page.</summary>
    internal static string HistorySql(HistoryFilter filter, AnomalyCursor? after)
    {
        string where = (filter.CategoryId is null ? "" : " AND k.category_id = ?2")
            + (filter.IsAnomaly is null ? "" : " AND k.is_anomaly = ?3")
            + (filter.MinAmount is null ? "" : " AND abs(k.amount) >= ?4")
            + (filter.From is null ? "" : $" AND {Happened} >= ?5")
            + (filter.To is null ? "" : $" AND {Happened} < ?6")
            + (after is null ? "" : $" AND {Happened} <= ?7 AND ({Happened} < ?7 OR k.id < ?8)");
        string keys = filter.UserId is null
            ? $"SELECT k.id FROM anomaly_transactions k INDEXED BY anomaly_transactions_failed WHERE k.status = 'failed'{where}"
            : $"{Blocks} SELECT k.id {OfUser} WHERE 1 = 1{(filter.Status is { } status ? $" AND k.status = '{Names.Of(status)}'" : "")}{where}";
        return $"""
            SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t
            WHERE t.id IN ({keys} ORDER BY {Happened} DESC, k.id DESC LIMIT ?9)
            ORDER BY coalesce(t.occurred_at, t.created_at) DESC, t.id DESC
            """;
    }

    /// <inheritdoc/>
    public Task<HistoryPage> ReadHistoryAsync(
        HistoryFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => HistoryPage.Of(
            session.Query(
                HistorySql(filter, after),
                row => (SqliteRows.ToResult(row), row.GetInt64(0)),
                filter.UserId, filter.CategoryId, filter.IsAnomaly is { } isAnomaly ? (isAnomaly ? 1L : 0L) : (long?)null, filter.MinAmount?.Units,
                filter.From, filter.To, after?.OccurredAt, after?.RowId, limit + 1),
            limit),
        cancellationToken);

    internal const string SpendingSql =
        $"""
        {Blocks}
        SELECT k.category_id, k.amount, k.occurred_at, k.is_anomaly {OfUser}
        WHERE {Happened} >= ?2 AND k.status = 'scored' AND k.occurred_at IS NOT NULL
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<SpendingRow>> ReadSpendingAsync(long userId, DateTime from, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<SpendingRow>)session.Query(
            SpendingSql,
            static row => new SpendingRow(row.GetInt64(0), new Money(row.GetInt64(1)), row.GetTime(2), row.GetInt64(3) == 1),
            userId, from),
        cancellationToken);

    /// <inheritdoc/>
    public Task<FeedCursor> ReadFeedEndAsync(CancellationToken cancellationToken) => database.ReadAsync(
        session => session.FirstOrDefault(
            "SELECT position, batch_id FROM feed_batches WHERE position > 0 ORDER BY position DESC LIMIT 1",
            static row => new FeedCursor(row.GetInt64(0), row.GetInt64(1), long.MaxValue)),
        cancellationToken);

    /// <inheritdoc/>
    public Task<FeedAnomalies?> ReadFeedAnomaliesAsync(FeedCursor after, int reach, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            // Positions are last ids plus a number that is the same for all batches, and the feed is the order of the ids: see SqliteResultsStore.
            Batch? from = Find(session, "SELECT position, batch_id, last_id FROM feed_batches WHERE position = ?1", after.Position);
            if (after.Position > 0 && from?.BatchId != after.BatchId)
            {
                return null;
            }

            if (Find(session, "SELECT position, batch_id, last_id FROM feed_batches WHERE position <= ?1 ORDER BY position DESC LIMIT 1", long.MaxValue)
                is not { } head)
            {
                return new FeedAnomalies([], default, IsEnd: true);
            }

            long first = Math.Min(after.RowId, from?.LastId ?? 0);
            long last = head.LastId - first <= reach ? head.LastId : first + reach;
            FeedCursor CursorAt(long rowId) => Find(
                session, "SELECT position, batch_id, last_id FROM feed_batches WHERE position >= ?1 ORDER BY position LIMIT 1",
                rowId + head.Position - head.LastId) is { } batch
                ? new FeedCursor(batch.Position, batch.BatchId, rowId)
                : head.End;
            List<(TransactionResult Result, long RowId)> rows = session.Query(
                $"SELECT {SqliteRows.ResultColumns} FROM anomaly_transactions t WHERE t.id > ?1 AND t.id <= ?2 AND t.is_anomaly = 1 ORDER BY t.id",
                row => (SqliteRows.ToResult(row), row.GetInt64(0)),
                first, last);
            return new FeedAnomalies(
                [.. rows.Select(row => (row.Result, CursorAt(row.RowId)))],
                last == head.LastId ? head.End : CursorAt(last),
                IsEnd: last == head.LastId);
        },
        cancellationToken);

    private static Batch? Find(SqliteSession session, string sql, long position) =>
        session.FirstOrDefault(sql, static row => new Batch(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), position);

    private sealed record Batch(long Position, long BatchId, long LastId)
    {
        /// <summary>Behind the batch's last row.</summary>
        public FeedCursor End => new(Position, BatchId, long.MaxValue);
    }
}
