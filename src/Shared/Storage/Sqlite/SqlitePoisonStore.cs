using FinanceIngest.Poison;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IPoisonStore"/>
internal sealed class SqlitePoisonStore(SqliteDatabase database, TimeProvider time) : IPoisonStore
{
    /// <inheritdoc/>
    public Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken)
    {
        string now = Timestamp.ToText(time.UtcNowMicroseconds());
        string old = Timestamp.ToText(time.UtcNowMicroseconds() - IPoisonStore.KeepAttempts);
        return database.WriteAsync(
            session => session.Execute("DELETE FROM message_attempts WHERE updated_at < @old", ("@old", old)) < 0 ? 0 : (int)session.Scalar<long>(
                """
                INSERT INTO message_attempts (message_id, attempts, last_error, updated_at) VALUES (@message_id, 1, @error, @now)
                ON CONFLICT (message_id) DO UPDATE SET attempts = attempts + 1, last_error = excluded.last_error, updated_at = excluded.updated_at
                RETURNING attempts
                """,
                ("@message_id", messageId), ("@error", error), ("@now", now)),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<PoisonMessage>)session.Query(
            "SELECT message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at FROM poison_messages ORDER BY failed_at, message_id",
            row => new PoisonMessage(
                row.GetString(0), row.GetString(1), SqliteRows.Text(row, 2), row.GetInt32(3), SqliteRows.Text(row, 4), row.GetString(5),
                Timestamp.FromText(row.GetString(6)), Timestamp.FromText(row.GetString(7)))),
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute("DELETE FROM message_attempts WHERE message_id = @message_id", ("@message_id", messageId)) >= 0
            && session.Execute("DELETE FROM poison_messages WHERE message_id = @message_id", ("@message_id", messageId)) == 1,
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ReplaceBodyAsync(string messageId, string body, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute(
            "UPDATE poison_messages SET body = @body, exception = NULL WHERE message_id = @message_id", ("@body", body), ("@message_id", messageId)) == 1,
        cancellationToken);
}
