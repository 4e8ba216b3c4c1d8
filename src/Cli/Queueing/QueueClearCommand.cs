using System.CommandLine;
using System.Globalization;
using FinanceIngest.Alerts;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;

namespace FinanceIngest.Cli.Queueing;

/// <summary>The command <c>queue clear</c>.</summary>
internal static class QueueClearCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var name = new Argument<string>("QUEUE") { Description = "alerts: the other queues hold transactions, which are never thrown away." };
        name.AcceptOnlyFromAmong("alerts");
        var yes = new Option<bool>("--yes", "-y") { Description = "Do it without asking." };
        var command = new Command("clear", "Takes away the alerts on their queue that nobody shall get, such as those of a backfill.") { name, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
            bool agreed = parsed.GetValue(yes);
            string what = !agreed && session.Report.CanAsk
                ? $"remove {Counted.Of((await session.Get<Queues>().Alerts.GetDepthAsync(cancellationToken)).Length, "alert")} from their queue for good"
                : "remove the alerts on their queue for good";
            if (!session.Report.May(agreed, what))
            {
                session.Report.Note("Nothing was removed.");
                return ProgramHost.Failed;
            }

            IMessageQueue queue = session.Get<Queues>().Alerts;
            long removed = await QueueClearing.ClearAsync(queue, cancellationToken);
            long left = (await queue.GetDepthAsync(cancellationToken)).Length;
            Write(session.Report, queue.Name, removed, left, await CountUnsentAsync(session, cancellationToken));
            return ProgramHost.Done;
        });
        return command;
    }

    private static void Write(Report report, string queue, long removed, long left, long? unsent)
    {
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteString("queue", queue);
                json.WriteNumber("removed", removed);
                json.WriteNumber("left", left);
                if (unsent is { } known)
                {
                    json.WriteNumber("unsent_alerts", known);
                }
                else
                {
                    json.WriteNull("unsent_alerts");
                }

                json.WriteEndObject();
            });
        }
        else
        {
            report.WriteLine($"{Counted.Of(removed, "alert")} removed from {queue}.");
        }

        if (left > 0)
        {
            report.Note($"{left.ToString(CultureInfo.InvariantCulture)} are on the queue still: another program holds them, or they were sent meanwhile.");
        }

        if (unsent > 0)
        {
            report.Note($"Not on the queue yet, but to come: {Counted.Of(unsent.Value, "alert")}. Run the command again when queue status shows none unsent.");
        }
    }

    private static async Task<long?> CountUnsentAsync(CommandSession session, CancellationToken cancellationToken)
    {
        try
        {
            return await session.Get<IAlertOutbox>().CountUnsentAsync(cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            session.Report.Note(e.Message);
            return null;
        }
    }
}
