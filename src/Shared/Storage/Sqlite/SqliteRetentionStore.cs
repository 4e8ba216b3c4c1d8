using System.Globalization;
using FinanceIngest.Ground;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IRetentionStore"/>
internal sealed class SqliteRetentionStore(SqliteDatabase database, TimeProvider time) : IRetentionStore
{
    // Rows that one read looks through.
    private const long SearchedAtOnce = 100_000;

    // How far the times of batches may be from the order in which they were committed.
    private static readonly TimeSpan s_disorder = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public async Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken)
    {
        RemovedRows removed = default;

        // Ids are in the order of commits. A batch's id begins with the time at which it was written, so that the newest batches from before the limit bound
        // the rows that can be old enough. Batches may have been committed in another order than that of their times; after a clock was put back by more than
        // the tolerance, a row goes with a later purge.
        long first = BatchId.First(before);
        long last = await database.ReadAsync(
            session => session.Number(
                """
                SELECT coalesce(max(last_id), 0) FROM feed_batches
                WHERE batch_id < ?1 AND batch_id > (SELECT max(batch_id) FROM feed_batches WHERE batch_id < ?1) - ?2
                """,
                first, first - BatchId.First(before - s_disorder)),
            cancellationToken);
        long at = 0;
        while (true)
        {
            List<(long Row, Guid Id)> page = await database.ReadAsync(
                session => session.Query(
                    "SELECT id, transaction_id FROM anomaly_transactions WHERE id > ?1 AND id <= ?2 AND created_at < ?3 ORDER BY id LIMIT ?4",
                    static row => (row.GetInt64(0), row.GetGuid(1)),
                    at, last, before, IRetentionStore.ChunkSize),
                cancellationToken);
            if (page.Count == 0)
            {
                return removed;
            }

            // The next page begins behind this one, although rows with unsent alerts stay.
            at = page[^1].Row;
            removed += await RemovePacedAsync(
                session => Remove(
                    session,
                    page.Select(row => row.Id),
                    id => session.FirstOrDefault(
                        $"""
                        DELETE FROM anomaly_transactions WHERE transaction_id = ?1 AND created_at < ?2
                            AND NOT EXISTS (SELECT 1 FROM alert_outbox WHERE transaction_id = ?1 AND sent_at IS NULL)
                        RETURNING {SqliteLearned.Columns}
                        """,
                        SqliteLearned.Read, id, before),
                    SqliteLearned.Leaving.ByRetention),
                cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task<RemovedRows> EraseUserAsync(
        long userId, IReadOnlyCollection<Guid> nameless, DateTime? acceptedUntil, CancellationToken cancellationToken)
    {
        DateTime until = acceptedUntil ?? DateTime.MaxValue;
        List<Guid> ids = await FindAsync(userId, cancellationToken);
        RemovedRows removed = default;
        foreach (Guid[] some in ids.Concat(nameless).Chunk(IRetentionStore.ChunkSize))
        {
            removed += await RemovePacedAsync(
                session => Remove(
                    session,
                    some,
                    id => session.FirstOrDefault(
                        $"""
                        DELETE FROM anomaly_transactions
                        WHERE transaction_id = ?1 AND (user_id = ?2 OR user_id IS NULL) AND (accepted_at IS NULL OR accepted_at <= ?3)
                        RETURNING {SqliteLearned.Columns}
                        """,
                        SqliteLearned.Read, id, userId, until),
                    SqliteLearned.Leaving.WithWhatItTaught),
                cancellationToken);
        }

        removed += await database.WriteAsync(session => EraseRest(session, userId, until), cancellationToken);
        return removed with { States = await ErasedStates.ForgetAsync(new SqliteLearningStore(database, time), userId, cancellationToken) };
    }

    private static RemovedRows EraseRest(SqliteSession session, long userId, DateTime until)
    {
        session.Execute("UPDATE message_attempts SET last_error = '' WHERE instr(last_error, ?1) > 0", userId.ToString(CultureInfo.InvariantCulture));
        session.Execute("DELETE FROM sensitivity WHERE user_id = ?1 AND accepted_at <= ?2", userId, until);
        session.Execute("DELETE FROM notification_deliveries WHERE user_id = ?1", userId);
        session.Execute("DELETE FROM removed_destinations WHERE user_id = ?1 AND accepted_at <= ?2", userId, until);
        session.Execute("DELETE FROM notification_destinations WHERE user_id = ?1 AND created_at <= ?2", userId, until);
        return new RemovedRows(
            RepeatConflicts: session.Execute("DELETE FROM repeat_conflicts WHERE user_id = ?1 AND accepted_at <= ?2", userId, until),
            Baselines: session.Execute("DELETE FROM anomaly_stats WHERE user_id = ?1", userId));
    }

    // No index leads to the rows of a user: it would cost every insert a page somewhere in the file (docs/storage-writes.md). The rows are looked through in
    // pieces, so that no reading keeps the log from beginning anew for long. Rows that come behind the last one are of transactions accepted later.
    private async Task<List<Guid>> FindAsync(long userId, CancellationToken cancellationToken)
    {
        long last = await database.ReadAsync(session => session.Number("SELECT coalesce(max(id), 0) FROM anomaly_transactions"), cancellationToken);
        List<Guid> ids = [];
        for (long at = 0; at < last; at += SearchedAtOnce)
        {
            ids.AddRange(await database.ReadAsync(
                session => session.Query(
                    "SELECT transaction_id FROM anomaly_transactions WHERE id > ?1 AND id <= ?2 AND user_id = ?3",
                    static row => row.GetGuid(0),
                    at, at + SearchedAtOnce, userId),
                cancellationToken));
        }

        return ids;
    }

    /// <inheritdoc/>
    public async Task BuryAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        foreach (Guid[] some in ids.Chunk(IRetentionStore.ChunkSize))
        {
            await database.WriteAsync(session => some.Count(id => Bury(session, id, time.UtcNowMicroseconds(), hasRow: false)), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task RemoveBuriedAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) => database.ForgetDeletedAsync(cancellationToken);

    // What a rest follows is the time in which others could not write. The time for which this program itself waited until it could is not counted: beside a
    // worker that always writes it would make the rests so long that the purge never ended.
    private async Task<RemovedRows> RemovePacedAsync(Func<SqliteSession, RemovedRows> remove, CancellationToken cancellationToken)
    {
        long began = 0;
        RemovedRows removed = await database.WriteAsync(
            session =>
            {
                began = time.GetTimestamp();
                return remove(session);
            },
            cancellationToken,
            isLong: true);
        await BulkPace.RestAsync(time, began, cancellationToken);
        return removed;
    }

    // A row that is there already keeps its verdict.
    private static bool Bury(SqliteSession session, Guid id, DateTime now, bool hasRow)
    {
        session.Execute(
            "DELETE FROM feedback WHERE transaction_id = ?1 AND (?2 OR NOT EXISTS (SELECT 1 FROM anomaly_transactions WHERE transaction_id = ?1))",
            id, hasRow ? 1 : 0);
        return session.Execute("INSERT INTO purged_transactions (transaction_id, purged_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING", id, now) == 1;
    }

    private RemovedRows Remove(
        SqliteSession session, IEnumerable<Guid> ids, Func<Guid, SqliteLearned.Row?> delete, SqliteLearned.Leaving leaving)
    {
        DateTime now = time.UtcNowMicroseconds();
        RemovedRows removed = default;
        List<SqliteLearned.Row> learned = [];
        foreach (Guid id in ids)
        {
            if (delete(id) is not { } row)
            {
                continue;
            }

            learned.Add(row);
            Bury(session, id, now, hasRow: true);
            removed += new RemovedRows(
                1,
                session.Execute("DELETE FROM repeat_conflicts WHERE transaction_id = ?1", id),
                UnsentAlerts: session.Number("SELECT count(*) FROM alert_outbox WHERE transaction_id = ?1 AND sent_at IS NULL", id),
                Alerts: session.Execute("DELETE FROM alert_outbox WHERE transaction_id = ?1", id));
        }

        SqliteLearned.TakeOut(session, learned, leaving);
        return removed;
    }
}
