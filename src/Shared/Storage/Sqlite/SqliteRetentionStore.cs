using System.Globalization;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IRetentionStore"/>
internal sealed class SqliteRetentionStore(SqliteDatabase database, TimeProvider time) : IRetentionStore
{
    /// <inheritdoc/>
    public async Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken)
    {
        RemovedRows removed = default;
        (long Batch, long Row) at = (0, 0);
        while (true)
        {
            // A batch's id begins with the time at which it was written, so that the feed's index finds old rows.
            List<(long Batch, long Row, Guid Id)> page = await database.ReadAsync(
                session => session.Query(
                    """
                    SELECT batch_id, id, transaction_id FROM anomaly_transactions
                    WHERE batch_id < ?1 AND (batch_id, id) > (?2, ?3) AND created_at < ?4 ORDER BY batch_id, id LIMIT ?5
                    """,
                    row => (row.GetInt64(0), row.GetInt64(1), row.GetGuid(2)),
                    BatchId.First(before), at.Batch, at.Row, before, IRetentionStore.ChunkSize),
                cancellationToken);
            if (page.Count == 0)
            {
                return removed;
            }

            // The next page begins behind this one, although rows with unsent alerts stay.
            at = (page[^1].Batch, page[^1].Row);
            removed += await database.WriteAsync(
                session => Remove(session, page.Select(row => row.Id), id => session.Execute(
                    """
                    DELETE FROM anomaly_transactions WHERE transaction_id = ?1 AND created_at < ?2
                        AND NOT EXISTS (SELECT 1 FROM alert_outbox WHERE transaction_id = ?1 AND sent_at IS NULL)
                    """,
                    id, before)),
                cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task<RemovedRows> EraseUserAsync(long userId, IReadOnlyCollection<Guid> nameless, CancellationToken cancellationToken)
    {
        List<Guid> ids = await database.ReadAsync(
            session => session.Query("SELECT transaction_id FROM anomaly_transactions WHERE user_id = ?1 ORDER BY id", row => row.GetGuid(0), userId),
            cancellationToken);
        RemovedRows removed = default;
        foreach (Guid[] some in ids.Concat(nameless).Chunk(IRetentionStore.ChunkSize))
        {
            removed += await database.WriteAsync(
                session => Remove(session, some, id => session.Execute(
                    "DELETE FROM anomaly_transactions WHERE transaction_id = ?1 AND (user_id = ?2 OR user_id IS NULL)", id, userId)),
                cancellationToken);
        }

        await database.WriteAsync(
            session => session.Execute(
                "UPDATE message_attempts SET last_error = '' WHERE instr(last_error, ?1) > 0", userId.ToString(CultureInfo.InvariantCulture)),
            cancellationToken);
        return removed + await database.WriteAsync(
            session => new RemovedRows(
                RepeatConflicts: session.Execute("DELETE FROM repeat_conflicts WHERE user_id = ?1", userId),
                Baselines: session.Execute("DELETE FROM anomaly_stats WHERE user_id = ?1", userId)),
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task BuryAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        foreach (Guid[] some in ids.Chunk(IRetentionStore.ChunkSize))
        {
            await database.WriteAsync(session => some.Count(id => Bury(session, id, time.UtcNowMicroseconds())), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task<bool> ForgetDeletedAsync(bool inOldFiles, CancellationToken cancellationToken) =>
        database.ForgetDeletedAsync(inOldFiles, cancellationToken);

    private static bool Bury(SqliteSession session, Guid id, DateTime now) => session.Execute(
        "INSERT INTO purged_transactions (transaction_id, purged_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING", id, now) == 1;

    private RemovedRows Remove(SqliteSession session, IEnumerable<Guid> ids, Func<Guid, int> delete)
    {
        DateTime now = time.UtcNowMicroseconds();
        RemovedRows removed = default;
        foreach (Guid id in ids.Where(id => delete(id) == 1))
        {
            Bury(session, id, now);
            removed += new RemovedRows(
                1,
                session.Execute("DELETE FROM repeat_conflicts WHERE transaction_id = ?1", id),
                UnsentAlerts: session.Number("SELECT count(*) FROM alert_outbox WHERE transaction_id = ?1 AND sent_at IS NULL", id),
                Alerts: session.Execute("DELETE FROM alert_outbox WHERE transaction_id = ?1", id));
        }

        return removed;
    }
}
