using Dapper;
using FinanceIngest.Alerts;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IAlertOutbox"/>
internal sealed class SqlServerAlertOutbox(SqlServerDatabase database, TimeProvider time) : IAlertOutbox
{
    /// <summary>Rows removed by one statement: few locks, a short transaction.</summary>
    private const int RemovalSize = 2000;

    // Rows that another dispatcher is claiming at this moment are passed over rather than waited for.
    internal const string ClaimSql =
        """
        WITH unsent AS (
            SELECT TOP (@maximum) alert_id, payload, traceparent, created_at, owner, claimed_until, attempts
            FROM alert_outbox WITH (READPAST, UPDLOCK, ROWLOCK)
            WHERE sent_at IS NULL AND (claimed_until IS NULL OR claimed_until <= @now)
            ORDER BY created_at, alert_id)
        UPDATE unsent SET owner = @owner, claimed_until = @until, attempts = attempts + 1
        OUTPUT inserted.alert_id, inserted.payload, inserted.traceparent, inserted.attempts, inserted.created_at
        """;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        IEnumerable<(Guid AlertId, string Payload, string? TraceParent, int Attempts, DateTime CreatedAt)> claimed = await database.RunAsync(
            connection => connection.QueryAsync<(Guid, string, string?, int, DateTime)>(
                new CommandDefinition(ClaimSql, new { owner, until = now + lease, now, maximum }, cancellationToken: cancellationToken)),
            cancellationToken);

        // OUTPUT has no order of its own.
        return [.. claimed.OrderBy(alert => alert.CreatedAt)
            .Select(alert => new ClaimedAlert(alert.AlertId, alert.Payload, alert.TraceParent, alert.Attempts))];
    }

    internal const string MarkSentSql =
        """
        UPDATE alert_outbox SET sent_at = @now, owner = NULL, claimed_until = NULL
        WHERE alert_id IN (SELECT id FROM @ids) AND owner = @owner AND sent_at IS NULL
        """;

    /// <inheritdoc/>
    public Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(
            new CommandDefinition(
                MarkSentSql, new { ids = SqlServerTables.Ids(alertIds), owner, now = time.UtcNowMicroseconds() }, cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string ReleaseSql =
        """
        UPDATE alert_outbox SET owner = NULL, claimed_until = NULL
        WHERE alert_id IN (SELECT id FROM @ids) AND owner = @owner AND sent_at IS NULL
        """;

    /// <inheritdoc/>
    public Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(
            new CommandDefinition(ReleaseSql, new { ids = SqlServerTables.Ids(alertIds), owner }, cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string CountUnsentSql = "SELECT COUNT_BIG(*) FROM alert_outbox WHERE sent_at IS NULL";

    /// <inheritdoc/>
    public Task<long> CountUnsentAsync(CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteScalarAsync<long>(new CommandDefinition(CountUnsentSql, cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string RemoveSentSql = "DELETE TOP (@size) FROM alert_outbox WHERE sent_at < @before";

    /// <inheritdoc/>
    public async Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken)
    {
        int total = 0;
        int removed;
        do
        {
            removed = await database.RunAsync(
                connection => connection.ExecuteAsync(
                    new CommandDefinition(RemoveSentSql, new { before, size = RemovalSize }, cancellationToken: cancellationToken)),
                cancellationToken);
            total += removed;
        }
        while (removed == RemovalSize);

        return total;
    }
}
