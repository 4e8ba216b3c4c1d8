using System.CommandLine;
using System.Globalization;
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
            await using var session = new CommandSession(host, options, parsed);
            return await RunAsync(session, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(CommandSession session, CancellationToken cancellationToken)
    {
        Report report = session.Report;
        IReadOnlyList<PoisonSummary> messages = await session.Get<PoisonOperations>().ListAsync(cancellationToken);
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartArray();
                foreach (PoisonSummary message in messages)
                {
                    json.WriteStartObject();
                    PoisonJson.WriteFields(json, message);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
        }
        else if (messages.Count == 0)
        {
            report.WriteLine("No poison messages.");
        }
        else
        {
            report.WriteTable(["id", "failed at", "attempts", "reason"], messages.Select(Row));
        }

        await NoteUnrecordedAsync(session, messages.Count, cancellationToken);
        return ProgramHost.Done;
    }

    private static string[] Row(PoisonSummary message) =>
    [
        message.MessageId, Timestamp.ToText(message.FailedAt), message.Attempts.ToString(CultureInfo.InvariantCulture), message.Reason,
    ];

    // The list comes from the table. A note counts the messages of the queue that have no record, because no other command shows them. The list does not depend
    // on the queue, so an unreachable queue is only noted.
    private static async Task NoteUnrecordedAsync(CommandSession session, int recorded, CancellationToken cancellationToken)
    {
        try
        {
            IMessageQueue queue = session.Get<Queues>().Poison;
            await queue.EnsureExistsAsync(cancellationToken);
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
