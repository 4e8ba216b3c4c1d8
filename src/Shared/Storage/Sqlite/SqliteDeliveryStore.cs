using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <inheritdoc cref="IDeliveryStore"/>
internal sealed class SqliteDeliveryStore(SqliteDatabase database, TimeProvider time) : IDeliveryStore, IFinishedDeliveries
{
    private const int RemovalSize = 2000;

    /// <inheritdoc/>
    public Task<int> AddAsync(IReadOnlyCollection<NewDelivery> deliveries, CancellationToken cancellationToken) => database.WriteAsync(
        session => deliveries.Sum(delivery => Add(session, delivery)), cancellationToken);

    private static int Add(SqliteSession session, NewDelivery delivery)
    {
        bool isMade = delivery.State == DeliveryState.Waiting;
        SqliteValue messageId = isMade ? delivery.Alert.AlertId : default(SqliteValue);
        return session.Execute(
            """
            INSERT INTO notification_deliveries (
                alert_id, channel, destination_id, user_id, message_id, payload, state, hold, due_at, give_up_at, made_at, created_at, finished_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING
            """,
            delivery.Alert.AlertId, delivery.Channel, delivery.DestinationId, delivery.Alert.UserId, messageId, delivery.Alert.Payload,
            DeliveryNames.Of(delivery.State), DeliveryNames.Of(delivery.Hold), delivery.DueAt, delivery.GiveUpAt, isMade ? delivery.CreatedAt : (DateTime?)null,
            delivery.CreatedAt, delivery.State == DeliveryState.Skipped ? delivery.CreatedAt : (DateTime?)null);
    }

    /// <inheritdoc/>
    public Task<CircuitState?> ClaimChannelAsync(string channel, Guid owner, TimeSpan lease, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            // The clock is read under the write lock: a claim that began before the wait for the lock would end too early.
            DateTime now = time.UtcNowMicroseconds();
            bool isClaimed = session.Execute(
                """
                INSERT INTO notification_channels (channel, owner, claimed_until, updated_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (channel) DO UPDATE SET owner = excluded.owner, claimed_until = excluded.claimed_until, updated_at = excluded.updated_at
                WHERE owner IS NULL OR owner = excluded.owner OR claimed_until <= ?4
                """,
                channel, owner, now + lease, now) == 1;
            return isClaimed
                ? session.Single(
                    "SELECT failures, open_until FROM notification_channels WHERE channel = ?1",
                    static row => new CircuitState(row.GetInt32(0), row.GetTimeOrNull(1)), channel)
                : (CircuitState?)null;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task ReleaseChannelAsync(string channel, Guid owner, CircuitState circuit, string? error, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Execute(
            """
            UPDATE notification_channels SET owner = NULL, claimed_until = NULL, failures = ?3, open_until = ?4,
                error = CASE WHEN ?3 > 0 THEN coalesce(?5, error) END, updated_at = ?6
            WHERE channel = ?1 AND owner = ?2
            """,
            channel, owner, circuit.Failures, circuit.OpenUntil, error, time.UtcNowMicroseconds()),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<HeldGroup>> ReadHeldAsync(string channel, int addresses, int alerts, int recent, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<HeldGroup>>(
            session =>
            {
                DateTime now = time.UtcNowMicroseconds();
                List<Guid> due = session.Query(
                    """
                    SELECT DISTINCT destination_id FROM notification_deliveries
                    WHERE channel = ?1 AND state = 'held' AND due_at <= ?2 AND due_at IS NOT NULL LIMIT ?3
                    """,
                    static row => row.GetGuid(0), channel, now, addresses);
                return [.. due.Select(destination => ReadGroup(session, channel, destination, alerts, recent, now))];
            },
            cancellationToken);

    private static HeldGroup ReadGroup(SqliteSession session, string channel, Guid destination, int alerts, int recent, DateTime now)
    {
        List<HeldDelivery> held = session.Query(
            "SELECT id, alert_id, hold FROM notification_deliveries WHERE channel = ?1 AND destination_id = ?2 AND state = 'held' ORDER BY id LIMIT ?3",
            static row => new HeldDelivery(row.GetInt64(0), row.GetGuid(1), DeliveryNames.ToReason(row.GetStringOrNull(2))),
            channel, destination, alerts);
        List<DateTime> made = recent == 0 ? [] : session.Query(
            """
            SELECT made_at FROM notification_deliveries
            WHERE channel = ?1 AND destination_id = ?2 AND made_at IS NOT NULL AND made_at > ?3 AND members > 0 ORDER BY made_at DESC LIMIT ?4
            """,
            static row => row.GetTime(0), channel, destination, now - TimeSpan.FromMinutes(60), recent);
        return new HeldGroup(destination, ReadDestination(session, destination), held, made);
    }

    private static NotificationDestination? ReadDestination(SqliteSession session, Guid id) => id == Guid.Empty ? null : session.Query(
        "SELECT destination_id, user_id, address, created_at FROM notification_destinations WHERE destination_id = ?1",
        SqliteNotificationDestinationStore.Read, id) is [{ } found] ? found : null;

    /// <inheritdoc/>
    public Task<bool> AssembleAsync(string channel, Guid owner, Assembly assembly, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            DateTime now = time.UtcNowMicroseconds();
            if (session.Number("SELECT count(*) FROM notification_channels WHERE channel = ?1 AND owner = ?2 AND claimed_until > ?3", channel, owner, now) == 0)
            {
                return false;
            }

            foreach (AssembledMessage message in assembly.Messages.Where(message => message.Rows.All(
                row => session.Number("SELECT count(*) FROM notification_deliveries WHERE id = ?1 AND state = 'held'", row) == 1)))
            {
                foreach ((int index, long row) in message.Rows.Index())
                {
                    bool isFirst = index == 0;
                    session.Execute(
                        """
                        UPDATE notification_deliveries
                        SET state = 'waiting', hold = NULL, message_id = ?2, members = ?3, due_at = ?4, give_up_at = ?5, made_at = ?6 WHERE id = ?1
                        """,
                        row, message.MessageId, isFirst ? message.Rows.Count : 0, isFirst ? now : (DateTime?)null,
                        isFirst ? message.GiveUpAt : (DateTime?)null, now);
                }
            }

            // After the messages: what they told of is held no more.
            foreach (PostponedAddress postponed in assembly.Postponed)
            {
                session.Execute(
                    """
                    UPDATE notification_deliveries SET hold = ?3, due_at = ?4
                    WHERE channel = ?1 AND destination_id = ?2 AND state = 'held' AND due_at < ?4
                    """,
                    channel, postponed.DestinationId, DeliveryNames.Of(postponed.Hold), postponed.Until);
            }

            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DueMessage>> ReadDueAsync(string channel, int maximum, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<DueMessage>>(
            session =>
            {
                var heads = session.Query(
                    """
                    SELECT message_id, destination_id, attempts, give_up_at, members, alert_id, payload FROM notification_deliveries
                    WHERE channel = ?1 AND state = 'waiting' AND due_at <= ?2 AND due_at IS NOT NULL ORDER BY due_at, id LIMIT ?3
                    """,
                    static row => (Message: row.GetGuid(0), Destination: row.GetGuid(1), Attempts: row.GetInt32(2), GiveUpAt: row.GetTime(3),
                        Members: row.GetInt32(4), Payload: new DuePayload(row.GetGuid(5), row.GetString(6))),
                    channel, time.UtcNowMicroseconds(), maximum);
                return
                [
                    .. heads.Select(head => new DueMessage(
                        head.Message,
                        head.Destination,
                        ReadDestination(session, head.Destination),
                        head.Members == 1 ? [head.Payload] : ReadMembers(session, channel, head.Message, head.Destination),
                        head.Attempts,
                        head.GiveUpAt)),
                ];
            },
            cancellationToken);

    private static List<DuePayload> ReadMembers(SqliteSession session, string channel, Guid message, Guid destination) => session.Query(
        "SELECT alert_id, payload FROM notification_deliveries WHERE message_id = ?1 AND channel = ?2 AND destination_id = ?3 ORDER BY id",
        static row => new DuePayload(row.GetGuid(0), row.GetString(1)), message, channel, destination);

    /// <inheritdoc/>
    public Task SettleAsync(string channel, IReadOnlyCollection<Settlement> settlements, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            DateTime now = time.UtcNowMicroseconds();
            return settlements.Sum(settlement => session.Execute(
                """
                UPDATE notification_deliveries
                SET state = ?4, attempts = ?5, due_at = CASE WHEN members > 0 THEN ?6 END, finished_at = ?7, error = ?8
                WHERE message_id = ?1 AND channel = ?2 AND destination_id = ?3 AND state = 'waiting'
                """,
                settlement.MessageId, channel, settlement.DestinationId, DeliveryNames.Of(settlement.State), settlement.Attempts, settlement.DueAt,
                settlement.State == DeliveryState.Waiting ? (DateTime?)null : now, settlement.Error));
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<DateTime?> NextDueAsync(string channel, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.Single(
            """
            SELECT min(at) FROM (
                SELECT min(due_at) AS at FROM notification_deliveries WHERE channel = ?1 AND state = 'held' AND due_at IS NOT NULL
                UNION ALL SELECT min(due_at) FROM notification_deliveries WHERE channel = ?1 AND state = 'waiting' AND due_at IS NOT NULL)
            """,
            static row => row.GetTimeOrNull(0), channel),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ChannelCounts>> CountAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<ChannelCounts>>(
        session => session.Query(
            """
            SELECT channel, sum(state IN ('held', 'waiting')), sum(state = 'given_up') FROM notification_deliveries
            WHERE state IN ('held', 'waiting', 'given_up') GROUP BY channel ORDER BY channel
            """,
            static row => new ChannelCounts(row.GetString(0), row.GetInt64(1), row.GetInt64(2))),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRecord>> ListAsync(DeliveryFilter filter, int maximum, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<DeliveryRecord>>(
            session => session.Query(
                $"""
                SELECT {RecordColumns} FROM notification_deliveries
                WHERE (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR channel = ?2) AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR id < ?4)
                ORDER BY id DESC LIMIT ?5
                """,
                ReadRecord,
                filter.UserId, filter.Channel, filter.State is { } state ? DeliveryNames.Of(state) : null, filter.Before, maximum),
            cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRecord>> ReadFinishedAsync((DateTime FinishedAt, long Id) after, int maximum, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<DeliveryRecord>>(
            session => session.Query(
                $"""
                SELECT {RecordColumns} FROM notification_deliveries
                WHERE finished_at IS NOT NULL AND (finished_at, id) > (?1, ?2) ORDER BY finished_at, id LIMIT ?3
                """,
                ReadRecord, after.FinishedAt, after.Id, maximum),
            cancellationToken);

    private const string RecordColumns =
        "id, alert_id, message_id, channel, destination_id, user_id, state, hold, attempts, due_at, created_at, finished_at, error";

    private static DeliveryRecord ReadRecord(SqliteRow row) => new(
        row.GetInt64(0), row.GetGuid(1), row.IsNull(2) ? null : row.GetGuid(2), row.GetString(3), row.GetGuid(4), row.GetInt64(5),
        DeliveryNames.ToState(row.GetString(6)), DeliveryNames.ToReason(row.GetStringOrNull(7)), row.GetInt32(8), row.GetTimeOrNull(9),
        row.GetTime(10), row.GetTimeOrNull(11), row.GetStringOrNull(12));

    /// <inheritdoc/>
    public Task<int> SendAgainAsync(IReadOnlyCollection<long> rows, DateTime giveUpAt, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            DateTime now = time.UtcNowMicroseconds();
            int messages = 0;
            foreach (long row in rows)
            {
                List<(Guid Message, string Channel, Guid Destination)> found = session.Query(
                    "SELECT message_id, channel, destination_id FROM notification_deliveries WHERE id = ?1 AND message_id IS NOT NULL",
                    static row => (row.GetGuid(0), row.GetString(1), row.GetGuid(2)), row);
                foreach ((Guid message, string channel, Guid destination) in found)
                {
                    session.Execute(
                        """
                        UPDATE notification_deliveries
                        SET state = 'waiting', due_at = CASE WHEN members > 0 THEN ?4 END, give_up_at = CASE WHEN members > 0 THEN ?5 END,
                            finished_at = NULL, error = NULL
                        WHERE message_id = ?1 AND channel = ?2 AND destination_id = ?3
                        """,
                        message, channel, destination, now, giveUpAt);
                    messages++;
                }
            }

            return messages;
        },
        cancellationToken);

    /// <inheritdoc/>
    public async Task<int> RemoveFinishedAsync(DateTime before, CancellationToken cancellationToken)
    {
        int total = 0;
        int removed;
        do
        {
            removed = await database.WriteAsync(
                session => session.Execute(
                    "DELETE FROM notification_deliveries WHERE id IN (SELECT id FROM notification_deliveries WHERE finished_at < ?1 LIMIT ?2)",
                    before, RemovalSize),
                cancellationToken);
            total += removed;
        }
        while (removed == RemovalSize);

        return total;
    }
}
