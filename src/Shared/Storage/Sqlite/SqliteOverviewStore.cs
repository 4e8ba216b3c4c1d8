using FinanceIngest.Overview;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IOverviewStore"/>
internal sealed class SqliteOverviewStore(SqliteDatabase database, TimeProvider time) : IOverviewStore
{
    /// <inheritdoc/>
    public bool IsAwake => true;

    /// <inheritdoc/>
    public Task<DatabaseFigures> ReadAsync(CancellationToken cancellationToken) => database.ReadAsync(
        session => session.InReadTransaction(() => new DatabaseFigures(
            time.UtcNowMicroseconds(),
            session.Number("SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL"),
            session.FirstOrDefault(
                """
                SELECT batch_id, (SELECT count(*) FROM anomaly_transactions t WHERE t.id <= b.last_id
                    AND t.id > coalesce((SELECT p.last_id FROM feed_batches p WHERE p.position < b.position ORDER BY p.position DESC LIMIT 1), 0))
                FROM feed_batches b WHERE position > 0 ORDER BY position DESC LIMIT 1
                """,
                row => new LastBatch(BatchId.TimeOf(row.GetInt64(0)), row.GetInt64(1))),
            session.Query(
                """
                SELECT instance, program, version, roles, started_at, seen_at, batches, transactions
                FROM processes ORDER BY seen_at DESC, instance LIMIT ?1
                """,
                row => new ProcessSeen(
                    new ThisProcess(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetTime(4)),
                    row.GetTime(5), row.GetInt64(6), row.GetInt64(7)),
                ProcessSeen.MostListed))),
        cancellationToken);
}
