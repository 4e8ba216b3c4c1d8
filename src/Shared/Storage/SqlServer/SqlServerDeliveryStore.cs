using System.Data.Common;
using Dapper;
using FinanceIngest.Alerts;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;
using static FinanceIngest.Storage.SqlServer.SqlServerDeliveryStatements;

namespace FinanceIngest.Storage.SqlServer;

/// <inheritdoc cref="IDeliveryStore"/>
internal sealed class SqlServerDeliveryStore(SqlServerDatabase database, TimeProvider time) : IDeliveryStore, IFinishedDeliveries
{
    private const int RemovalSize = 2000;

    private static readonly SizedSql s_add = new(AddSql);

    /// <inheritdoc/>
    public Task<int> AddAsync(IReadOnlyCollection<NewDelivery> deliveries, CancellationToken cancellationToken)
    {
        var parameters = new DeliveryParameters();
        string rows = DeliveryParameters.Rows(deliveries.DistinctBy(row => (row.Alert.AlertId, row.Channel, row.DestinationId)).Index(), (json, item) =>
        {
            (int ordinal, NewDelivery row) = item;
            json.WriteNumber("ordinal", ordinal);
            json.WriteNumber("alert_at", parameters.At(row.Alert.AlertId));
            json.WriteString("channel", row.Channel);
            json.WriteNumber("destination_at", parameters.At(row.DestinationId));
            json.WriteNumber("user_id", row.Alert.UserId);
            json.WriteString("state", DeliveryNames.Of(row.State));
            json.WriteString("hold", DeliveryNames.Of(row.Hold));
            json.WriteString("due_at", DeliveryParameters.Text(row.DueAt));
            json.WriteString("give_up_at", DeliveryParameters.Text(row.GiveUpAt));
            json.WriteString("created_at", DeliveryParameters.Text(row.CreatedAt));
        });
        return database.RunAsync(
            connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(
                s_add.For(deliveries.Count), new { rows, keys = parameters.Keys, alerts = SqlServerTables.Alerts(deliveries.Select(Alert)) },
                cancellationToken: cancellationToken)),
            cancellationToken);
    }

    private static NewAlert Alert(NewDelivery row) =>
        new(row.Alert.AlertId, row.Alert.TransactionId ?? Guid.Empty, row.Alert.Payload, row.Alert.TraceParent, row.CreatedAt);

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

    /// <inheritdoc/>
    public Task ReleaseChannelAsync(string channel, Guid owner, CircuitState circuit, string? error, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            ReleaseSql,
            new { channel, owner, failures = circuit.Failures, openUntil = circuit.OpenUntil, error = Cut(error), now = time.UtcNowMicroseconds() },
            cancellationToken: cancellationToken)),
        cancellationToken);

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

    /// <inheritdoc/>
    public Task<bool> AssembleAsync(string channel, Guid owner, Assembly assembly, CancellationToken cancellationToken)
    {
        var parameters = new DeliveryParameters();
        string postponed = DeliveryParameters.Rows(assembly.Postponed, (json, row) =>
        {
            json.WriteNumber("destination_at", parameters.At(row.DestinationId));
            json.WriteString("hold", DeliveryNames.Of(row.Hold));
            json.WriteString("until", DeliveryParameters.Text(row.Until));
        });
        string messages = DeliveryParameters.Rows(assembly.Messages.SelectMany(message => message.Rows.Select(row => (message, row))), (json, item) =>
        {
            json.WriteNumber("id", item.row);
            json.WriteNumber("message_at", parameters.At(item.message.MessageId));
            json.WriteNumber("first_id", item.message.Rows[0]);
            json.WriteNumber("members", item.message.Rows.Count);
            json.WriteString("give_up_at", DeliveryParameters.Text(item.message.GiveUpAt));
        });
        return database.RunAsync(
            async connection => await connection.ExecuteScalarAsync<int>(new CommandDefinition(
                AssembleSql, new { channel, owner, postponed, messages, keys = parameters.Keys, now = time.UtcNowMicroseconds() },
                cancellationToken: cancellationToken)) == 1,
            cancellationToken);
    }

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

    /// <inheritdoc/>
    public Task SettleAsync(string channel, IReadOnlyCollection<Settlement> settlements, CancellationToken cancellationToken)
    {
        var parameters = new DeliveryParameters();
        string rows = DeliveryParameters.Rows(settlements, (json, row) =>
        {
            json.WriteNumber("message_at", parameters.At(row.MessageId));
            json.WriteNumber("destination_at", parameters.At(row.DestinationId));
            json.WriteString("state", DeliveryNames.Of(row.State));
            json.WriteNumber("attempts", row.Attempts);
            json.WriteString("due_at", DeliveryParameters.Text(row.DueAt));
            json.WriteString("error", Cut(row.Error));
        });
        return database.RunAsync(
            connection => connection.ExecuteAsync(new CommandDefinition(
                SettleSql, new { rows, keys = parameters.Keys, channel, now = time.UtcNowMicroseconds() }, cancellationToken: cancellationToken)),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<DateTime?> NextDueAsync(string channel, CancellationToken cancellationToken) => database.RunAsync(
        async connection => Utc(await connection.ExecuteScalarAsync<DateTime?>(
            new CommandDefinition(NextDueSql, new { channel }, cancellationToken: cancellationToken))),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ChannelCounts>> CountAsync(CancellationToken cancellationToken) => database.RunAsync<IReadOnlyList<ChannelCounts>>(
        async connection =>
        [
            .. (await connection.QueryAsync<(string Channel, long Open, long GivenUp)>(new CommandDefinition(CountSql, cancellationToken: cancellationToken)))
                .Select(row => new ChannelCounts(row.Channel, row.Open, row.GivenUp)),
        ],
        cancellationToken);

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

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRecord>> ReadFinishedAsync((DateTime FinishedAt, long Id) after, int maximum, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<DeliveryRecord>>(
            async connection =>
            {
                await using DbDataReader reader = await connection.ExecuteReaderAsync(
                    new CommandDefinition(FinishedSql, new { maximum, after.FinishedAt, after.Id }, cancellationToken: cancellationToken));
                return await SqlServerRows.ReadAsync(reader, ReadRecord, cancellationToken);
            },
            cancellationToken);

    private static DeliveryRecord ReadRecord(DbDataReader row) => new(
        row.GetInt64(0), SqlServerRows.Id(row, 1), row.IsDBNull(2) ? null : SqlServerRows.Id(row, 2), row.GetString(3), SqlServerRows.Id(row, 4),
        row.GetInt64(5),
        DeliveryNames.ToState(row.GetString(6)), DeliveryNames.ToReason(SqlServerRows.Text(row, 7)), row.GetInt32(8), SqlServerRows.Time(row, 9),
        SqlServerRows.Time(row, 10)!.Value, SqlServerRows.Time(row, 11), SqlServerRows.Text(row, 12));

    /// <inheritdoc/>
    public Task<int> SendAgainAsync(IReadOnlyCollection<long> rows, DateTime giveUpAt, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(
            SendAgainSql,
            new { rows = DeliveryParameters.Rows(rows, (json, row) => json.WriteNumber("id", row)), giveUpAt, now = time.UtcNowMicroseconds() },
            cancellationToken: cancellationToken)),
        cancellationToken);

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

    private static string? Cut(string? text) => text is { Length: > 1000 } ? text[..1000] : text;

    private static DateTime? Utc(DateTime? instant) => instant is { } value ? DateTime.SpecifyKind(value, DateTimeKind.Utc) : null;
}
