using FinanceIngest.Alerts;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IAlertOutbox"/>
internal sealed class SqliteAlertOutbox(SqliteDatabase database, TimeProvider time) : IAlertOutbox
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        // Without unsent alerts the claim is a read: it takes no write lock and costs no fsync.
        if (await CountUnsentAsync(cancellationToken) == 0)
        {
            return [];
        }

        List<(ClaimedAlert Alert, DateTime CreatedAt)> claimed = await database.WriteAsync(session => Claim(session, owner, maximum, lease), cancellationToken);

        // RETURNING gives its rows in no order.
        return [.. claimed.OrderBy(item => item.CreatedAt).Select(item => item.Alert)];
    }

    // The clock is read under the write lock: a lease that began before the wait for the lock would end too early.
    private List<(ClaimedAlert Alert, DateTime CreatedAt)> Claim(SqliteSession session, Guid owner, int maximum, TimeSpan lease)
    {
        DateTime now = time.UtcNowMicroseconds();
        return session.Query(
            """
            UPDATE alert_outbox SET owner = ?1, claimed_until = ?2, attempts = attempts + 1
            WHERE id IN (
                SELECT id FROM alert_outbox
                WHERE sent_at IS NULL AND (claimed_until IS NULL OR claimed_until <= ?3)
                ORDER BY created_at LIMIT ?4)
            RETURNING alert_id, payload, traceparent, attempts, created_at
            """,
            row => (new ClaimedAlert(row.GetGuid(0), row.GetString(1), row.GetStringOrNull(2), row.GetInt32(3)), row.GetTime(4)),
            owner, now + lease, now, maximum);
    }

    /// <inheritdoc/>
    public Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        return database.WriteAsync(
            session => alertIds.Sum(id => session.Execute(
                "UPDATE alert_outbox SET sent_at = ?1, owner = NULL, claimed_until = NULL WHERE alert_id = ?2 AND owner = ?3 AND sent_at IS NULL",
                now, id, owner)),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) => database.WriteAsync(
        session => alertIds.Sum(id => session.Execute(
            "UPDATE alert_outbox SET owner = NULL, claimed_until = NULL WHERE alert_id = ?1 AND owner = ?2 AND sent_at IS NULL",
            id, owner)),
        cancellationToken);

    /// <inheritdoc/>
    public Task<long> CountUnsentAsync(CancellationToken cancellationToken) => database.ReadAsync(
        session => session.Number("SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL"),
        cancellationToken);

    /// <inheritdoc/>
    public Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute("DELETE FROM alert_outbox WHERE sent_at < ?1", before),
        cancellationToken);
}
