using System.Data;
using System.Data.Common;
using Dapper;
using FinanceIngest.Poison;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IPoisonStore"/>
internal sealed class SqlServerPoisonStore(SqlServerDatabase database, TimeProvider time) : IPoisonStore
{
    // What is forgotten is found by its time, a hundred at once, and never waited for.
    internal const string CountAttemptSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        DELETE TOP (100) FROM message_attempts WITH (READPAST, READCOMMITTEDLOCK) WHERE updated_at < @old;
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

    internal const string ListPageSql =
        """
        SELECT TOP (@limit) message_id, LEFT(reason, @reason), attempts, traceparent, inserted_at, failed_at FROM poison_messages
        WHERE @failedAt IS NULL OR failed_at > @failedAt OR (failed_at = @failedAt AND message_id > @messageId)
        ORDER BY failed_at, message_id
        OPTION (RECOMPILE)
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoisonSummary>> ListPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) => ReadAsync(
        ListPageSql,
        Parameters(after, limit, PoisonSummary.MaximumReason + 1),
        row => new PoisonSummary(
            row.GetString(0), PoisonSummary.Beginning(row.GetString(1)), row.GetInt32(2), SqlServerRows.Text(row, 3),
            SqlServerRows.Time(row, 4)!.Value, SqlServerRows.Time(row, 5)!.Value),
        cancellationToken);

    internal const string ReadPageSql =
        """
        SELECT TOP (@limit) message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at FROM poison_messages
        WHERE @failedAt IS NULL OR failed_at > @failedAt OR (failed_at = @failedAt AND message_id > @messageId)
        ORDER BY failed_at, message_id
        OPTION (RECOMPILE)
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoisonMessage>> ReadPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) => ReadAsync(
        ReadPageSql, Parameters(after, limit), ToMessage, cancellationToken);

    internal const string FindSql =
        "SELECT message_id, reason, exception, attempts, traceparent, body, inserted_at, failed_at FROM poison_messages WHERE message_id = @messageId";

    /// <inheritdoc/>
    public async Task<PoisonMessage?> FindAsync(string messageId, CancellationToken cancellationToken)
    {
        var parameters = new DynamicParameters();
        parameters.Add("messageId", messageId);
        return (await ReadAsync(FindSql, parameters, ToMessage, cancellationToken)).SingleOrDefault();
    }

    // The procedures are there for a worker, which may do by them what its role may not.
    internal const string RemoveSql = "EXEC finance_remove_poison @message_id = @messageId";

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteScalarAsync<int>(
            new CommandDefinition(RemoveSql, new { messageId }, cancellationToken: cancellationToken)) == 1,
        cancellationToken);

    internal const string ReplaceBodySql = "EXEC finance_replace_poison @message_id = @messageId, @body = @body";

    internal const string AddPartSql = """
        INSERT INTO poison_messages (message_id, reason, attempts, traceparent, body, inserted_at, failed_at)
        SELECT @partId, reason, attempts, traceparent, @body, inserted_at, failed_at FROM poison_messages WHERE message_id = @messageId
        """;

    /// <inheritdoc/>
    public Task<bool> ReplaceBodyAsync(string messageId, IReadOnlyList<string> bodies, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using DbTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
            bool isThere = await connection.ExecuteScalarAsync<int>(
                new CommandDefinition(ReplaceBodySql, new { messageId, body = bodies[0] }, transaction, cancellationToken: cancellationToken)) == 1;
            foreach (string body in isThere ? bodies.Skip(1) : [])
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    AddPartSql, new { messageId, partId = Guid.CreateVersion7().ToString("D"), body }, transaction, cancellationToken: cancellationToken));
            }

            await transaction.CommitAsync(cancellationToken);
            return isThere;
        },
        cancellationToken);

    // A time is sent as DATETIME2: as DATETIME it would lose its microseconds, and the page would begin elsewhere.
    private static DynamicParameters Parameters(PoisonPlace? after, int limit, int? reason = null)
    {
        var parameters = new DynamicParameters();
        parameters.Add("limit", limit);
        parameters.Add("failedAt", after?.FailedAt, DbType.DateTime2);
        parameters.Add("messageId", after?.MessageId, DbType.String);
        if (reason is not null)
        {
            parameters.Add("reason", reason);
        }

        return parameters;
    }

    private Task<IReadOnlyList<T>> ReadAsync<T>(
        string sql, DynamicParameters parameters, Func<DbDataReader, T> map, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
            return (IReadOnlyList<T>)await SqlServerRows.ReadAsync(reader, map, cancellationToken);
        },
        cancellationToken);

    private static PoisonMessage ToMessage(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), SqlServerRows.Text(row, 2), row.GetInt32(3), SqlServerRows.Text(row, 4), row.GetString(5),
        SqlServerRows.Time(row, 6)!.Value, SqlServerRows.Time(row, 7)!.Value);
}
