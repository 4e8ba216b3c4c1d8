using System.Data.Common;
using Dapper;
using FinanceIngest.Results;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IConflictStore"/>
internal sealed class SqlServerConflictStore(SqlServerDatabase database) : IConflictStore
{
    internal const string ReadSql =
        """
        SELECT TOP (@limit) c.id, c.transaction_key, c.user_id, c.category_id, c.amount, c.occurred_at, c.accepted_at, c.recorded_at,
            t.id, t.user_id, t.category_id, t.amount, t.occurred_at, c.beyond
        FROM repeat_conflicts c LEFT JOIN anomaly_transactions t ON t.transaction_key = c.transaction_key
        WHERE c.id < @before ORDER BY c.id DESC
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<RepeatConflict>> ReadAsync(long? before, int limit, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(ReadSql, new { before = before ?? long.MaxValue, limit }, cancellationToken: cancellationToken));
            return (IReadOnlyList<RepeatConflict>)await SqlServerRows.ReadAsync(
                reader,
                row => new RepeatConflict(
                    row.GetInt64(0),
                    SqlServerRows.Id(row, 1),
                    row.IsDBNull(8) ? null : Facts(row, 9),
                    Facts(row, 2),
                    SqlServerRows.Time(row, 6)!.Value,
                    SqlServerRows.Time(row, 7)!.Value,
                    row.GetInt64(13)),
                cancellationToken);
        },
        cancellationToken);

    private static TransactionFacts Facts(DbDataReader row, int first) => new(
        row.IsDBNull(first) ? null : row.GetInt64(first),
        row.IsDBNull(first + 1) ? null : row.GetInt64(first + 1),
        row.IsDBNull(first + 2) ? null : row.GetDecimal(first + 2),
        SqlServerRows.Time(row, first + 3));
}
