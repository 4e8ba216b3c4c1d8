using System.Data.Common;
using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Overview;
using FinanceIngest.Preferences;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IScoringStore"/>
/// <remarks>
/// Correct with READ_COMMITTED_SNAPSHOT on and off. All writers take locks in one order: users of <c>detection_users</c> in their order, what belongs to them
/// in <c>detection_states</c>, keys of <c>anomaly_transactions</c> in their order, then <c>purged_transactions</c>, <c>repeat_conflicts</c>,
/// <c>alert_outbox</c>, <c>poison_messages</c>, their own row of <c>processes</c>, and a new row of
/// <c>feed_batches</c>. No two batches of different transactions wait for each other, and no range is locked: where two workers write one new id, the unique
/// key stops the second, whose transaction is repeated and then sees the first one's row. No plan is parallel, because its threads would take the locks in
/// no order. Verdicts that wait, withdrawals and commands take locks of rows once more, in procedures of the database; of two batches that wait for each other
/// because of them the server undoes one, which is repeated.
/// </remarks>
internal sealed class SqlServerScoringStore(SqlServerDatabase database, TimeProvider time) : IScoringStore
{
    // The error that finance_after_scoring throws.
    private const int BuriedMeanwhile = 51_000;

    private static readonly SizedSql s_loadBaselines = new(SqlServerScoringSql.LoadBaselinesSql);
    private static readonly SizedSql s_load = new(SqlServerScoringSql.LoadSql);
    private static readonly SizedSql s_write = new(SqlServerScoringSql.WriteSql);
    private static readonly SizedSql s_learn = new(SqlServerScoringSql.LearnSql);

    /// <inheritdoc/>
    public async Task<LoadedBaselines> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken) => keys.Count == 0
        ? LoadedBaselines.None
        : await database.RunAsync(
            async connection =>
            {
                await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(
                    s_loadBaselines.For(keys.Count), new { wanted = SqlServerTables.BaselineKeys(keys) }, cancellationToken: cancellationToken));
                Dictionary<BaselineKey, Baseline> baselines = await ReadBaselinesAsync(reader, cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                return new LoadedBaselines(baselines, await ReadSettingsAsync(reader, cancellationToken));
            },
            cancellationToken);

    private static async Task<Dictionary<BaselineKey, Baseline>> ReadBaselinesAsync(DbDataReader reader, CancellationToken cancellationToken)
    {
        var baselines = new Dictionary<BaselineKey, Baseline>();
        while (await reader.ReadAsync(cancellationToken))
        {
            baselines[new BaselineKey(reader.GetInt64(0), reader.GetInt64(1))] = new Baseline(reader.GetDouble(2), reader.GetDouble(3), reader.GetInt64(4));
        }

        return baselines;
    }

    private static async Task<SensitivityTable> ReadSettingsAsync(DbDataReader reader, CancellationToken cancellationToken) =>
        new(await SqlServerRows.ReadAsync(reader, static row => SqlServerCommandStore.ToSensitivity(row), cancellationToken));

    /// <inheritdoc/>
    public Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken) =>
        batch.Results.Count == 0 && batch.Poison.Count == 0 && batch.Commands.Count == 0
            ? Task.FromResult(default(WriteCounts))
            : database.RunAsync(
                connection =>
                {
                    // This is the last moment at which the leases can be checked. A deadline within the statement would also undo batches whose leases are
                    // renewed while the server works; a batch that commits too late meets unique keys.
                    batch.ThrowUnlessHeld();
                    return WriteAsync(connection, batch, BatchId.Next(time), cancellationToken);
                },
                cancellationToken);

    /// <inheritdoc/>
    public async Task<LearnedRows> LearnAsync(LearningWork work, CancellationToken cancellationToken)
    {
        Wanted wanted = work.Wanted;
        IReadOnlySet<long>? users = null;
        WriteCounts counts = default;
        List<TransactionResult> results = [];
        bool hasAlerts = false;
        while (true)
        {
            (Known known, int version) = await LoadAsync(wanted, cancellationToken);
            ScoredBatch batch = work.Score(known, users);
            if (await TryLearnAsync(batch, work.MayCommit, cancellationToken) is not var (written, lost))
            {
                // Nothing was written. What was in the way is there when the same users are loaded again.
                continue;
            }

            counts += written;
            results.AddRange(batch.Results.Where(result => result.UserId is not { } user || !lost.Contains(user)));
            hasAlerts |= batch.Alerts.Count > 0;
            if (lost.Count == 0)
            {
                return new LearnedRows(counts, results, hasAlerts, version);
            }

            // Whoever changed these users has committed, so that somebody makes progress in each round.
            wanted = work.Wanted.Of(lost);
            users = lost;
        }
    }

    private Task<(Known Known, int ModelVersion)> LoadAsync(Wanted wanted, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            var parameters = new
            {
                users = SqlServerTables.Users(wanted.Users),
                states = SqlServerTables.StateKeys(wanted.States),
                ids = SqlServerTables.Ids(wanted.Ids),
                keys = SqlServerTables.BaselineKeys(wanted.Baselines),
                wanted = SqlServerTables.BaselineKeys(wanted.States.Select(static key => new BaselineKey(key.UserId, key.Category.CategoryId))),
            };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(s_load.For(wanted.Ids.Count), parameters, cancellationToken: cancellationToken));
            List<KnownUser> users = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToUser, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            List<KnownKey> states = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToKey, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            var present = new Dictionary<Guid, Presence>();
            while (await reader.ReadAsync(cancellationToken))
            {
                present[SqlServerRows.Id(reader, 0)] =
                    Names.ToStatus(reader.GetString(1)) == TransactionStatus.Failed ? Presence.Failed : Presence.Scored;
            }

            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                present.TryAdd(SqlServerRows.Id(reader, 0), Presence.Buried);
            }

            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            int version = reader.GetInt32(0);
            await reader.NextResultAsync(cancellationToken);
            Dictionary<BaselineKey, Baseline> baselines = await ReadBaselinesAsync(reader, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                (long erased, DateTime until) = (reader.GetInt64(0), SqlServerRows.Time(reader, 1)!.Value);
                foreach (Transaction transaction in wanted.Transactions.Where(item => item.UserId == erased && item.AcceptedAt <= until))
                {
                    present.TryAdd(transaction.Id, Presence.Buried);
                }
            }

            await reader.NextResultAsync(cancellationToken);
            SensitivityTable settings = await ReadSettingsAsync(reader, cancellationToken);
            return (new Known(baselines, new StateBook(users, states), present) { Settings = settings }, version);
        },
        cancellationToken);

    /// <returns>Null: a row of the batch was written or buried by somebody else meanwhile, and nothing was written.</returns>
    private async Task<(WriteCounts Counts, HashSet<long> Lost)?> TryLearnAsync(ScoredBatch batch, Func<bool>? mayCommit, CancellationToken cancellationToken)
    {
        try
        {
            return await database.RunAsync(
                connection =>
                {
                    ScoredBatch.ThrowUnless(mayCommit);
                    return LearnAsync(connection, batch, BatchId.Next(time), cancellationToken);
                },
                cancellationToken);
        }
        catch (StoreUnavailableException e) when (e.InnerException is SqlException { Number: BuriedMeanwhile })
        {
            return null;
        }
    }

    /// <returns>Null: a row of the batch had been written by somebody who does not learn, and nothing was written.</returns>
    private async Task<(WriteCounts Counts, HashSet<long> Lost)?> LearnAsync(
        SqlConnection connection, ScoredBatch batch, long batchId, CancellationToken cancellationToken)
    {
        DynamicParameters parameters = Parameters(batch, batchId);
        parameters.AddDynamicParams(new
        {
            users = SqlServerTables.UserStates(batch.Learned),
            states = SqlServerTables.States(batch.Learned),
            judgements = SqlServerTables.Judgements(batch.Results),
        });
        await using DbDataReader reader = await connection.ExecuteReaderAsync(
            new CommandDefinition(s_learn.For(batch.Results.Count), parameters, cancellationToken: cancellationToken));
        await reader.ReadAsync(cancellationToken);
        (int written, int conflicts, int alerted, int verdicts) = (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3));
        if (written < 0)
        {
            return null;
        }

        await reader.NextResultAsync(cancellationToken);
        HashSet<long> lost = [.. await SqlServerRows.ReadAsync(reader, static row => row.GetInt64(0), cancellationToken)];
        int results = batch.Results.Count(result => result.UserId is not { } user || !lost.Contains(user));
        return (new WriteCounts(written, results - written, conflicts, alerted, verdicts), lost);
    }

    /// <summary>Writes the batch in one round trip. If the connection has a transaction, the batch is committed with it.</summary>
    internal async Task<WriteCounts> WriteAsync(SqlConnection connection, ScoredBatch batch, long batchId, CancellationToken cancellationToken)
    {
        (int written, int conflicts, int alerted, int verdicts) = await connection.QuerySingleAsync<(int, int, int, int)>(
            new CommandDefinition(s_write.For(batch.Results.Count), Parameters(batch, batchId), cancellationToken: cancellationToken));
        return new WriteCounts(written, batch.Results.Count - written, conflicts, alerted, verdicts);
    }

    private DynamicParameters Parameters(ScoredBatch batch, long batchId)
    {
        DateTime now = time.UtcNowMicroseconds();
        return new DynamicParameters(new
        {
            results = SqlServerTables.Results(batch.Results),
            alerts = SqlServerTables.Alerts(batch.Alerts),
            poison = SqlServerTables.Poison(batch.Poison),
            result_ids = SqlServerTables.Ids(batch.Results.Select(static result => result.Id)),
            marks = SqlServerTables.Marks(batch.Results),
            commands = SqlServerTables.Commands(batch.Commands),
            has_commands = batch.Commands.Count > 0,
            count = batch.Results.Count,
            batch_id = batchId,
            now,
            most = RepeatRule.MostKept,
            instance = batch.Process?.Process.Instance,
            program = batch.Process?.Process.Program,
            version = batch.Process?.Process.Version,
            roles = batch.Process?.Process.Roles,
            started_at = batch.Process?.Process.StartedAt,
            batches = batch.Process?.Batches,
            transactions = batch.Process?.Transactions,
            forgotten = now - ProcessSeen.Kept,
        });
    }
}
