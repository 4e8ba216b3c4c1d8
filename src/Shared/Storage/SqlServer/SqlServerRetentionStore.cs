using System.Data.Common;
using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

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
        $"""
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @gone TABLE (transaction_key BINARY(16) NOT NULL PRIMARY KEY);
        DECLARE @conflicts INT, @alerts INT, @unsent INT;
        BEGIN TRANSACTION;
        {SqlServerScoringSql.WriteStates}
        """;

    // A row that taught something goes only together with the change of its user's states: a row that was scored since the states were read stays for now.
    private const string IsSettled =
        """
        (t.contribution IS NULL OR EXISTS (SELECT 1 FROM @taken k WHERE k.id_key = t.transaction_key))
            AND NOT EXISTS (SELECT 1 FROM @lost l WHERE l.user_id = t.user_id)
        """;

    private const string IsOld =
        "t.created_at < @before AND NOT EXISTS (SELECT 1 FROM alert_outbox o WHERE o.transaction_key = t.transaction_key AND o.sent_at IS NULL)";

    private const string IsOfUser = "(t.user_id = @userId OR t.user_id IS NULL) AND (t.accepted_at IS NULL OR t.accepted_at <= @until)";

    // The versions of users are read before what they guard. A row that fails the condition stays, and so does what it taught.
    private const string StatesOfRows =
        $"""
        SELECT DISTINCT u.user_id, u.version, u.state, u.carried
        FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key JOIN detection_users u ON u.user_id = t.user_id
        WHERE t.contribution IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT DISTINCT s.user_id, s.category_id, s.is_refund, s.state, s.carried
        FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        JOIN detection_states s ON s.user_id = t.user_id AND s.category_id = t.category_id AND s.is_refund = CASE WHEN t.amount < 0 THEN 1 ELSE 0 END
        WHERE t.contribution IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT t.transaction_key, {SqlServerLearningStore.RowColumns}
        FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        WHERE t.contribution IS NOT NULL
        """;

    private const string StatesOfRowsEnd = "\nOPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);";

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
        SELECT (SELECT COUNT(*) FROM @gone), @conflicts, @alerts, @unsent, (SELECT COUNT(*) FROM @lost);
        """;

    // The statement checks the age again: a failed row that was scored since the look-up is young.
    internal const string PurgeSql =
        $"""
        {Head}
        DELETE t OUTPUT deleted.transaction_key INTO @gone (transaction_key)
        FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        WHERE {IsOld} AND {IsSettled}
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        {Tail}
        """;

    internal const string PurgedStatesSql = $"{StatesOfRows} AND {IsOld}{StatesOfRowsEnd}";

    private static readonly SizedSql s_purge = new(PurgeSql);
    private static readonly SizedSql s_purgedStates = new(PurgedStatesSql);
    private static readonly Removal s_purged = new(s_purge, s_purgedStates, KeepsWhatItTaught: true);

    /// <inheritdoc/>
    public Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken) => database.RunAloneAsync(
        PurgeLock, () => PurgeAloneAsync(before, cancellationToken), new RemovedRows { OthersAreAtIt = true }, cancellationToken);

    private async Task<RemovedRows> PurgeAloneAsync(DateTime before, CancellationToken cancellationToken)
    {
        RemovedRows batched = await RemovePagesAsync(OldSql, new { before, end = BatchId.First(before) }, cancellationToken);
        return batched + await RemovePagesAsync(OldWithoutBatchSql, new { before }, cancellationToken);
    }

    // The procedure is there for a worker, which may do by it what its role may not.
    internal const string EraseSql =
        """
        EXEC finance_erase_rows @ids = @ids, @taken = @taken, @users = @users, @states = @states, @user_id = @userId, @until = @until, @now = @now
        """;

    internal const string ErasedStatesSql = $"{StatesOfRows} AND {IsOfUser}{StatesOfRowsEnd}";

    // The caller names transactions that have tombstones: whatever row of them there is goes.
    internal const string BuriedStatesSql =
        $"{StatesOfRows} AND EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = t.transaction_key){StatesOfRowsEnd}";

    private static readonly SizedSql s_erase = new(EraseSql);
    private static readonly SizedSql s_erasedStates = new(ErasedStatesSql);
    private static readonly Removal s_erased = new(s_erase, s_erasedStates, KeepsWhatItTaught: false);
    private static readonly SizedSql s_buriedStates = new(BuriedStatesSql);
    private static readonly Removal s_buried = new(s_erase, s_buriedStates, KeepsWhatItTaught: false);

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
    public async Task RemoveBuriedAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        foreach (Guid[] some in ids.Chunk(IRetentionStore.ChunkSize))
        {
            await RemoveAsync(s_buried, new { userId = (long?)null, until = DateTime.MaxValue }, some, cancellationToken);
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
                long began = time.GetTimestamp();
                removed += await RemoveAsync(s_erased, new { userId, until }, [.. some.Select(SqlServerRows.Id)], cancellationToken);
                await BulkPace.RestAsync(time, began, cancellationToken);
            }
        }

        foreach (Guid[] some in nameless.Chunk(IRetentionStore.ChunkSize))
        {
            long began = time.GetTimestamp();
            removed += await RemoveAsync(s_erased, new { userId, until }, some, cancellationToken);
            await BulkPace.RestAsync(time, began, cancellationToken);
        }

        (int conflicts, int baselines) = await database.RunAsync(
            connection => connection.QuerySingleAsync<(int, int)>(
                new CommandDefinition(EraseRestSql, new { userId, until }, commandTimeout: Patience, cancellationToken: cancellationToken)),
            cancellationToken);
        return removed + new RemovedRows(RepeatConflicts: conflicts, Baselines: baselines)
        {
            States = await ErasedStates.ForgetAsync(new SqlServerLearningStore(database, time), userId, cancellationToken),
        };
    }

    /// <summary>Pages through the rows that a look-up finds. Each page begins behind the one before it, although rows with unsent alerts stay.</summary>
    private async Task<RemovedRows> RemovePagesAsync(string lookUp, object condition, CancellationToken cancellationToken)
    {
        RemovedRows removed = default;
        (long Batch, long Id) at = (0, 0);
        while (true)
        {
            long began = time.GetTimestamp();
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
            removed += await RemoveAsync(s_purged, condition, [.. page.Select(row => SqlServerRows.Id(row.Key))], cancellationToken);
            if (page.Count < IRetentionStore.ChunkSize)
            {
                return removed;
            }

            await BulkPace.RestAsync(time, began, cancellationToken);
        }
    }

    /// <summary>Removes rows, with the changes of their users' states. Rows of users that somebody changed meanwhile are tried again.</summary>
    private async Task<RemovedRows> RemoveAsync(Removal removal, object condition, Guid[] ids, CancellationToken cancellationToken)
    {
        RemovedRows removed = default;
        while (true)
        {
            (IReadOnlyList<UserChange> changes, IReadOnlyList<Guid> taken) = await ReadStatesAsync(removal, condition, ids, cancellationToken);
            (RemovedRows rows, int lost) = await database.RunAsync(
                connection => RemoveAsync(connection, removal.Delete, condition, ids, changes, taken, cancellationToken), cancellationToken);
            removed += rows;
            if (lost == 0)
            {
                return removed;
            }
        }
    }

    private async Task<(RemovedRows Rows, int Lost)> RemoveAsync(
        SqlConnection connection, SizedSql remove, object condition, Guid[] ids, IReadOnlyList<UserChange> changes, IReadOnlyList<Guid> taken,
        CancellationToken cancellationToken)
    {
        var parameters = new DynamicParameters(condition);
        parameters.AddDynamicParams(new
        {
            ids = SqlServerTables.Ids(ids),
            taken = SqlServerTables.Ids(taken),
            users = SqlServerTables.UserStates(changes),
            states = SqlServerTables.States(changes),
            now = time.UtcNowMicroseconds(),
        });
        (int rows, int conflicts, int alerts, int unsent, int lost) = await connection.QuerySingleAsync<(int, int, int, int, int)>(
            new CommandDefinition(remove.For(ids.Length), parameters, cancellationToken: cancellationToken));
        return (new RemovedRows(rows, conflicts, alerts, unsent), lost);
    }

    // What the states are once the rows are gone, and the rows that this holds for.
    private async Task<(IReadOnlyList<UserChange> Changes, IReadOnlyList<Guid> Taken)> ReadStatesAsync(
        Removal removal, object condition, Guid[] ids, CancellationToken cancellationToken)
    {
        (List<KnownUser> users, List<KnownKey> keys, List<(Guid Id, ContributingRow Row)> rows) = await database.RunAsync(
            async connection =>
            {
                var parameters = new DynamicParameters(condition);
                parameters.AddDynamicParams(new { ids = SqlServerTables.Ids(ids) });
                await using DbDataReader reader = await connection.ExecuteReaderAsync(
                    new CommandDefinition(removal.States.For(ids.Length), parameters, cancellationToken: cancellationToken));
                List<KnownUser> users = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToUser, cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                List<KnownKey> keys = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToKey, cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                return (users, keys, await SqlServerRows.ReadAsync(
                    reader, static row => (SqlServerRows.Id(row, 0), SqlServerLearningStore.ToRow(row, 1)), cancellationToken));
            },
            cancellationToken);
        var states = new StateBook(users, keys);
        HashSet<long> imprecise = [];
        foreach ((_, ContributingRow row) in rows)
        {
            if (removal.KeepsWhatItTaught)
            {
                states.Carry(row.Key, row.Contribution, row.OccurredAt);
            }
            else if (!states.Remove(row.Key, row.Contribution, row.OccurredAt))
            {
                imprecise.Add(row.Key.UserId);
            }
        }

        IReadOnlyList<UserChange> changes = states.Changes();
        HashSet<long> leaving = [.. rows.Select(static item => item.Row.RowId)];
        return ([.. await Task.WhenAll(changes.Select(change => imprecise.Contains(change.UserId) ? SumAnewAsync(change, leaving, cancellationToken)
            : Task.FromResult(change)))], [.. rows.Select(static item => item.Id)]);
    }

    // A row goes beside which the others are less than a billionth, so that the sums may hold nothing but its rounding: they are added up again. Where the
    // user was changed meanwhile, the write finds that out.
    private async Task<UserChange> SumAnewAsync(UserChange change, HashSet<long> leaving, CancellationToken cancellationToken)
    {
        if (await new SqlServerLearningStore(database, time).ReadUserAsync(change.UserId, cancellationToken) is not { } user)
        {
            return change;
        }

        var sum = new StateSum(user.User, user.Keys);
        foreach (ContributingRow row in user.Rows.Where(row => !leaving.Contains(row.RowId)))
        {
            sum.Add(row);
        }

        return sum.ToChange(user.User) with { Expected = change.Expected };
    }

    /// <summary>How rows are removed.</summary>
    /// <param name="Delete">The statement that deletes them.</param>
    /// <param name="States">The statement that reads the states which their going changes.</param>
    /// <param name="KeepsWhatItTaught">Whether what the rows taught moves into the carried sums; otherwise it goes with them.</param>
    private sealed record Removal(SizedSql Delete, SizedSql States, bool KeepsWhatItTaught);
}
