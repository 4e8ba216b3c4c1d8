using System.Data.Common;
using Dapper;
using FinanceIngest.Overview;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IOverviewStore"/>
internal sealed class SqlServerOverviewStore(SqlServerDatabase database, TimeProvider time) : IOverviewStore
{
    internal const string ReadSql =
        """
        SELECT COUNT_BIG(*) FROM alert_outbox WHERE sent_at IS NULL;
        SELECT TOP (1) batch_id, row_count FROM feed_batches ORDER BY position DESC;
        SELECT TOP (@most) instance, program, version, roles, started_at, seen_at, batches, transactions FROM processes ORDER BY seen_at DESC, instance;
        """;

    /// <inheritdoc/>
    public bool IsAwake => database.IsAwake;

    /// <inheritdoc/>
    public Task<DatabaseFigures> ReadAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            DateTime now = time.UtcNowMicroseconds();
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(ReadSql, new { most = ProcessSeen.MostListed }, cancellationToken: cancellationToken));
            await reader.ReadAsync(cancellationToken);
            long unsent = reader.GetInt64(0);
            await reader.NextResultAsync(cancellationToken);
            LastBatch? last = await reader.ReadAsync(cancellationToken) ? new LastBatch(BatchId.TimeOf(reader.GetInt64(0)), reader.GetInt32(1)) : null;
            await reader.NextResultAsync(cancellationToken);
            List<ProcessSeen> processes = await SqlServerRows.ReadAsync(
                reader,
                row => new ProcessSeen(
                    new ThisProcess(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), SqlServerRows.Time(row, 4)!.Value),
                    SqlServerRows.Time(row, 5)!.Value, row.GetInt64(6), row.GetInt64(7)),
                cancellationToken);
            return new DatabaseFigures(now, unsent, last, processes);
        },
        cancellationToken,
        isOtherWork: false);
}
