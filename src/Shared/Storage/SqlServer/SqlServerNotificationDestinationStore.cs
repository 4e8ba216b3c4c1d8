using System.Data.Common;
using Dapper;
using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="INotificationDestinationStore"/>
internal sealed class SqlServerNotificationDestinationStore(SqlServerDatabase database) : INotificationDestinationStore
{
    // What the two statements below begin with: of those that change addresses of one user, one works at a time, and an erasure that begins meanwhile waits.
    private const string BeginSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @others INT, @isErased INT, @isGone INT;
        BEGIN TRANSACTION;
        SELECT @others = COUNT(*) FROM removed_destinations WITH (UPDLOCK, HOLDLOCK) WHERE user_id = @userId;
        SELECT @isErased = COUNT(*) FROM erased_users WITH (HOLDLOCK) WHERE user_id = @userId AND accepted_at >= @at;
        """;

    // The last condition of the insert: an id that belongs to another user is left to that user.
    internal const string PutSql =
        $"""
        {BeginSql}
        IF @isErased = 0
        BEGIN
            INSERT INTO removed_destinations (user_id, destination_key, digest, accepted_at)
            SELECT d.user_id, d.destination_key, d.digest, d.created_at FROM notification_destinations d
            WHERE d.user_id = @userId AND d.type = @type AND d.digest = @digest
                AND (d.created_at < @at OR (d.created_at = @at AND d.destination_key < @key))
                AND NOT EXISTS (SELECT 1 FROM removed_destinations r WHERE r.user_id = d.user_id AND r.destination_key = d.destination_key);
            DELETE FROM notification_destinations WHERE user_id = @userId AND type = @type AND digest = @digest
                AND (created_at < @at OR (created_at = @at AND destination_key < @key));
            SELECT @isGone =
                (SELECT COUNT(*) FROM removed_destinations WHERE user_id = @userId
                    AND (destination_key = @key OR (digest = @digest AND (accepted_at > @at OR (accepted_at = @at AND destination_key > @key)))))
                + (SELECT COUNT(*) FROM notification_destinations WHERE user_id = @userId AND type = @type AND digest = @digest
                    AND destination_key <> @key);
            IF @isGone > 0
            BEGIN
                UPDATE removed_destinations SET digest = @digest, accepted_at = @at WHERE user_id = @userId AND destination_key = @key;
                INSERT INTO removed_destinations (user_id, destination_key, digest, accepted_at)
                SELECT @userId, @key, @digest, @at
                WHERE NOT EXISTS (SELECT 1 FROM removed_destinations WHERE user_id = @userId AND destination_key = @key);
            END
            ELSE
            BEGIN
                INSERT INTO notification_destinations (destination_key, user_id, type, address, digest, created_at)
                SELECT @key, @userId, @type, @address, @digest, @at
                WHERE NOT EXISTS (SELECT 1 FROM notification_destinations WHERE destination_key = @key);
                INSERT INTO removed_destinations (user_id, destination_key, digest, accepted_at)
                SELECT d.user_id, d.destination_key, d.digest, d.created_at FROM notification_destinations d
                WHERE d.user_id = @userId AND d.destination_key IN (
                    SELECT destination_key FROM notification_destinations WHERE user_id = @userId
                    ORDER BY created_at DESC, destination_key DESC OFFSET @most ROWS)
                    AND NOT EXISTS (SELECT 1 FROM removed_destinations r WHERE r.user_id = d.user_id AND r.destination_key = d.destination_key);
                DELETE FROM notification_destinations WHERE user_id = @userId AND destination_key IN (
                    SELECT destination_key FROM notification_destinations WHERE user_id = @userId
                    ORDER BY created_at DESC, destination_key DESC OFFSET @most ROWS);
            END;
        END;
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
                at = destination.CreatedAt,
                most = INotificationDestinationStore.MostOfUser,
            },
            cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string TakeBackSql =
        $"""
        {BeginSql}
        IF @isErased = 0
        BEGIN
            INSERT INTO removed_destinations (user_id, destination_key, digest, accepted_at)
            SELECT @userId, @key, d.digest, COALESCE(d.created_at, @at)
            FROM (SELECT @key AS destination_key) k
            LEFT JOIN notification_destinations d ON d.destination_key = k.destination_key AND d.user_id = @userId
            WHERE NOT EXISTS (SELECT 1 FROM removed_destinations r WHERE r.user_id = @userId AND r.destination_key = @key);
            DELETE FROM notification_destinations WHERE destination_key = @key AND user_id = @userId;
        END;
        COMMIT TRANSACTION;
        """;

    /// <inheritdoc/>
    public Task TakeBackAsync(long userId, Guid id, DateTime acceptedAt, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            TakeBackSql, new { key = SqlServerTables.Key(id), userId, at = acceptedAt }, cancellationToken: cancellationToken)),
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
