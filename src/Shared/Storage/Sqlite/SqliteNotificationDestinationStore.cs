using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="INotificationDestinationStore"/>
internal sealed class SqliteNotificationDestinationStore(SqliteDatabase database) : INotificationDestinationStore
{
    /// <inheritdoc/>
    public Task PutAsync(NotificationDestination destination, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            Put(session, destination);
            return 0;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task TakeBackAsync(long userId, Guid id, DateTime acceptedAt, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            if (SqliteCommands.IsErased(session, userId, acceptedAt))
            {
                return 0;
            }

            Bury(session, "user_id = ?1 AND destination_id = ?2", userId, id);
            return session.Execute(
                "INSERT INTO removed_destinations (user_id, destination_id, accepted_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                userId, id, acceptedAt);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(long userId, Guid id, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute("DELETE FROM notification_destinations WHERE destination_id = ?1 AND user_id = ?2", id, userId) == 1, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<NotificationDestination>> ListAsync(IReadOnlyCollection<long> userIds, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<NotificationDestination>>(
            session =>
            [
                .. userIds.Distinct().SelectMany(userId => session.Query(
                    """
                    SELECT destination_id, user_id, address, created_at FROM notification_destinations WHERE user_id = ?1 ORDER BY created_at, destination_id
                    """,
                    Read, userId)).OfType<NotificationDestination>(),
            ],
            cancellationToken);

    /// <summary>Reads id, user, address and time; null: the address can't be used on this machine.</summary>
    internal static NotificationDestination? Read(SqliteRow row) =>
        DestinationFields.FromJson(row.GetString(2), row.GetGuid(0), row.GetInt64(1), row.GetTime(3));

    private static void Put(SqliteSession session, NotificationDestination destination)
    {
        (Guid id, long user, DateTime at) = (destination.Id, destination.UserId, destination.CreatedAt);
        (string type, byte[] digest) = (DestinationFields.TypeOf(destination), DestinationFields.DigestOf(destination));
        if (SqliteCommands.IsErased(session, user, at))
        {
            return;
        }

        Bury(session, "user_id = ?1 AND type = ?2 AND digest = ?3 AND (created_at, destination_id) < (?4, ?5)", user, type, digest, at, id);
        bool isGone = session.Number(
            """
            SELECT EXISTS (
                SELECT 1 FROM removed_destinations
                WHERE user_id = ?1 AND (destination_id = ?5 OR (digest = ?3 AND (accepted_at, destination_id) > (?4, ?5)))
                UNION ALL SELECT 1 FROM notification_destinations WHERE user_id = ?1 AND type = ?2 AND digest = ?3 AND destination_id <> ?5)
            """,
            user, type, digest, at, id) == 1;
        if (isGone)
        {
            session.Execute(
                """
                INSERT INTO removed_destinations (user_id, destination_id, digest, accepted_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (user_id, destination_id) DO UPDATE SET digest = ?3, accepted_at = ?4
                """,
                user, id, digest, at);
            return;
        }

        session.Execute(
            """
            INSERT INTO notification_destinations (destination_id, user_id, type, address, digest, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO NOTHING
            """,
            id, user, type, DestinationFields.ToJson(destination), digest, at);
        Bury(
            session,
            """
            destination_id IN (
                SELECT destination_id FROM notification_destinations WHERE user_id = ?1 ORDER BY created_at DESC, destination_id DESC LIMIT -1 OFFSET ?2)
            """,
            user, INotificationDestinationStore.MostOfUser);
    }

    // Addresses go, and leave what keeps them from coming again.
    private static void Bury(SqliteSession session, string which, params ReadOnlySpan<SqliteValue> values)
    {
        session.Execute(
            $"""
            INSERT INTO removed_destinations (user_id, destination_id, digest, accepted_at)
            SELECT user_id, destination_id, digest, created_at FROM notification_destinations WHERE {which}
            ON CONFLICT DO NOTHING
            """,
            values);
        session.Execute($"DELETE FROM notification_destinations WHERE {which}", values);
    }
}
