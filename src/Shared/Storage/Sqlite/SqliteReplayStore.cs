using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Replay;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IReplayStore"/>
internal sealed class SqliteReplayStore(SqliteDatabase database) : IReplayStore
{
    private const string RowColumns = "t.id, t.transaction_id, t.user_id, t.category_id, t.amount, t.occurred_at, t.is_anomaly";
    private const string LastSql = "SELECT coalesce(max(id), 0) FROM anomaly_transactions";

    /// <inheritdoc/>
    public Task<long> FindLastAsync(CancellationToken cancellationToken) => database.ReadAsync(
        static session => session.Number(LastSql), cancellationToken);

    /// <inheritdoc/>
    public Task<HistoryPage<HistoryRow>> ReadRowsAsync(HistoryPart part, CancellationToken cancellationToken) =>
        ReadAsync(part, RowColumns, "", ToRow, cancellationToken);

    /// <inheritdoc/>
    public Task<HistoryPage<ShadowedRow>> ReadShadowedAsync(HistoryPart part, CancellationToken cancellationToken) => ReadAsync(
        part, $"{RowColumns}, t.z_score, t.detector, t.shadow", " AND t.shadow IS NOT NULL",
        static row => new ShadowedRow(ToRow(row), row.GetDoubleOrNull(7), row.GetStringOrNull(8), row.GetString(9)), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<GivenVerdict>> ReadVerdictsAsync(Guid after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<GivenVerdict>)session.Query(
            """
            SELECT transaction_id, verdict, accepted_at FROM feedback
            WHERE transaction_id > ?1 AND verdict IS NOT NULL ORDER BY transaction_id LIMIT ?2
            """,
            static row => new GivenVerdict(row.GetGuid(0), CommandNames.ToVerdict(row.GetString(1)) == FeedbackVerdict.Expected, row.GetTime(2)),
            after, limit),
        cancellationToken);

    /// <inheritdoc/>
    public Task<LearnedFacts> ReadLearnedAsync(CancellationToken cancellationToken) => database.ReadAsync(
        static session => session.InReadTransaction(() => new LearnedFacts(
            session.FirstOrDefault(
                "SELECT version, began_at, as_of, made_at FROM detection_models WHERE version = (SELECT max(version) FROM detection_models)",
                static row => new ModelFacts(row.GetInt32(0), row.GetTime(1), row.GetTime(2), row.GetTime(3))),
            session.Number("SELECT count(*) FROM detection_users"),
            session.Query(
                "SELECT status, detector, shadow, occurred_at FROM anomaly_transactions WHERE id > ?1 ORDER BY id DESC",
                static row => row.GetString(0) == "scored" ? new NewestScored(row.GetStringOrNull(1), row.GetStringOrNull(2), row.GetTimeOrNull(3)) : null,
                session.Number(LastSql) - 1000).FirstOrDefault(static row => row is not null))),
        cancellationToken);

    // Rows without these fields are the older system's, or failed: no detector can score them.
    private Task<HistoryPage<T>> ReadAsync<T>(
        HistoryPart part, string columns, string where, Func<SqliteRow, T> read, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.InReadTransaction(() =>
        {
            long end = session.FirstOrDefault(
                "SELECT id FROM anomaly_transactions WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3",
                static row => (long?)row.GetInt64(0), part.After, part.Last, part.Ids - 1) ?? part.Last;
            List<T> rows = session.Query(
                $"""
                SELECT {columns} FROM anomaly_transactions t
                WHERE t.id > ?1 AND t.id <= ?2 AND t.status = 'scored' AND t.user_id IS NOT NULL AND t.category_id IS NOT NULL AND t.amount IS NOT NULL
                    AND t.occurred_at IS NOT NULL{where}{(part.UserId is null ? "" : " AND t.user_id = ?3")}{(
                    part.From is null ? "" : " AND t.occurred_at >= ?4")}{(part.To is null ? "" : " AND t.occurred_at < ?5")}
                ORDER BY t.id LIMIT ?6
                """,
                read, part.After, end, part.UserId, part.From, part.To, part.Ids);
            return new HistoryPage<T>(rows, end);
        }),
        cancellationToken);

    private static HistoryRow ToRow(SqliteRow row) => new(
        row.GetInt64(0), row.GetGuid(1), row.GetInt64(2), row.GetInt64(3), new Money(row.GetInt64(4)).ToDecimal(), row.GetTime(5), row.GetInt64(6) == 1);
}
