using FinanceIngest.Commands;
using FinanceIngest.Preferences;
using FinanceIngest.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="ICommandProgress"/>
internal sealed class SqliteCommandStore(SqliteDatabase database) : ICommandProgress, ISensitivityStore
{
    /// <inheritdoc/>
    public Task<bool> AreCarriedOutAsync(IReadOnlyList<Command> commands, CancellationToken cancellationToken) => database.ReadAsync(
        session => commands.All(command => IsCarriedOut(session, command)), cancellationToken);

    /// <inheritdoc/>
    public Task<Erasure?> FindErasureAsync(long userId, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.FirstOrDefault(
            "SELECT accepted_at, completed_at FROM erased_users WHERE user_id = ?1", static row => new Erasure(row.GetTime(0), row.GetTimeOrNull(1)), userId),
        cancellationToken);

    /// <inheritdoc/>
    public Task CompleteErasureAsync(EraseUserCommand erasure, DateTime now, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute(
            "UPDATE erased_users SET completed_at = ?1 WHERE user_id = ?2 AND command_id = ?3 AND completed_at IS NULL", now, erasure.UserId, erasure.Id),
        cancellationToken);

    // The range of users lets the key find one user's; a page of one category of all users reads through the others.
    /// <inheritdoc/>
    public Task<IReadOnlyList<Sensitivity>> ReadPageAsync(
        long? userId, long? categoryId, SensitivityCursor? after, int limit, DateTime now, CancellationToken cancellationToken) => database.ReadAsync(
        session => (IReadOnlyList<Sensitivity>)session.Query(
            $"""
            SELECT {SqliteCommands.SensitivityColumns} FROM sensitivity s
            WHERE s.user_id BETWEEN ?1 AND ?2 AND (s.user_id, s.category_id, s.is_snooze) > (?3, ?4, ?5) AND s.category_id = coalesce(?6, s.category_id)
                AND s.level IS NOT NULL AND (s.until IS NULL OR s.until > ?7)
            ORDER BY s.user_id, s.category_id, s.is_snooze LIMIT ?8
            """,
            SqliteCommands.ToSensitivity, userId ?? 0, userId ?? long.MaxValue, after?.Key.UserId ?? -1, after?.Key.CategoryId ?? -1,
            after?.IsSnooze == true ? 1 : 0, categoryId, now, limit),
        cancellationToken);

    private static bool IsCarriedOut(SqliteSession session, Command command) => command switch
    {
        FeedbackCommand feedback => Obeyed(session, "SELECT accepted_at, command_id FROM feedback WHERE transaction_id = ?1", command, feedback.TransactionId)
            || SqliteCommands.IsBuried(session, feedback.TransactionId),
        WithdrawCommand withdrawal => SqliteCommands.IsBuried(session, withdrawal.TransactionId),
        SensitivityCommand sensitivity => IsCarriedOut(session, sensitivity),
        EraseUserCommand erasure => Obeyed(
            session, "SELECT accepted_at, command_id FROM erased_users WHERE user_id = ?1 AND completed_at IS NOT NULL", command, erasure.UserId),
        DestinationCommand destination => session.Number(
            "SELECT EXISTS (SELECT 1 FROM notification_destinations WHERE user_id = ?1 AND destination_id = ?2)", destination.UserId, destination.Id) == 1
            || IsOver(session, destination.UserId, destination.Id, command),
        RemoveDestinationCommand removal => IsOver(session, removal.UserId, removal.DestinationId, command),
        _ => false,
    };

    // Whether an address is gone for good, or its user was erased since.
    private static bool IsOver(SqliteSession session, long userId, Guid destination, Command command) =>
        session.Number("SELECT EXISTS (SELECT 1 FROM removed_destinations WHERE user_id = ?1 AND destination_id = ?2)", userId, destination) == 1
        || SqliteCommands.IsErased(session, userId, command.AcceptedAt);

    private static bool IsCarriedOut(SqliteSession session, SensitivityCommand command)
    {
        var key = SensitivityKey.Of(command.UserId, command.CategoryId);
        return Obeyed(
                session, "SELECT max(accepted_at), command_id FROM sensitivity WHERE user_id = ?1 AND category_id = ?2", command, key.UserId, key.CategoryId)
            || Obeyed(session, "SELECT accepted_at, command_id FROM erased_users WHERE user_id = ?1", command, key.UserId);
    }

    // Whether the target's place is the command's or a later one.
    private static bool Obeyed(SqliteSession session, string sql, Command command, params ReadOnlySpan<SqliteValue> key) =>
        SqliteCommands.PlaceOf(session, sql, key) is { } place && place.CompareTo(command.Order) >= 0;
}
