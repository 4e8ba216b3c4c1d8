using FinanceIngest.Alerts;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IAlertOutbox"/>
internal sealed class SqliteAlertOutbox(SqliteDatabase database, TimeProvider time) : IAlertOutbox
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        // Nothing to claim is a read: it takes no write lock and costs no fsync.
        if (await CountUnsentAsync(cancellationToken) == 0)
        {
            return [];
        }

        List<(ClaimedAlert Alert, string CreatedAt)> claimed = await database.WriteAsync(session => Claim(session, owner, maximum, lease), cancellationToken);

        // RETURNING has no order of its own.
        return [.. claimed.OrderBy(item => item.CreatedAt, StringComparer.Ordinal).Select(item => item.Alert)];
    }

    // The clock is read under the write lock: a claim that counted from before the wait for the lock would end too early.
    private List<(ClaimedAlert Alert, string CreatedAt)> Claim(SqliteSession session, Guid owner, int maximum, TimeSpan lease)
    {
        DateTime now = time.UtcNowMicroseconds();
        return session.Query(
            """
            UPDATE alert_outbox SET owner = @owner, claimed_until = @until, attempts = attempts + 1
            WHERE alert_id IN (
                SELECT alert_id FROM alert_outbox
                WHERE sent_at IS NULL AND (claimed_until IS NULL OR claimed_until <= @now)
                ORDER BY created_at LIMIT @maximum)
            RETURNING alert_id, payload, traceparent, attempts, created_at
            """,
            ToClaimed,
            ("@owner", SqliteRows.Uuid(owner)), ("@until", Timestamp.ToText(now + lease)), ("@now", Timestamp.ToText(now)), ("@maximum", maximum));
    }

    private static (ClaimedAlert Alert, string CreatedAt) ToClaimed(SqliteDataReader row) => (
        new ClaimedAlert(Guid.Parse(row.GetString(0)), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetInt32(3)), row.GetString(4));

    /// <inheritdoc/>
    public Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken)
    {
        string now = Timestamp.ToText(time.UtcNowMicroseconds());
        return database.WriteAsync(
            session => alertIds.Sum(id => session.Execute(
                "UPDATE alert_outbox SET sent_at = @now, owner = NULL, claimed_until = NULL WHERE alert_id = @id AND owner = @owner AND sent_at IS NULL",
                ("@now", now), ("@id", SqliteRows.Uuid(id)), ("@owner", SqliteRows.Uuid(owner)))),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) => database.WriteAsync(
        session => alertIds.Sum(id => session.Execute(
            "UPDATE alert_outbox SET owner = NULL, claimed_until = NULL WHERE alert_id = @id AND owner = @owner AND sent_at IS NULL",
            ("@id", SqliteRows.Uuid(id)), ("@owner", SqliteRows.Uuid(owner)))),
        cancellationToken);

    /// <inheritdoc/>
    public Task<long> CountUnsentAsync(CancellationToken cancellationToken) => database.ReadAsync(
        session => session.Scalar<long>("SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL"),
        cancellationToken);

    /// <inheritdoc/>
    public Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute("DELETE FROM alert_outbox WHERE sent_at < @before", ("@before", Timestamp.ToText(before))),
        cancellationToken);
}
