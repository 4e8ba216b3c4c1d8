using Dapper;
using FinanceIngest.Alerts;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IAlertOutbox"/>
internal sealed class SqlServerAlertOutbox(SqlServerDatabase database, TimeProvider time) : IAlertOutbox
{
    /// <summary>Rows that one statement removes, so that it takes few locks in a short transaction.</summary>
    private const int RemovalSize = 2000;

    // READPAST: the statement skips rows that another dispatcher is claiming at this moment, and does not wait for them. With READ_COMMITTED_SNAPSHOT on,
    // the hint is allowed only where locks are read, which READCOMMITTEDLOCK says; UPDLOCK keeps the chosen rows until the commit. The update asks once more,
    // for a server that ignores the hints.
    internal const string ClaimSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @unsent TABLE (id BIGINT NOT NULL PRIMARY KEY);
        BEGIN TRANSACTION;

        INSERT INTO @unsent (id)
        SELECT TOP (@maximum) o.id
        FROM alert_outbox o WITH (READPAST, UPDLOCK, ROWLOCK, READCOMMITTEDLOCK)
        WHERE o.sent_at IS NULL AND (o.claimed_until IS NULL OR o.claimed_until <= @now)
        ORDER BY o.created_at, o.id
        OPTION (MAXDOP 1);

        UPDATE o SET owner = @owner, claimed_until = @until, attempts = o.attempts + 1
        OUTPUT inserted.alert_key, inserted.payload, inserted.traceparent, inserted.attempts, inserted.created_at
        FROM @unsent u JOIN alert_outbox o ON o.id = u.id
        WHERE o.sent_at IS NULL AND (o.claimed_until IS NULL OR o.claimed_until <= @now)
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        COMMIT TRANSACTION;
        """;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        IEnumerable<(byte[] AlertKey, string Payload, string? TraceParent, int Attempts, DateTime CreatedAt)> claimed = await database.RunAsync(
            connection => connection.QueryAsync<(byte[], string, string?, int, DateTime)>(
                new CommandDefinition(ClaimSql, new { owner, until = now + lease, now, maximum }, cancellationToken: cancellationToken)),
            cancellationToken);

        // OUTPUT gives its rows in no order.
        return [.. claimed.OrderBy(alert => alert.CreatedAt)
            .Select(alert => new ClaimedAlert(SqlServerRows.Id(alert.AlertKey), alert.Payload, alert.TraceParent, alert.Attempts))];
    }

    internal const string MarkSentSql =
        """
        UPDATE o SET sent_at = @now, owner = NULL, claimed_until = NULL
        FROM @ids i JOIN alert_outbox o ON o.alert_key = i.id_key
        WHERE o.owner = @owner AND o.sent_at IS NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
        """;

    private static readonly SizedSql s_markSent = new(MarkSentSql);

    /// <inheritdoc/>
    public Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(
            new CommandDefinition(
                s_markSent.For(alertIds.Count),
                new { ids = SqlServerTables.Ids(alertIds), owner, now = time.UtcNowMicroseconds() },
                cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string ReleaseSql =
        """
        UPDATE o SET owner = NULL, claimed_until = NULL
        FROM @ids i JOIN alert_outbox o ON o.alert_key = i.id_key
        WHERE o.owner = @owner AND o.sent_at IS NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
        """;

    private static readonly SizedSql s_release = new(ReleaseSql);

    /// <inheritdoc/>
    public Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(
            new CommandDefinition(
                s_release.For(alertIds.Count), new { ids = SqlServerTables.Ids(alertIds), owner }, cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string CountUnsentSql = "SELECT COUNT_BIG(*) FROM alert_outbox WHERE sent_at IS NULL";

    /// <inheritdoc/>
    public Task<long> CountUnsentAsync(CancellationToken cancellationToken) => database.ReadAsync(
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
