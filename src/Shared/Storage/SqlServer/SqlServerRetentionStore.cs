using Dapper;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IRetentionStore"/>
/// <remarks>
/// Ids are looked up first, without locks that outlast the statement. Then the rows are removed in short transactions that take locks in the order of all
/// writers (see <see cref="SqlServerScoringStore"/>): keys of <c>anomaly_transactions</c> in their order, <c>purged_transactions</c>,
/// <c>repeat_conflicts</c>, <c>alert_outbox</c>.
/// </remarks>
internal sealed class SqlServerRetentionStore(SqlServerDatabase database, TimeProvider time) : IRetentionStore
{
    /// <summary>Seconds for a look-up; on a cold database each row that it finds may take a page from the disk.</summary>
    private const int Patience = 300;

    /// <summary>Ids that one look-up of a user's rows reads: some 15 MiB of the table.</summary>
    private const int Span = 100_000;

    private const string PurgeLock = "finance-ingest purge";

    // A batch's id begins with the time at which it was written. So the feed's index finds old rows, and rows that are being written lie behind them.
    internal const string OldSql =
        """
        SELECT TOP (@size) batch_id, id, transaction_key
        FROM anomaly_transactions
        WHERE batch_id < @end AND batch_id >= @batch AND (batch_id > @batch OR id > @id) AND created_at < @before
        ORDER BY batch_id, id
        """;

    // Rows of the older system belong to no batch.
    internal const string OldWithoutBatchSql =
        "SELECT TOP (@size) CAST(0 AS BIGINT), id, transaction_key FROM anomaly_transactions "
        + "WHERE batch_id IS NULL AND id > @id AND created_at < @before ORDER BY id";

    // There is no index by user: every row that is written would pay for it, and erasures are rare. The table is read once, in ranges of ids, so that no
    // statement is long, and none waits for the rows of more than a few open transactions.
    internal const string OfUserSql =
        """
        SELECT t.transaction_key FROM anomaly_transactions t WHERE t.id > @id AND t.id <= @id + @span AND t.user_id = @userId ORDER BY t.id
        OPTION (MAXDOP 1)
        """;

    internal const string LastSql = "SELECT COALESCE(MAX(id), 0) FROM anomaly_transactions";

    private const string Head =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @gone TABLE (transaction_key BINARY(16) NOT NULL PRIMARY KEY);
        DECLARE @conflicts INT, @alerts INT, @unsent INT;
        BEGIN TRANSACTION;

        """;

    private const string Tail =
        """

        INSERT INTO purged_transactions (transaction_key, purged_at)
        SELECT g.transaction_key, @now FROM @gone g
        WHERE NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = g.transaction_key)
        ORDER BY g.transaction_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        DELETE c FROM @gone g JOIN repeat_conflicts c ON c.transaction_key = g.transaction_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @conflicts = @@ROWCOUNT;

        SELECT @unsent = COUNT(*) FROM @gone g JOIN alert_outbox o ON o.transaction_key = g.transaction_key WHERE o.sent_at IS NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        DELETE o FROM @gone g JOIN alert_outbox o ON o.transaction_key = g.transaction_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @alerts = @@ROWCOUNT;
        DELETE f FROM @gone g JOIN feedback f ON f.transaction_key = g.transaction_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        COMMIT TRANSACTION;
        SELECT (SELECT COUNT(*) FROM @gone), @conflicts, @alerts, @unsent;
        """;

    // The statement checks the age again: a failed row that was scored since the look-up is young.
    internal const string PurgeSql =
        $"""
        {Head}
        DELETE t OUTPUT deleted.transaction_key INTO @gone (transaction_key)
        FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        WHERE t.created_at < @before AND NOT EXISTS (SELECT 1 FROM alert_outbox o WHERE o.transaction_key = t.transaction_key AND o.sent_at IS NULL)
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        {Tail}
        """;

    private static readonly SizedSql s_purge = new(PurgeSql);

    /// <inheritdoc/>
    public Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken) => database.RunAloneAsync(
        PurgeLock, () => PurgeAloneAsync(before, cancellationToken), new RemovedRows { OthersAreAtIt = true }, cancellationToken);

    private async Task<RemovedRows> PurgeAloneAsync(DateTime before, CancellationToken cancellationToken)
    {
        RemovedRows batched = await RemoveAsync(OldSql, s_purge, new { before, end = BatchId.First(before) }, cancellationToken);
        return batched + await RemoveAsync(OldWithoutBatchSql, s_purge, new { before }, cancellationToken);
    }

    // The procedures are there for a worker, which may do by them what its role may not.
    internal const string EraseSql = "EXEC finance_erase_rows @ids = @ids, @user_id = @userId, @until = @until, @now = @now";

    private static readonly SizedSql s_erase = new(EraseSql);

    internal const string BurySql = "EXEC finance_bury @ids = @ids, @now = @now";

    private static readonly SizedSql s_bury = new(BurySql);

    /// <inheritdoc/>
    public async Task BuryAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        foreach (Guid[] some in ids.Chunk(IRetentionStore.ChunkSize))
        {
            await database.RunAsync(
                connection => connection.ExecuteAsync(new CommandDefinition(
                    s_bury.For(some.Length), new { ids = SqlServerTables.Ids(some), now = time.UtcNowMicroseconds() }, cancellationToken: cancellationToken)),
                cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    internal const string EraseRestSql = "EXEC finance_erase_rest @user_id = @userId, @until = @until";

    /// <inheritdoc/>
    public async Task<RemovedRows> EraseUserAsync(
        long userId, IReadOnlyCollection<Guid> nameless, DateTime? acceptedUntil, CancellationToken cancellationToken)
    {
        RemovedRows removed = default;
        DateTime until = acceptedUntil ?? DateTime.MaxValue;
        long last = await database.RunAsync(
            connection => connection.ExecuteScalarAsync<long>(new CommandDefinition(LastSql, cancellationToken: cancellationToken)), cancellationToken);
        for (long id = 0; id < last; id += Span)
        {
            var parameters = new { userId, id, span = Span };
            List<byte[]> found = await database.RunAsync(
                async connection => (await connection.QueryAsync<byte[]>(
                    new CommandDefinition(OfUserSql, parameters, commandTimeout: Patience, cancellationToken: cancellationToken))).AsList(),
                cancellationToken);
            foreach (byte[][] some in found.Chunk(IRetentionStore.ChunkSize))
            {
                removed += await RemoveAsync(s_erase, new { userId, until }, [.. some.Select(SqlServerRows.Id)], cancellationToken);
            }
        }

        foreach (Guid[] some in nameless.Chunk(IRetentionStore.ChunkSize))
        {
            removed += await RemoveAsync(s_erase, new { userId, until }, some, cancellationToken);
        }

        (int conflicts, int baselines) = await database.RunAsync(
            connection => connection.QuerySingleAsync<(int, int)>(
                new CommandDefinition(EraseRestSql, new { userId, until }, commandTimeout: Patience, cancellationToken: cancellationToken)),
            cancellationToken);
        return removed + new RemovedRows(RepeatConflicts: conflicts, Baselines: baselines);
    }

    /// <summary>Pages through the rows that a look-up finds. Each page begins behind the one before it, although rows with unsent alerts stay.</summary>
    private async Task<RemovedRows> RemoveAsync(string lookUp, SizedSql remove, object condition, CancellationToken cancellationToken)
    {
        RemovedRows removed = default;
        (long Batch, long Id) at = (0, 0);
        while (true)
        {
            var parameters = new DynamicParameters(condition);
            parameters.AddDynamicParams(new { size = IRetentionStore.ChunkSize, batch = at.Batch, id = at.Id });
            List<(long Batch, long Id, byte[] Key)> page = await database.RunAsync(
                async connection => (await connection.QueryAsync<(long, long, byte[])>(
                    new CommandDefinition(lookUp, parameters, commandTimeout: Patience, cancellationToken: cancellationToken))).AsList(),
                cancellationToken);
            if (page.Count == 0)
            {
                return removed;
            }

            at = (page[^1].Batch, page[^1].Id);
            removed += await RemoveAsync(remove, condition, [.. page.Select(row => SqlServerRows.Id(row.Key))], cancellationToken);
            if (page.Count < IRetentionStore.ChunkSize)
            {
                return removed;
            }
        }
    }

    private Task<RemovedRows> RemoveAsync(SizedSql remove, object condition, Guid[] ids, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            var parameters = new DynamicParameters(condition);
            parameters.AddDynamicParams(new { ids = SqlServerTables.Ids(ids), now = time.UtcNowMicroseconds() });
            (int rows, int conflicts, int alerts, int unsent) = await connection.QuerySingleAsync<(int, int, int, int)>(
                new CommandDefinition(remove.For(ids.Length), parameters, cancellationToken: cancellationToken));
            return new RemovedRows(rows, conflicts, alerts, unsent);
        },
        cancellationToken);
}
