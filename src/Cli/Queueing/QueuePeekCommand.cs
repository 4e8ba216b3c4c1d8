using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;

namespace FinanceIngest.Cli.Queueing;

/// <summary>The command <c>queue peek</c>.</summary>
internal static class QueuePeekCommand
{
    // Azure Storage returns at most this many messages to one peek.
    private const int MaximumMessages = 32;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var name = new Argument<string>("QUEUE") { Description = "inbound, poison or alerts." };
        name.AcceptOnlyFromAmong("inbound", "poison", "alerts");
        var command = new Command(
            "peek", $"Shows the oldest visible messages of a queue, at most {MaximumMessages}, and leaves them as they are. JSON is shown decoded.") { name };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            IMessageQueue queue = Choose(session.Get<Queues>(), parsed.GetRequiredValue(name));
            Write(session.Report, await queue.PeekAsync(MaximumMessages, cancellationToken));
            return ProgramHost.Done;
        });
        return command;
    }

    private static IMessageQueue Choose(Queues queues, string name) => name switch
    {
        "inbound" => queues.Inbound,
        "poison" => queues.Poison,
        _ => queues.Alerts,
    };

    private static void Write(Report report, IReadOnlyList<string> texts)
    {
        if (!report.Json)
        {
            foreach (string text in texts)
            {
                report.WriteLine(Decode(text) is { } json ? json.GetRawText() : text);
            }

            report.Note($"{texts.Count.ToString(CultureInfo.InvariantCulture)} shown.");
            return;
        }

        report.WriteJson(writer =>
        {
            writer.WriteStartArray();
            foreach (string text in texts)
            {
                if (Decode(text) is { } json)
                {
                    json.WriteTo(writer);
                }
                else
                {
                    writer.WriteStringValue(text);
                }
            }

            writer.WriteEndArray();
        });
    }

    /// <summary>Returns the JSON of a message; null when the text is no JSON, or has a string with half a surrogate pair, which can't be written.</summary>
    private static JsonElement? Decode(string text)
    {
        try
        {
            using JsonDocument? document = MessageText.TryDecode(text, out byte[] decoded) ? JsonDocument.Parse(Encoding.UTF8.GetString(decoded)) : null;
            JsonElement? json = document?.RootElement.Clone();
            using var check = new Utf8JsonWriter(Stream.Null);
            json?.WriteTo(check);
            return json;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
