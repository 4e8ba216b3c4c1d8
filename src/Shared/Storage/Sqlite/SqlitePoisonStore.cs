using FinanceIngest.Poison;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IPoisonStore"/>
internal sealed class SqlitePoisonStore(SqliteDatabase database, TimeProvider time) : IPoisonStore
{
    /// <inheritdoc/>
    public Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        return database.WriteAsync(
            session =>
            {
                session.Execute("DELETE FROM message_attempts WHERE updated_at < ?1", now - IPoisonStore.KeepAttempts);
                return session.Single(
                    """
                    INSERT INTO message_attempts (message_id, attempts, last_error, updated_at) VALUES (?1, 1, ?2, ?3)
                    ON CONFLICT (message_id) DO UPDATE SET attempts = attempts + 1, last_error = excluded.last_error, updated_at = excluded.updated_at
                    RETURNING attempts
                    """,
                    row => row.GetInt32(0), messageId, error, now);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoisonSummary>> ListPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<PoisonSummary>)session.Query(
            """
            SELECT message_id, substr(reason, 1, ?4), attempts, traceparent, inserted_at, failed_at FROM poison_messages
            WHERE (failed_at, message_id) > (coalesce(?1, -9223372036854775808), coalesce(?2, '')) ORDER BY failed_at, message_id LIMIT ?3
            """,
            row => new PoisonSummary(
                row.GetString(0), PoisonSummary.Beginning(row.GetString(1)), row.GetInt32(2), row.GetStringOrNull(3), row.GetTime(4), row.GetTime(5)),
            after?.FailedAt, after?.MessageId, limit, PoisonSummary.MaximumReason + 1),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoisonMessage>> ReadPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<PoisonMessage>)session.Query(
            """
            SELECT message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at FROM poison_messages
            WHERE (failed_at, message_id) > (coalesce(?1, -9223372036854775808), coalesce(?2, '')) ORDER BY failed_at, message_id LIMIT ?3
            """,
            ToMessage, after?.FailedAt, after?.MessageId, limit),
        cancellationToken);

    /// <inheritdoc/>
    public Task<PoisonMessage?> FindAsync(string messageId, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.FirstOrDefault(
            "SELECT message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at FROM poison_messages WHERE message_id = ?1",
            ToMessage, messageId),
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Execute("DELETE FROM message_attempts WHERE message_id = ?1", messageId);
            return session.Execute("DELETE FROM poison_messages WHERE message_id = ?1", messageId) == 1;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ReplaceBodyAsync(string messageId, IReadOnlyList<string> bodies, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            bool isThere = session.Execute("UPDATE poison_messages SET body = ?2, exception = NULL WHERE message_id = ?1", messageId, bodies[0]) == 1;
            foreach (string body in isThere ? bodies.Skip(1) : [])
            {
                session.Execute(
                    """
                    INSERT INTO poison_messages (message_id, reason, attempts, traceparent, body, inserted_at, failed_at)
                    SELECT ?2, reason, attempts, traceparent, ?3, inserted_at, failed_at FROM poison_messages WHERE message_id = ?1
                    """,
                    messageId, Guid.CreateVersion7().ToString("D"), body);
            }

            return isThere;
        },
        cancellationToken);

    private static PoisonMessage ToMessage(SqliteRow row) => new(
        row.GetString(0), row.GetString(1), row.GetStringOrNull(2), row.GetInt32(3), row.GetStringOrNull(4), row.GetString(5), row.GetTime(6), row.GetTime(7));
}
