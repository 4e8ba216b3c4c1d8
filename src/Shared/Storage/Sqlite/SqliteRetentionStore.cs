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
        string age = Timestamp.ToText(before);
        RemovedRows removed = default;
        (long Batch, long Row) at = (0, 0);
        while (true)
        {
            // By the batch's id, which tells the time at which it was written: so the index of the feed finds old rows.
            List<(long Batch, long Row, string Id)> page = await database.ReadAsync(
                session => session.Query(
                    """
                    SELECT batch_id, id, transaction_id FROM anomaly_transactions
                    WHERE batch_id < @end AND (batch_id, id) > (@batch, @row) AND created_at < @before ORDER BY batch_id, id LIMIT @size
                    """,
                    row => (row.GetInt64(0), row.GetInt64(1), row.GetString(2)),
                    ("@end", BatchId.First(before)), ("@batch", at.Batch), ("@row", at.Row), ("@before", age), ("@size", IRetentionStore.ChunkSize)),
                cancellationToken);
            if (page.Count == 0)
            {
                return removed;
            }

            // A page that was looked at is not looked at again, whatever of it stays.
            at = (page[^1].Batch, page[^1].Row);
            removed += await database.WriteAsync(
                session => Remove(session, page.Select(row => row.Id), id => session.Execute(
                    """
                    DELETE FROM anomaly_transactions WHERE transaction_id = @id AND created_at < @before
                        AND NOT EXISTS (SELECT 1 FROM alert_outbox WHERE transaction_id = @id AND sent_at IS NULL)
                    """,
                    ("@id", id), ("@before", age))),
                cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task<RemovedRows> EraseUserAsync(long userId, IReadOnlyCollection<Guid> nameless, CancellationToken cancellationToken)
    {
        List<string> ids = await database.ReadAsync(
            session => session.Query("SELECT transaction_id FROM anomaly_transactions WHERE user_id = @user_id ORDER BY id", row => row.GetString(0), ("@user_id", userId)),
            cancellationToken);
        RemovedRows removed = default;
        foreach (string[] some in ids.Concat(nameless.Select(SqliteRows.Uuid)).Chunk(IRetentionStore.ChunkSize))
        {
            removed += await database.WriteAsync(
                session => Remove(session, some, id => session.Execute(
                    "DELETE FROM anomaly_transactions WHERE transaction_id = @id AND (user_id = @user_id OR user_id IS NULL)", ("@id", id), ("@user_id", userId))),
                cancellationToken);
        }

        return removed + await database.WriteAsync(
            session => new RemovedRows(
                RepeatConflicts: session.Execute("DELETE FROM repeat_conflicts WHERE user_id = @user_id", ("@user_id", userId)),
                Baselines: session.Execute("DELETE FROM anomaly_stats WHERE user_id = @user_id", ("@user_id", userId))),
            cancellationToken);
    }

    private RemovedRows Remove(SqliteSession session, IEnumerable<string> ids, Func<string, int> delete)
    {
        string now = Timestamp.ToText(time.UtcNowMicroseconds());
        RemovedRows removed = default;
        foreach (string id in ids.Where(id => delete(id) == 1))
        {
            session.Execute("INSERT INTO purged_transactions (transaction_id, purged_at) VALUES (@id, @now) ON CONFLICT DO NOTHING", ("@id", id), ("@now", now));
            removed += new RemovedRows(
                1,
                session.Execute("DELETE FROM repeat_conflicts WHERE transaction_id = @id", ("@id", id)),
                UnsentAlerts: session.Scalar<long>("SELECT count(*) FROM alert_outbox WHERE transaction_id = @id AND sent_at IS NULL", ("@id", id)),
                Alerts: session.Execute("DELETE FROM alert_outbox WHERE transaction_id = @id", ("@id", id)));
        }

        return removed;
    }
}
