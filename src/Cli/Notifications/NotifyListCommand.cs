using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Notifications;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Notifications;

/// <summary>The command <c>notify list</c>.</summary>
internal static class NotifyListCommand
{
    private const int PageSize = 500;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var user = new Option<long?>("--user") { Description = "Only what concerns this user." };
        var channel = new Option<string?>("--channel") { Description = "Only this channel." };
        var state = new Option<string?>("--state") { Description = $"Only deliveries that are {string.Join(", ", DeliveryOperations.States)}." };
        state.AcceptOnlyFromAmong([.. DeliveryOperations.States]);
        var limit = new Option<int>("--limit") { Description = "The most deliveries; default 100.", DefaultValueFactory = _ => 100 };
        var command = new Command("list", "Lists what was told to whom, by which channel and with what outcome, the newest first.")
        {
            user, channel, state, limit,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            Report report = session.Report;
            IAsyncEnumerable<DeliveryView> deliveries = ReadAsync(
                session.Get<DeliveryOperations>(), parsed.GetValue(user), parsed.GetValue(channel), parsed.GetValue(state), parsed.GetValue(limit),
                cancellationToken);
            long count = report.Json
                ? await report.WriteJsonAsync(deliveries, Write, cancellationToken)
                : await report.WriteTableAsync(
                    ["id", "channel", "state", "alert", "user", "attempts", "created at", "finished at", "problem"], deliveries.Select(Row), cancellationToken);
            if (count == 0 && !report.Json)
            {
                report.WriteLine("No deliveries.");
            }

            return ProgramHost.Done;
        });
        return command;
    }

    private static async IAsyncEnumerable<DeliveryView> ReadAsync(
        DeliveryOperations operations, long? user, string? channel, string? state, int limit,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long? before = null;
        while (limit > 0)
        {
            int size = Math.Min(limit, PageSize);
            IReadOnlyList<DeliveryView> page = await operations.ListAsync(user, channel, state, before, size, cancellationToken);
            foreach (DeliveryView delivery in page)
            {
                yield return delivery;
            }

            if (page.Count < size)
            {
                yield break;
            }

            limit -= page.Count;
            before = page[^1].Id;
        }
    }

    private static string[] Row(DeliveryView delivery) =>
    [
        delivery.Id.ToString(CultureInfo.InvariantCulture),
        delivery.Channel,
        delivery.Hold is null ? delivery.State : $"{delivery.State} ({delivery.Hold})",
        delivery.AlertId.ToString("D"),
        delivery.UserId.ToString(CultureInfo.InvariantCulture),
        delivery.Attempts.ToString(CultureInfo.InvariantCulture),
        Timestamp.ToText(delivery.CreatedAt),
        delivery.FinishedAt is { } finished ? Timestamp.ToText(finished) : "",
        delivery.Error ?? "",
    ];

    private static void Write(Utf8JsonWriter json, DeliveryView delivery)
    {
        json.WriteStartObject();
        json.WriteNumber("id", delivery.Id);
        json.WriteString("alert_id", delivery.AlertId);
        WriteOptional("message_id", delivery.MessageId?.ToString("D"));
        json.WriteString("channel", delivery.Channel);
        WriteOptional("destination_id", delivery.DestinationId?.ToString("D"));
        json.WriteNumber("user_id", delivery.UserId);
        json.WriteString("state", delivery.State);
        WriteOptional("hold", delivery.Hold);
        json.WriteNumber("attempts", delivery.Attempts);
        WriteOptional("due_at", delivery.DueAt is { } due ? Timestamp.ToText(due) : null);
        json.WriteString("created_at", Timestamp.ToText(delivery.CreatedAt));
        WriteOptional("finished_at", delivery.FinishedAt is { } finished ? Timestamp.ToText(finished) : null);
        WriteOptional("problem", delivery.Error);
        json.WriteEndObject();

        void WriteOptional(string name, string? value)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
    }
}
