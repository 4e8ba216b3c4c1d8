using System.Data.Common;
using Dapper;
using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="INotificationDestinationStore"/>
internal sealed class SqlServerNotificationDestinationStore(SqlServerDatabase database) : INotificationDestinationStore
{
    // The last condition of the insert: an id that belongs to another user is left to that user.
    internal const string PutSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        DELETE FROM notification_destinations WITH (HOLDLOCK) WHERE user_id = @userId AND type = @type AND digest = @digest;
        DELETE FROM notification_destinations WHERE destination_key = @key AND user_id = @userId;
        DELETE FROM notification_destinations WHERE destination_key IN (
            SELECT destination_key FROM notification_destinations WHERE user_id = @userId
            ORDER BY created_at DESC, destination_key DESC OFFSET @most ROWS);
        INSERT INTO notification_destinations (destination_key, user_id, type, address, digest, created_at)
        SELECT @key, @userId, @type, @address, @digest, @createdAt
        WHERE NOT EXISTS (SELECT 1 FROM notification_destinations WHERE destination_key = @key);
        COMMIT TRANSACTION;
        """;

    /// <inheritdoc/>
    public Task PutAsync(NotificationDestination destination, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            PutSql,
            new
            {
                key = SqlServerTables.Key(destination.Id),
                userId = destination.UserId,
                type = DestinationFields.TypeOf(destination),
                address = DestinationFields.ToJson(destination),
                digest = DestinationFields.DigestOf(destination),
                createdAt = destination.CreatedAt,
                most = INotificationDestinationStore.MostOfUser - 1,
            },
            cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string RemoveSql = "DELETE FROM notification_destinations WHERE destination_key = @key AND user_id = @userId";

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(long userId, Guid id, CancellationToken cancellationToken) => database.RunAsync(
        async connection => await connection.ExecuteAsync(
            new CommandDefinition(RemoveSql, new { key = SqlServerTables.Key(id), userId }, cancellationToken: cancellationToken)) == 1,
        cancellationToken);

    internal const string ListSql =
        """
        SELECT d.destination_key, d.user_id, d.address, d.created_at
        FROM (SELECT DISTINCT CAST(value AS BIGINT) AS user_id FROM OPENJSON(@users)) u JOIN notification_destinations d ON d.user_id = u.user_id
        ORDER BY d.user_id, d.created_at, d.destination_key
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<NotificationDestination>> ListAsync(IReadOnlyCollection<long> userIds, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<NotificationDestination>>(
            async connection =>
            {
                await using DbDataReader reader = await connection.ExecuteReaderAsync(
                    new CommandDefinition(ListSql, new { users = $"[{string.Join(',', userIds)}]" }, cancellationToken: cancellationToken));
                return [.. (await SqlServerRows.ReadAsync(reader, Read, cancellationToken)).OfType<NotificationDestination>()];
            },
            cancellationToken);

    /// <summary>Reads key, user, address and time; null: the address can't be used on this machine.</summary>
    internal static NotificationDestination? Read(DbDataReader row) => DestinationFields.FromJson(
        row.GetString(2), SqlServerRows.Id(row, 0), row.GetInt64(1), SqlServerRows.Time(row, 3)!.Value);
}
