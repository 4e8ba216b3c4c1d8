using System.Data.Common;
using Dapper;
using FinanceIngest.Commands;
using FinanceIngest.Preferences;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="ICommandProgress"/>
internal sealed class SqlServerCommandStore(SqlServerDatabase database) : ICommandProgress, ISensitivityStore
{
    /// <summary>The columns that <see cref="ToSensitivity"/> reads, of the table under the alias <c>s</c>.</summary>
    public const string SensitivityColumns = "s.user_id, s.category_id, s.level, s.minimum_amount, s.until, s.accepted_at";

    internal const string FeedbackPlaceSql =
        """
        SELECT f.accepted_at, f.command_key, CAST(CASE WHEN p.transaction_key IS NULL THEN 0 ELSE 1 END AS BIT)
        FROM (SELECT @key AS transaction_key) k
        LEFT JOIN feedback f ON f.transaction_key = k.transaction_key
        LEFT JOIN purged_transactions p ON p.transaction_key = k.transaction_key
        """;

    internal const string SensitivityPlaceSql =
        """
        SELECT TOP (1) o.accepted_at, o.command_key, CAST(0 AS BIT)
        FROM (SELECT accepted_at, command_key FROM sensitivity WHERE user_id = @user AND category_id = @category
            UNION ALL SELECT accepted_at, command_key FROM erased_users WHERE user_id = @user) o
        ORDER BY o.accepted_at DESC, o.command_key DESC
        """;

    internal const string ErasurePlaceSql =
        "SELECT accepted_at, command_key, CAST(0 AS BIT) FROM erased_users WHERE user_id = @user AND completed_at IS NOT NULL";

    internal const string DestinationSql =
        """
        SELECT (SELECT COUNT(*) FROM removed_destinations WHERE user_id = @user AND destination_key = @key)
            + (SELECT COUNT(*) FROM notification_destinations WHERE user_id = @user AND destination_key = @key AND @isThere = 1)
            + (SELECT COUNT(*) FROM erased_users WHERE user_id = @user AND accepted_at >= @at)
        """;

    /// <inheritdoc/>
    public async Task<bool> AreCarriedOutAsync(IReadOnlyList<Command> commands, CancellationToken cancellationToken)
    {
        // The last is carried out last as a rule: while it is not, nothing else is asked for.
        foreach (Command command in commands.Reverse())
        {
            if (!await IsCarriedOutAsync(command, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    private Task<bool> IsCarriedOutAsync(Command command, CancellationToken cancellationToken) => command switch
    {
        FeedbackCommand feedback => ObeyedAsync(
            FeedbackPlaceSql, new { key = SqlServerTables.Key(feedback.TransactionId) }, command, isGoneEnough: true, cancellationToken),
        WithdrawCommand withdrawal => ObeyedAsync(
            FeedbackPlaceSql, new { key = SqlServerTables.Key(withdrawal.TransactionId) }, null, isGoneEnough: true, cancellationToken),
        SensitivityCommand sensitivity => ObeyedAsync(
            SensitivityPlaceSql, new { user = sensitivity.UserId ?? 0, category = sensitivity.CategoryId ?? 0 }, command, isGoneEnough: false,
            cancellationToken),
        EraseUserCommand erasure => ObeyedAsync(ErasurePlaceSql, new { user = erasure.UserId }, command, isGoneEnough: false, cancellationToken),
        DestinationCommand destination => IsDestinationAsync(destination.UserId, destination.Id, isThere: true, command, cancellationToken),
        RemoveDestinationCommand removal => IsDestinationAsync(removal.UserId, removal.DestinationId, isThere: false, command, cancellationToken),
        _ => Task.FromResult(false),
    };

    // Whether an address is gone for good, or, where that counts, is there; or its user was erased since.
    private Task<bool> IsDestinationAsync(long userId, Guid destination, bool isThere, Command command, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => await connection.ExecuteScalarAsync<int>(new CommandDefinition(
                DestinationSql,
                new { user = userId, key = SqlServerTables.Key(destination), at = command.AcceptedAt, isThere },
                cancellationToken: cancellationToken)) > 0,
            cancellationToken);

    // Whether the target's place is the command's or a later one, or the transaction is gone.
    private Task<bool> ObeyedAsync(string sql, object key, Command? command, bool isGoneEnough, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(sql, key, cancellationToken: cancellationToken));
            if (!await reader.ReadAsync(cancellationToken))
            {
                return false;
            }

            CommandOrder? place = SqlServerRows.Time(reader, 0) is { } acceptedAt ? new CommandOrder(acceptedAt, SqlServerRows.Id(reader, 1)) : null;
            return (isGoneEnough && reader.GetBoolean(2)) || (command is not null && place?.CompareTo(command.Order) >= 0);
        },
        cancellationToken);

    internal const string FindErasureSql = "SELECT accepted_at, completed_at FROM erased_users WHERE user_id = @userId";

    /// <inheritdoc/>
    public Task<Erasure?> FindErasureAsync(long userId, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(FindErasureSql, new { userId }, cancellationToken: cancellationToken));
            return (await SqlServerRows.ReadAsync(
                reader, row => new Erasure(SqlServerRows.Time(row, 0)!.Value, SqlServerRows.Time(row, 1)), cancellationToken)).SingleOrDefault();
        },
        cancellationToken);

    internal const string CompleteErasureSql =
        "UPDATE erased_users SET completed_at = @now WHERE user_id = @userId AND command_key = @key AND completed_at IS NULL";

    /// <inheritdoc/>
    public Task CompleteErasureAsync(EraseUserCommand erasure, DateTime now, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            CompleteErasureSql, new { userId = erasure.UserId, key = SqlServerTables.Key(erasure.Id), now }, cancellationToken: cancellationToken)),
        cancellationToken);

    // The range of users lets the key find one user's; a page of one category of all users reads through the others.
    internal const string ListPageSql =
        $"""
        SELECT TOP (@limit) {SensitivityColumns} FROM sensitivity s
        WHERE s.user_id BETWEEN @lowest AND @highest AND s.user_id >= @afterUser
            AND (s.user_id > @afterUser OR s.category_id > @afterCategory OR (s.category_id = @afterCategory AND s.is_snooze > @afterSnooze))
            AND s.category_id = COALESCE(@categoryId, s.category_id)
            AND s.level IS NOT NULL AND (s.until IS NULL OR s.until > @now)
        ORDER BY s.user_id, s.category_id, s.is_snooze
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<Sensitivity>> ReadPageAsync(
        long? userId, long? categoryId, SensitivityCursor? after, int limit, DateTime now, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var parameters = new
            {
                limit,
                lowest = userId ?? 0,
                highest = userId ?? long.MaxValue,
                afterUser = after?.Key.UserId ?? -1,
                afterCategory = after?.Key.CategoryId ?? -1,
                afterSnooze = after?.IsSnooze ?? false,
                categoryId,
                now,
            };
            await using DbDataReader reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(ListPageSql, parameters, cancellationToken: cancellationToken));
            return (IReadOnlyList<Sensitivity>)await SqlServerRows.ReadAsync(reader, row => ToSensitivity(row), cancellationToken);
        },
        cancellationToken);

    /// <summary>Reads a setting from a row, from a column on.</summary>
    public static Sensitivity ToSensitivity(DbDataReader row, int first = 0) => new(
        new SensitivityKey(row.GetInt64(first), row.GetInt64(first + 1)),
        CommandNames.ToLevel(row.GetString(first + 2))!.Value,
        row.IsDBNull(first + 3) ? null : Money.FromDecimal(row.GetDecimal(first + 3)),
        SqlServerRows.Time(row, first + 4),
        SqlServerRows.Time(row, first + 5)!.Value);
}
