using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Dapper;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IDeliveryStore"/>
/// <remarks>
/// Rows are handed over as JSON: some dozens at a time, and a notifier's role needs no right to a type. Keys are hexadecimal digits in it, and times are text
/// with six decimals.
/// </remarks>
internal sealed class SqlServerDeliveryStore(SqlServerDatabase database, TimeProvider time) : IDeliveryStore
{
    private const int RemovalSize = 2000;

    // The constraint decides about a row that another process writes at the same moment: the statement is then undone and repeated. Rows are inserted in the
    // order of the constraint's key.
    internal const string AddSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @added INT;
        INSERT INTO notification_deliveries (
            alert_key, channel, destination_key, user_id, message_key, payload, state, hold, due_at, give_up_at, made_at, created_at, finished_at)
        SELECT CONVERT(BINARY(16), n.alert_key, 2), n.channel, CONVERT(BINARY(16), n.destination_key, 2), n.user_id,
            CASE WHEN n.state = 'waiting' THEN CONVERT(BINARY(16), n.alert_key, 2) END, n.payload, n.state, n.hold, n.due_at, n.give_up_at,
            CASE WHEN n.state = 'waiting' THEN n.created_at END, n.created_at, CASE WHEN n.state = 'skipped' THEN n.created_at END
        FROM OPENJSON(@rows) WITH (
            alert_key CHAR(32), channel NVARCHAR(40), destination_key CHAR(32), user_id BIGINT, payload NVARCHAR(MAX), state VARCHAR(16), hold VARCHAR(16),
            due_at DATETIME2(6), give_up_at DATETIME2(6), created_at DATETIME2(6)) n
        WHERE NOT EXISTS (
            SELECT 1 FROM notification_deliveries d
            WHERE d.alert_key = CONVERT(BINARY(16), n.alert_key, 2) AND d.channel = n.channel COLLATE Latin1_General_BIN2
                AND d.destination_key = CONVERT(BINARY(16), n.destination_key, 2))
        ORDER BY n.alert_key, n.channel, n.destination_key;
        SET @added = @@ROWCOUNT;
        SELECT @added;
        """;

    /// <inheritdoc/>
    public Task<int> AddAsync(IReadOnlyCollection<NewDelivery> deliveries, CancellationToken cancellationToken)
    {
        string rows = Rows(deliveries.DistinctBy(row => (row.Alert.AlertId, row.Channel, row.DestinationId)), (json, row) =>
        {
            json.WriteString("alert_key", Hex(row.Alert.AlertId));
            json.WriteString("channel", row.Channel);
            json.WriteString("destination_key", Hex(row.DestinationId));
            json.WriteNumber("user_id", row.Alert.UserId);
            json.WriteString("payload", row.Alert.Payload);
            json.WriteString("state", DeliveryNames.Of(row.State));
            json.WriteString("hold", DeliveryNames.Of(row.Hold));
            json.WriteString("due_at", Text(row.DueAt));
            json.WriteString("give_up_at", Text(row.GiveUpAt));
            json.WriteString("created_at", Text(row.CreatedAt));
        });
        return database.RunAsync(
            connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(AddSql, new { rows }, cancellationToken: cancellationToken)),
            cancellationToken);
    }

    internal const string ClaimSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        IF NOT EXISTS (SELECT 1 FROM notification_channels WITH (UPDLOCK, HOLDLOCK) WHERE channel = @channel)
            INSERT INTO notification_channels (channel, updated_at) VALUES (@channel, @now);
        UPDATE notification_channels SET owner = @owner, claimed_until = @until, updated_at = @now
        OUTPUT inserted.failures, inserted.open_until
        WHERE channel = @channel AND (owner IS NULL OR owner = @owner OR claimed_until <= @now);
        COMMIT TRANSACTION;
        """;

    /// <inheritdoc/>
    public Task<CircuitState?> ClaimChannelAsync(string channel, Guid owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        return database.RunAsync(
            async connection =>
            {
                var claimed = (await connection.QueryAsync<(int Failures, DateTime? OpenUntil)>(new CommandDefinition(
                    ClaimSql, new { channel, owner, until = now + lease, now }, cancellationToken: cancellationToken))).AsList();
                return claimed.Count == 0 ? (CircuitState?)null : new CircuitState(claimed[0].Failures, Utc(claimed[0].OpenUntil));
            },
            cancellationToken);
    }

    internal const string ReleaseSql =
        """
        UPDATE notification_channels
        SET owner = NULL, claimed_until = NULL, failures = @failures, open_until = @openUntil,
            error = CASE WHEN @failures > 0 THEN COALESCE(@error, error) END, updated_at = @now
        WHERE channel = @channel AND owner = @owner
        """;

    /// <inheritdoc/>
    public Task ReleaseChannelAsync(string channel, Guid owner, CircuitState circuit, string? error, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            ReleaseSql,
            new { channel, owner, failures = circuit.Failures, openUntil = circuit.OpenUntil, error = Cut(error), now = time.UtcNowMicroseconds() },
            cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string HeldAddressesSql =
        """
        SELECT DISTINCT TOP (@addresses) destination_key FROM notification_deliveries
        WHERE channel = @channel AND state = 'held' AND due_at <= @now AND due_at IS NOT NULL
        """;

    internal const string HeldSql =
        """
        SELECT TOP (@alerts) id, alert_key, hold FROM notification_deliveries
        WHERE channel = @channel AND destination_key = @destination AND state = 'held' ORDER BY id;

        SELECT TOP (@recent) made_at FROM notification_deliveries
        WHERE channel = @channel AND destination_key = @destination AND made_at IS NOT NULL AND made_at > @after AND members > 0 ORDER BY made_at DESC;

        SELECT destination_key, user_id, address, created_at FROM notification_destinations WHERE destination_key = @destination;
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<HeldGroup>> ReadHeldAsync(string channel, int addresses, int alerts, int recent, CancellationToken cancellationToken)
    {
        DateTime now = time.UtcNowMicroseconds();
        return database.RunAsync<IReadOnlyList<HeldGroup>>(
            async connection =>
            {
                var groups = new List<HeldGroup>();
                foreach (byte[] destination in (await connection.QueryAsync<byte[]>(new CommandDefinition(
                    HeldAddressesSql, new { channel, addresses, now }, cancellationToken: cancellationToken))).AsList())
                {
                    groups.Add(await ReadGroupAsync(connection, channel, destination, alerts, recent, now, cancellationToken));
                }

                return groups;
            },
            cancellationToken);
    }

    private static async Task<HeldGroup> ReadGroupAsync(
        SqlConnection connection, string channel, byte[] destination, int alerts, int recent, DateTime now, CancellationToken cancellationToken)
    {
        await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(
            HeldSql, new { channel, destination, alerts, recent, after = now - TimeSpan.FromMinutes(60) }, cancellationToken: cancellationToken));
        List<HeldDelivery> held = await SqlServerRows.ReadAsync(
            reader,
            static row => new HeldDelivery(row.GetInt64(0), SqlServerRows.Id(row, 1), DeliveryNames.ToReason(SqlServerRows.Text(row, 2))),
            cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        List<DateTime> made = await SqlServerRows.ReadAsync(reader, static row => SqlServerRows.Time(row, 0)!.Value, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        List<NotificationDestination?> own = await SqlServerRows.ReadAsync(reader, SqlServerNotificationDestinationStore.Read, cancellationToken);
        return new HeldGroup(SqlServerRows.Id(destination), own is [{ } found] ? found : null, held, made);
    }

    // The claim is looked at under a lock that another process's claim would have to wait for. A message is made only if each of its alerts is still held.
    internal const string AssembleSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        IF NOT EXISTS (
            SELECT 1 FROM notification_channels WITH (UPDLOCK) WHERE channel = @channel AND owner = @owner AND claimed_until > @now)
        BEGIN
            COMMIT TRANSACTION;
            SELECT 0;
            RETURN;
        END;

        DECLARE @made TABLE (
            id BIGINT NOT NULL PRIMARY KEY, message_key BINARY(16) NOT NULL, first_id BIGINT NOT NULL, members INT NOT NULL,
            give_up_at DATETIME2(6) NOT NULL);
        INSERT INTO @made (id, message_key, first_id, members, give_up_at)
        SELECT m.id, CONVERT(BINARY(16), m.message_key, 2), m.first_id, m.members, m.give_up_at
        FROM OPENJSON(@messages) WITH (id BIGINT, message_key CHAR(32), first_id BIGINT, members INT, give_up_at DATETIME2(6)) m;

        DELETE r FROM @made r
        WHERE EXISTS (
            SELECT 1 FROM @made o LEFT JOIN notification_deliveries d ON d.id = o.id AND d.state = 'held'
            WHERE o.first_id = r.first_id AND d.id IS NULL);

        UPDATE d SET state = 'waiting', hold = NULL, message_key = r.message_key, members = CASE WHEN r.id = r.first_id THEN r.members ELSE 0 END,
            due_at = CASE WHEN r.id = r.first_id THEN @now END, give_up_at = CASE WHEN r.id = r.first_id THEN r.give_up_at END, made_at = @now
        FROM @made r JOIN notification_deliveries d ON d.id = r.id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        UPDATE d SET hold = p.hold, due_at = p.until
        FROM OPENJSON(@postponed) WITH (destination_key CHAR(32), hold VARCHAR(16), until DATETIME2(6)) p JOIN notification_deliveries d
            ON d.channel = @channel AND d.destination_key = CONVERT(BINARY(16), p.destination_key, 2) AND d.state = 'held'
        WHERE d.due_at < p.until
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        COMMIT TRANSACTION;
        SELECT 1;
        """;

    /// <inheritdoc/>
    public Task<bool> AssembleAsync(string channel, Guid owner, Assembly assembly, CancellationToken cancellationToken)
    {
        string postponed = Rows(assembly.Postponed, (json, row) =>
        {
            json.WriteString("destination_key", Hex(row.DestinationId));
            json.WriteString("hold", DeliveryNames.Of(row.Hold));
            json.WriteString("until", Text(row.Until));
        });
        string messages = Rows(assembly.Messages.SelectMany(message => message.Rows.Select(row => (message, row))), (json, item) =>
        {
            json.WriteNumber("id", item.row);
            json.WriteString("message_key", Hex(item.message.MessageId));
            json.WriteNumber("first_id", item.message.Rows[0]);
            json.WriteNumber("members", item.message.Rows.Count);
            json.WriteString("give_up_at", Text(item.message.GiveUpAt));
        });
        return database.RunAsync(
            async connection => await connection.ExecuteScalarAsync<int>(new CommandDefinition(
                AssembleSql, new { channel, owner, postponed, messages, now = time.UtcNowMicroseconds() }, cancellationToken: cancellationToken)) == 1,
            cancellationToken);
    }

    internal const string DueSql =
        """
        SELECT TOP (@maximum) d.message_key, d.destination_key, d.attempts, d.give_up_at, d.members, d.alert_key, d.payload,
            o.destination_key AS own_key, o.user_id, o.address, o.created_at
        FROM notification_deliveries d LEFT JOIN notification_destinations o ON o.destination_key = d.destination_key
        WHERE d.channel = @channel AND d.state = 'waiting' AND d.due_at <= @now AND d.due_at IS NOT NULL
        ORDER BY d.due_at, d.id
        """;

    internal const string MembersSql =
        """
        SELECT alert_key, payload FROM notification_deliveries
        WHERE message_key = @message AND channel = @channel AND destination_key = @destination ORDER BY id
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<DueMessage>> ReadDueAsync(string channel, int maximum, CancellationToken cancellationToken) =>
        database.RunAsync<IReadOnlyList<DueMessage>>(
            async connection =>
            {
                List<(DueMessage Message, int Members)> heads;
                await using (DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(
                    DueSql, new { channel, maximum, now = time.UtcNowMicroseconds() }, cancellationToken: cancellationToken)))
                {
                    heads = await SqlServerRows.ReadAsync(reader, ReadHead, cancellationToken);
                }

                var messages = new List<DueMessage>(heads.Count);
                foreach ((DueMessage message, int members) in heads)
                {
                    messages.Add(members == 1 ? message : message with { Payloads = await ReadMembersAsync(connection, channel, message, cancellationToken) });
                }

                return messages;
            },
            cancellationToken);

    private static (DueMessage Message, int Members) ReadHead(DbDataReader row)
    {
        NotificationDestination? own = row.IsDBNull(7) ? null : DestinationFields.FromJson(
            row.GetString(9), SqlServerRows.Id(row, 7), row.GetInt64(8), SqlServerRows.Time(row, 10)!.Value);
        var payload = new DuePayload(SqlServerRows.Id(row, 5), row.GetString(6));
        return (
            new DueMessage(SqlServerRows.Id(row, 0), SqlServerRows.Id(row, 1), own, [payload], row.GetInt32(2), SqlServerRows.Time(row, 3)!.Value),
            row.GetInt32(4));
    }

    private static async Task<List<DuePayload>> ReadMembersAsync(
        SqlConnection connection, string channel, DueMessage message, CancellationToken cancellationToken)
    {
        await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(
            MembersSql,
            new { channel, message = SqlServerTables.Key(message.MessageId), destination = SqlServerTables.Key(message.DestinationId) },
            cancellationToken: cancellationToken));
        return await SqlServerRows.ReadAsync(reader, static row => new DuePayload(SqlServerRows.Id(row, 0), row.GetString(1)), cancellationToken);
    }

    internal const string SettleSql =
        """
        UPDATE d SET state = s.state, attempts = s.attempts, due_at = CASE WHEN d.members > 0 THEN s.due_at END,
            finished_at = CASE WHEN s.state <> 'waiting' THEN @now END, error = s.error
        FROM OPENJSON(@rows) WITH (
            message_key CHAR(32), destination_key CHAR(32), state VARCHAR(16), attempts INT, due_at DATETIME2(6), error NVARCHAR(1000)) s
        JOIN notification_deliveries d
            ON d.message_key = CONVERT(BINARY(16), s.message_key, 2) AND d.channel = @channel AND d.destination_key = CONVERT(BINARY(16), s.destination_key, 2)
        WHERE d.state = 'waiting'
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
        """;

    /// <inheritdoc/>
    public Task SettleAsync(string channel, IReadOnlyCollection<Settlement> settlements, CancellationToken cancellationToken)
    {
        string rows = Rows(settlements, (json, row) =>
        {
            json.WriteString("message_key", Hex(row.MessageId));
            json.WriteString("destination_key", Hex(row.DestinationId));
            json.WriteString("state", DeliveryNames.Of(row.State));
            json.WriteNumber("attempts", row.Attempts);
            json.WriteString("due_at", Text(row.DueAt));
            json.WriteString("error", Cut(row.Error));
        });
        return database.RunAsync(
            connection => connection.ExecuteAsync(
                new CommandDefinition(SettleSql, new { rows, channel, now = time.UtcNowMicroseconds() }, cancellationToken: cancellationToken)),
            cancellationToken);
    }

    internal const string NextDueSql =
        """
        SELECT MIN(at) FROM (
            SELECT MIN(due_at) AS at FROM notification_deliveries WHERE channel = @channel AND state = 'held' AND due_at IS NOT NULL
            UNION ALL SELECT MIN(due_at) FROM notification_deliveries WHERE channel = @channel AND state = 'waiting' AND due_at IS NOT NULL) next
        """;

    /// <inheritdoc/>
    public Task<DateTime?> NextDueAsync(string channel, CancellationToken cancellationToken) => database.RunAsync(
        async connection => Utc(await connection.ExecuteScalarAsync<DateTime?>(
            new CommandDefinition(NextDueSql, new { channel }, cancellationToken: cancellationToken))),
        cancellationToken);

    internal const string CountSql =
        """
        SELECT channel, SUM(CASE WHEN state = 'given_up' THEN CAST(0 AS BIGINT) ELSE 1 END), SUM(CASE WHEN state = 'given_up' THEN CAST(1 AS BIGINT) ELSE 0 END)
        FROM notification_deliveries WHERE state IN ('held', 'waiting', 'given_up') GROUP BY channel ORDER BY channel
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<ChannelCounts>> CountAsync(CancellationToken cancellationToken) => database.RunAsync<IReadOnlyList<ChannelCounts>>(
        async connection =>
        [
            .. (await connection.QueryAsync<(string Channel, long Open, long GivenUp)>(new CommandDefinition(CountSql, cancellationToken: cancellationToken)))
                .Select(row => new ChannelCounts(row.Channel, row.Open, row.GivenUp)),
        ],
        cancellationToken);

    internal const string ListSql =
        """
        SELECT TOP (@maximum) id, alert_key, message_key, channel, destination_key, user_id, state, hold, attempts, due_at, created_at, finished_at, error
        FROM notification_deliveries
        WHERE (@userId IS NULL OR user_id = @userId) AND (@channel IS NULL OR channel = @channel) AND (@state IS NULL OR state = @state)
            AND (@before IS NULL OR id < @before)
        ORDER BY id DESC
        OPTION (RECOMPILE)
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRecord>> ListAsync(DeliveryFilter filter, int maximum, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<DeliveryRecord>>(
            async connection =>
            {
                await using DbDataReader reader = await connection.ExecuteReaderAsync(new CommandDefinition(
                    ListSql,
                    new
                    {
                        maximum,
                        userId = filter.UserId,
                        channel = filter.Channel,
                        state = filter.State is { } state ? DeliveryNames.Of(state) : null,
                        before = filter.Before,
                    },
                    cancellationToken: cancellationToken));
                return await SqlServerRows.ReadAsync(reader, ReadRecord, cancellationToken);
            },
            cancellationToken);

    private static DeliveryRecord ReadRecord(DbDataReader row) => new(
        row.GetInt64(0), SqlServerRows.Id(row, 1), row.IsDBNull(2) ? null : SqlServerRows.Id(row, 2), row.GetString(3), SqlServerRows.Id(row, 4),
        row.GetInt64(5),
        DeliveryNames.ToState(row.GetString(6)), DeliveryNames.ToReason(SqlServerRows.Text(row, 7)), row.GetInt32(8), SqlServerRows.Time(row, 9),
        SqlServerRows.Time(row, 10)!.Value, SqlServerRows.Time(row, 11), SqlServerRows.Text(row, 12));

    internal const string SendAgainSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @messages TABLE (
            message_key BINARY(16) NOT NULL, channel NVARCHAR(40) COLLATE Latin1_General_BIN2 NOT NULL, destination_key BINARY(16) NOT NULL,
            PRIMARY KEY (message_key, channel, destination_key));
        INSERT INTO @messages (message_key, channel, destination_key)
        SELECT DISTINCT d.message_key, d.channel, d.destination_key
        FROM OPENJSON(@rows) WITH (id BIGINT) r JOIN notification_deliveries d ON d.id = r.id
        WHERE d.message_key IS NOT NULL;
        DECLARE @count INT = @@ROWCOUNT;

        UPDATE d SET state = 'waiting', due_at = CASE WHEN d.members > 0 THEN @now END, give_up_at = CASE WHEN d.members > 0 THEN @giveUpAt END,
            finished_at = NULL, error = NULL
        FROM @messages m JOIN notification_deliveries d
            ON d.message_key = m.message_key AND d.channel = m.channel AND d.destination_key = m.destination_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT @count;
        """;

    /// <inheritdoc/>
    public Task<int> SendAgainAsync(IReadOnlyCollection<long> rows, DateTime giveUpAt, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(
            SendAgainSql,
            new { rows = Rows(rows, (json, row) => json.WriteNumber("id", row)), giveUpAt, now = time.UtcNowMicroseconds() },
            cancellationToken: cancellationToken)),
        cancellationToken);

    internal const string RemoveFinishedSql = "DELETE TOP (@size) FROM notification_deliveries WHERE finished_at < @before";

    /// <inheritdoc/>
    public async Task<int> RemoveFinishedAsync(DateTime before, CancellationToken cancellationToken)
    {
        int total = 0;
        int removed;
        do
        {
            removed = await database.RunAsync(
                connection => connection.ExecuteAsync(
                    new CommandDefinition(RemoveFinishedSql, new { before, size = RemovalSize }, cancellationToken: cancellationToken)),
                cancellationToken);
            total += removed;
        }
        while (removed == RemovalSize);

        return total;
    }

    private static string Rows<T>(IEnumerable<T> rows, Action<Utf8JsonWriter, T> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartArray();
            foreach (T row in rows)
            {
                json.WriteStartObject();
                write(json, row);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string Hex(Guid id) => Convert.ToHexString(SqlServerTables.Key(id));

    private static string? Text(DateTime? instant) => instant?.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    private static string? Cut(string? text) => text is { Length: > 1000 } ? text[..1000] : text;

    private static DateTime? Utc(DateTime? instant) => instant is { } value ? DateTime.SpecifyKind(value, DateTimeKind.Utc) : null;
}
