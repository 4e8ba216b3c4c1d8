using System.Data.Common;
using Dapper;
using FinanceIngest.Poison;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IPoisonStore"/>
internal sealed class SqlServerPoisonStore(SqlServerDatabase database, TimeProvider time) : IPoisonStore
{
    internal const string CountAttemptSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        DELETE FROM message_attempts WHERE updated_at < @old;
        UPDATE message_attempts SET attempts = attempts + 1, last_error = @error, updated_at = @now WHERE message_id = @messageId;
        IF @@ROWCOUNT = 0
            INSERT INTO message_attempts (message_id, attempts, last_error, updated_at) VALUES (@messageId, 1, @error, @now);
        SELECT attempts FROM message_attempts WHERE message_id = @messageId;
        COMMIT TRANSACTION;
        """;

    /// <inheritdoc/>
    public Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        var parameters = new { messageId, error, now, old = now - IPoisonStore.KeepAttempts };
        return database.RunAsync(
            connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(CountAttemptSql, parameters, cancellationToken: cancellationToken)),
            cancellationToken);
    }

    internal const string ListSql =
        "SELECT message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at FROM poison_messages ORDER BY failed_at, message_id";

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(ListSql, cancellationToken: cancellationToken));
            return (IReadOnlyList<PoisonMessage>)await SqlServerRows.ReadAsync(
                reader,
                row => new PoisonMessage(
                    row.GetString(0), row.GetString(1), SqlServerRows.Text(row, 2), row.GetInt32(3), SqlServerRows.Text(row, 4), row.GetString(5),
                    SqlServerRows.Time(row, 6)!.Value, SqlServerRows.Time(row, 7)!.Value),
                cancellationToken);
        },
        cancellationToken);

    internal const string RemoveSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @removed INT;
        BEGIN TRANSACTION;
        DELETE FROM message_attempts WHERE message_id = @messageId;
        DELETE FROM poison_messages WHERE message_id = @messageId;
        SET @removed = @@ROWCOUNT;
        COMMIT TRANSACTION;
        SELECT @removed;
        """;

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteScalarAsync<int>(
            new CommandDefinition(RemoveSql, new { messageId }, cancellationToken: cancellationToken)) == 1,
        cancellationToken);

    internal const string ReplaceBodySql = "UPDATE poison_messages SET body = @body, exception = NULL WHERE message_id = @messageId";

    /// <inheritdoc/>
    public Task<bool> ReplaceBodyAsync(string messageId, string body, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteAsync(
            new CommandDefinition(ReplaceBodySql, new { messageId, body }, cancellationToken: cancellationToken)) == 1,
        cancellationToken);
}
