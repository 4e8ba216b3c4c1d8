using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IConflictStore"/>
internal sealed class SqliteConflictStore(SqliteDatabase database) : IConflictStore
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<RepeatConflict>> ReadAsync(long? before, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<RepeatConflict>)session.Query(
            """
            SELECT c.id, c.transaction_id, c.user_id, c.category_id, c.amount, c.occurred_at, c.accepted_at, c.recorded_at,
                t.id, t.user_id, t.category_id, t.amount, t.occurred_at, c.beyond
            FROM repeat_conflicts c LEFT JOIN anomaly_transactions t ON t.transaction_id = c.transaction_id
            WHERE c.id < ?1 ORDER BY c.id DESC LIMIT ?2
            """,
            row => new RepeatConflict(
                row.GetInt64(0),
                row.GetGuid(1),
                row.IsNull(8)
                    ? null
                    : new TransactionFacts(row.GetInt64OrNull(9), row.GetInt64OrNull(10), Amount(row.GetInt64OrNull(11)), row.GetTimeOrNull(12)),
                new TransactionFacts(row.GetInt64(2), row.GetInt64(3), Amount(row.GetInt64(4)), row.GetTimeOrNull(5)),
                row.GetTimeOrNull(6)!.Value,
                row.GetTimeOrNull(7)!.Value,
                row.GetInt64(13)),
            before ?? long.MaxValue, limit),
        cancellationToken);

    private static decimal? Amount(long? units) => units is { } value ? new Money(value).ToDecimal() : null;
}
