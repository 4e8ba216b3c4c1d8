using System.Data.Common;
using Dapper;
using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Results;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="ILearningStore"/>
internal sealed class SqlServerLearningStore(SqlServerDatabase database, TimeProvider time) : ILearningStore
{
    // Seconds for a read of a user's rows, to which no index leads.
    private const int Patience = 300;

    internal const string RowColumns = "t.id, t.user_id, t.category_id, t.amount, t.occurred_at, t.contribution, t.judgement, t.verdict";

    // The row of the model tells whether a writer came between the two statements: then both are read again.
    internal const string LoadModelSql =
        """
        SELECT TOP (1) m.version, m.began_at, m.as_of, m.rarely, m.normal, m.often FROM detection_models m ORDER BY m.version DESC;
        SELECT c.category_id, c.is_refund, c.prior, c.verdicts FROM detection_categories c;
        SELECT COALESCE(MAX(m.version), 0) FROM detection_models m;
        """;

    /// <inheritdoc/>
    public async Task<DetectionModel?> LoadModelAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            (DetectionModel? model, bool isWhole) = await database.RunAsync(connection => LoadModelAsync(connection, cancellationToken), cancellationToken);
            if (isWhole)
            {
                return model;
            }
        }
    }

    private static async Task<(DetectionModel? Model, bool IsWhole)> LoadModelAsync(SqlConnection connection, CancellationToken cancellationToken)
    {
        await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(LoadModelSql, cancellationToken: cancellationToken));
        List<DetectionModel> heads = await SqlServerRows.ReadAsync(
            reader,
            static row => new DetectionModel
            {
                Version = row.GetInt32(0),
                Began = SqlServerRows.Time(row, 1),
                MadeAt = SqlServerRows.Time(row, 2)!.Value,
                Thresholds = new AlertThresholds(row.GetDouble(3), row.GetDouble(4), row.GetDouble(5)),
            },
            cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        List<ModelRow> rows = await SqlServerRows.ReadAsync(
            reader,
            static row => new ModelRow(
                new CategoryKey(row.GetInt64(0), row.GetBoolean(1)), row.GetFieldValue<byte[]>(2), row.IsDBNull(3) ? null : row.GetFieldValue<byte[]>(3)),
            cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        bool isWhole = reader.GetInt32(0) == (heads.Count == 0 ? 0 : heads[0].Version);
        return (heads.Count == 0 || !isWhole ? null : ModelRows.Compose(heads[0], rows), isWhole);
    }

    internal const string SaveModelSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        INSERT INTO detection_models (version, began_at, as_of, made_at, rarely, normal, often)
        SELECT @version, @began, @asOf, @now, @rarely, @normal, @often
        WHERE (SELECT COALESCE(MAX(m.version), 0) FROM detection_models m) = @version - 1;
        IF @@ROWCOUNT = 0
        BEGIN
            COMMIT TRANSACTION;
            SELECT 0;
        END
        ELSE
        BEGIN
            DELETE FROM detection_categories;
            INSERT INTO detection_categories (category_id, is_refund, prior, verdicts)
            SELECT c.category_id, c.is_refund, c.prior, c.verdicts FROM @categories c OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
            COMMIT TRANSACTION;
            SELECT 1;
        END;
        """;

    private static readonly SizedSql s_saveModel = new(SaveModelSql);

    /// <inheritdoc/>
    public Task<bool> SaveModelAsync(DetectionModel model, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            s_saveModel.For(model.Priors.Count),
            new
            {
                version = model.Version,
                began = model.Began,
                asOf = model.MadeAt,
                now = time.UtcNowMicroseconds(),
                rarely = model.Thresholds.Rarely,
                normal = model.Thresholds.Normal,
                often = model.Thresholds.Often,
                categories = SqlServerTables.Categories(ModelRows.Of(model)),
            },
            cancellationToken: cancellationToken)) == 1,
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RunAloneAsync(Func<Task> work, CancellationToken cancellationToken) => database.RunAloneAsync(
        "finance-ingest renewal",
        async () =>
        {
            await work();
            return true;
        },
        false,
        cancellationToken);

    internal const string ReadStatesSql =
        """
        SELECT TOP (@limit) s.user_id, s.category_id, s.is_refund, s.state, s.carried
        FROM detection_states s
        WHERE s.user_id > @user OR (s.user_id = @user AND (s.category_id > @category OR (s.category_id = @category AND s.is_refund > @refund)))
        ORDER BY s.user_id, s.category_id, s.is_refund
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<KnownKey>> ReadStatesAsync(StateKey? after, int limit, CancellationToken cancellationToken) => QueryAsync(
        ReadStatesSql,
        new { limit, user = after?.UserId ?? 0, category = after?.Category.CategoryId ?? 0, refund = after?.Category.IsRefund ?? false },
        SqlServerRows.ToKey,
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<KnownUser>> ReadUsersAsync(long after, int limit, CancellationToken cancellationToken) => QueryAsync(
        "SELECT TOP (@limit) u.user_id, u.version, u.state, u.carried FROM detection_users u WHERE u.user_id > @after ORDER BY u.user_id",
        new { limit, after },
        SqlServerRows.ToUser,
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ContributingRow>> ReadRowsAsync(long before, int limit, CancellationToken cancellationToken) => QueryAsync(
        $"SELECT TOP (@limit) {RowColumns} FROM anomaly_transactions t WHERE t.id < @before AND t.contribution IS NOT NULL ORDER BY t.id DESC",
        new { limit, before },
        ToRow,
        cancellationToken);

    // The version is read first and last: what was read between two equal ones is as of one moment.
    internal const string ReadUserSql =
        $"""
        SELECT u.user_id, u.version, u.state, u.carried FROM detection_users u WHERE u.user_id = @userId;
        SELECT s.user_id, s.category_id, s.is_refund, s.state, s.carried FROM detection_states s WHERE s.user_id = @userId
        ORDER BY s.category_id, s.is_refund;
        SELECT {RowColumns} FROM anomaly_transactions t WHERE t.user_id = @userId AND t.contribution IS NOT NULL ORDER BY t.id OPTION (MAXDOP 1);
        SELECT u.user_id, u.version, u.state, u.carried FROM detection_users u WHERE u.user_id = @userId;
        """;

    /// <inheritdoc/>
    public async Task<LearnedUser?> ReadUserAsync(long userId, CancellationToken cancellationToken)
    {
        while (true)
        {
            (LearnedUser? user, bool isWhole) = await database.RunAsync(
                async connection =>
                {
                    await using DbDataReader reader = await connection.ExecuteReaderAsync(
                        new CommandDefinition(ReadUserSql, new { userId }, commandTimeout: Patience, cancellationToken: cancellationToken));
                    KnownUser? before = (await SqlServerRows.ReadAsync(reader, SqlServerRows.ToUser, cancellationToken)).SingleOrDefault();
                    await reader.NextResultAsync(cancellationToken);
                    List<KnownKey> keys = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToKey, cancellationToken);
                    await reader.NextResultAsync(cancellationToken);
                    List<ContributingRow> rows = await SqlServerRows.ReadAsync(reader, ToRow, cancellationToken);
                    await reader.NextResultAsync(cancellationToken);
                    KnownUser? after = (await SqlServerRows.ReadAsync(reader, SqlServerRows.ToUser, cancellationToken)).SingleOrDefault();
                    LearnedUser? found = before is null && keys.Count == 0 && rows.Count == 0
                        ? null
                        : new LearnedUser(before ?? new KnownUser(userId, null, default), keys, rows);
                    return (found, before?.Version == after?.Version);
                },
                cancellationToken);
            if (isWhole)
            {
                return user;
            }
        }
    }

    internal const string ReplaceSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @done INT;
        BEGIN TRANSACTION;
        UPDATE u SET version = s.version, state = s.state, carried = s.carried
        FROM @users s JOIN detection_users u ON u.user_id = s.user_id
        WHERE u.version = s.expected
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @done = @@ROWCOUNT;
        INSERT INTO detection_users (user_id, version, state, carried)
        SELECT s.user_id, s.version, s.state, s.carried FROM @users s
        WHERE s.expected IS NULL AND NOT EXISTS (SELECT 1 FROM detection_users u WHERE u.user_id = s.user_id)
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @done = @done + @@ROWCOUNT;
        IF @done = 1
        BEGIN
            DELETE FROM detection_states WHERE user_id = @userId;
            INSERT INTO detection_states (user_id, category_id, is_refund, state, carried)
            SELECT s.user_id, s.category_id, s.is_refund, s.state, s.carried FROM @states s OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        END;
        COMMIT TRANSACTION;
        SELECT @done;
        """;

    private static readonly SizedSql s_replace = new(ReplaceSql);

    /// <inheritdoc/>
    public Task<bool> TryReplaceAsync(UserChange change, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            s_replace.For(change.Keys.Count),
            new { userId = change.UserId, users = SqlServerTables.UserStates([change]), states = SqlServerTables.States([change]) },
            cancellationToken: cancellationToken)) == 1,
        cancellationToken);

    // The versions of users are read before what they guard.
    internal const string ReadVerdictsSql =
        $"""
        SELECT DISTINCT u.user_id, u.version, u.state, u.carried
        FROM @ids i JOIN feedback f ON f.transaction_key = i.id_key JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        JOIN detection_users u ON u.user_id = t.user_id
        WHERE t.contribution IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT DISTINCT s.user_id, s.category_id, s.is_refund, s.state, s.carried
        FROM @ids i JOIN feedback f ON f.transaction_key = i.id_key JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        JOIN detection_states s ON s.user_id = t.user_id AND s.category_id = t.category_id AND s.is_refund = CASE WHEN t.amount < 0 THEN 1 ELSE 0 END
        WHERE t.contribution IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT t.transaction_key, t.original_contribution, {RowColumns}
        FROM @ids i JOIN feedback f ON f.transaction_key = i.id_key JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        WHERE t.contribution IS NOT NULL
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        """;

    private static readonly SizedSql s_readVerdicts = new(ReadVerdictsSql);

    // Rows of users whom somebody changed meanwhile are left for another round.
    internal const string WriteVerdictsSql =
        $"""
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        {SqlServerScoringSql.WriteStates}
        UPDATE t SET contribution = j.contribution, original_contribution = j.judgement
        FROM @rows j JOIN anomaly_transactions t ON t.transaction_key = j.transaction_key
        WHERE NOT EXISTS (SELECT 1 FROM @lost l WHERE l.user_id = t.user_id)
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        COMMIT TRANSACTION;
        SELECT COUNT(*) FROM @lost;
        """;

    private static readonly SizedSql s_writeVerdicts = new(WriteVerdictsSql);

    /// <inheritdoc/>
    public async Task SettleVerdictsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
        {
            return;
        }

        int lost;
        do
        {
            (StateBook states, List<(Guid Id, TaughtRow Row, FeedbackVerdict? Verdict)> rows) = await database.RunAsync(
                connection => ReadVerdictsAsync(connection, ids, cancellationToken), cancellationToken);
            List<(Guid Id, TaughtRow Row)> answered = [];
            HashSet<long> imprecise = [];
            foreach ((Guid id, TaughtRow row, FeedbackVerdict? verdict) in rows.Where(static item => item.Row.Present.Verdict != item.Verdict))
            {
                (TaughtRow after, bool isPrecise) = row.Answered(states, verdict);
                answered.Add((id, after));
                if (!isPrecise)
                {
                    imprecise.Add(row.Key.UserId);
                }
            }

            if (answered.Count == 0)
            {
                return;
            }

            IReadOnlyList<UserChange> changes = states.Changes();
            lost = await database.RunAsync(
                connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(
                    s_writeVerdicts.For(answered.Count),
                    new
                    {
                        users = SqlServerTables.UserStates(changes),
                        states = SqlServerTables.States(changes),
                        rows = SqlServerTables.Answered(answered),
                    },
                    cancellationToken: cancellationToken)),
                cancellationToken);
            foreach (long userId in imprecise)
            {
                // What is left beside a verdict's row may be less than a billionth of it: the states are added up again.
                await new StateAudit(this).RebuildAsync(userId, cancellationToken);
            }
        }
        while (lost > 0);
    }

    private static async Task<(StateBook States, List<(Guid Id, TaughtRow Row, FeedbackVerdict? Verdict)> Rows)> ReadVerdictsAsync(
        SqlConnection connection, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(
            s_readVerdicts.For(ids.Count), new { ids = SqlServerTables.Ids(ids) }, cancellationToken: cancellationToken));
        List<KnownUser> users = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToUser, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        List<KnownKey> keys = await SqlServerRows.ReadAsync(reader, SqlServerRows.ToKey, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        List<(Guid, TaughtRow, FeedbackVerdict?)> rows = await SqlServerRows.ReadAsync(
            reader,
            static row =>
            {
                ContributingRow found = ToRow(row, 2);
                Contribution? original = row.IsDBNull(1) ? null : Contribution.Read(row.GetFieldValue<byte[]>(1));
                return (
                    SqlServerRows.Id(row, 0), new TaughtRow(found.Key, found.Amount, found.OccurredAt, found.Contribution, original), found.Verdict);
            },
            cancellationToken);
        return (new StateBook(users, keys), rows);
    }

    internal const string ForgetSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @done INT;
        BEGIN TRANSACTION;
        DELETE FROM detection_users WHERE user_id = @userId AND version = @version;
        SET @done = @@ROWCOUNT;
        IF @done = 1
            DELETE FROM detection_states WHERE user_id = @userId;
        COMMIT TRANSACTION;
        SELECT @done;
        """;

    /// <inheritdoc/>
    public Task<bool> TryForgetAsync(long userId, long version, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteScalarAsync<int>(
            new CommandDefinition(ForgetSql, new { userId, version }, cancellationToken: cancellationToken)) == 1,
        cancellationToken);

    private Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object parameters, Func<DbDataReader, T> map, CancellationToken cancellationToken) =>
        database.RunAsync(
            async connection =>
            {
                await using DbDataReader reader = await connection.ExecuteReaderAsync(
                    new CommandDefinition(sql, parameters, commandTimeout: Patience, cancellationToken: cancellationToken));
                return (IReadOnlyList<T>)await SqlServerRows.ReadAsync(reader, map, cancellationToken);
            },
            cancellationToken);

    private static ContributingRow ToRow(DbDataReader row) => ToRow(row, 0);

    /// <summary>Reads a row of <see cref="RowColumns"/>.</summary>
    /// <param name="row">The row.</param>
    /// <param name="first">The first of the columns.</param>
    internal static ContributingRow ToRow(DbDataReader row, int first)
    {
        var amount = Money.FromDecimal(row.GetDecimal(first + 3));
        return new ContributingRow(
            row.GetInt64(first), StateKey.Of(row.GetInt64(first + 1), row.GetInt64(first + 2), amount.Units < 0), amount.ToDouble(),
            SqlServerRows.Time(row, first + 4)!.Value, Contribution.Read(row.GetFieldValue<byte[]>(first + 5)))
        {
            Verdict = CommandNames.ToVerdict(SqlServerRows.Text(row, first + 7)),
            Suspicion = row.IsDBNull(first + 6) ? 0 : Detected.Read("", row.GetFieldValue<byte[]>(first + 6)).Suspicion,
        };
    }
}
