using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Poison;

/// <summary>The command <c>poison list</c>.</summary>
internal static class PoisonListCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var command = new Command("list", "Lists the poison messages, oldest first.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            return await RunAsync(session, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(CommandSession session, CancellationToken cancellationToken)
    {
        Report report = session.Report;
        IAsyncEnumerable<PoisonSummary> messages = session.Get<PoisonOperations>().SummariesAsync(cancellationToken);
        long count = report.Json
            ? await report.WriteJsonAsync(messages, Write, cancellationToken)
            : await report.WriteTableAsync(["id", "failed at", "attempts", "reason"], messages.Select(Row), cancellationToken);
        if (count == 0 && !report.Json)
        {
            report.WriteLine("No poison messages.");
        }

        await NoteUnrecordedAsync(session, count, cancellationToken);
        return ProgramHost.Done;
    }

    private static void Write(Utf8JsonWriter json, PoisonSummary message)
    {
        json.WriteStartObject();
        PoisonJson.WriteFields(json, message);
        json.WriteEndObject();
    }

    private static IReadOnlyList<string> Row(PoisonSummary message) =>
    [
        message.MessageId, Timestamp.ToText(message.FailedAt), message.Attempts.ToString(CultureInfo.InvariantCulture), message.Reason,
    ];

    // The list comes from the table. A note counts the messages of the queue that have no record, because no other command shows them. The list does not depend
    // on the queue, so an unreachable queue is only noted.
    private static async Task NoteUnrecordedAsync(CommandSession session, long recorded, CancellationToken cancellationToken)
    {
        try
        {
            IMessageQueue queue = session.Get<Queues>().Poison;
            long more = (await queue.GetDepthAsync(cancellationToken)).Length - recorded;
            if (more > 0)
            {
                session.Report.Note(
                    $"The poison queue holds {Counted.Of(more, "message")} more than there are records; "
                        + "'poison redrive' without ids also puts messages without a record back.");
            }
        }
        catch (QueueUnavailableException e)
        {
            session.Report.Note(e.Message);
        }
    }
}
