using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="INotificationDestinationStore"/>
internal sealed class SqliteNotificationDestinationStore(SqliteDatabase database) : INotificationDestinationStore
{
    /// <inheritdoc/>
    public Task PutAsync(NotificationDestination destination, CancellationToken cancellationToken) =>
        database.WriteAsync(session => Put(session, destination), cancellationToken);

    /// <summary>Writes an address in a transaction of the caller's.</summary>
    internal static int Put(SqliteSession session, NotificationDestination destination)
    {
        session.Execute(
            "DELETE FROM notification_destinations WHERE user_id = ?1 AND type = ?2 AND digest = ?3",
            destination.UserId, DestinationFields.TypeOf(destination), DestinationFields.DigestOf(destination));
        session.Execute("DELETE FROM notification_destinations WHERE destination_id = ?1 AND user_id = ?2", destination.Id, destination.UserId);
        session.Execute(
            """
            DELETE FROM notification_destinations WHERE destination_id IN (
                SELECT destination_id FROM notification_destinations WHERE user_id = ?1 ORDER BY created_at DESC, destination_id DESC LIMIT -1 OFFSET ?2)
            """,
            destination.UserId, INotificationDestinationStore.MostOfUser - 1);
        return session.Execute(
            """
            INSERT INTO notification_destinations (destination_id, user_id, type, address, digest, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO NOTHING
            """,
            destination.Id, destination.UserId, DestinationFields.TypeOf(destination), DestinationFields.ToJson(destination),
            DestinationFields.DigestOf(destination), destination.CreatedAt);
    }

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
}
