using System.CommandLine;
using System.Globalization;
using FinanceIngest.Alerts;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;

namespace FinanceIngest.Cli.Queueing;

/// <summary>The command <c>queue status</c>.</summary>
internal static class QueueStatusCommand
{
    private static readonly TimeSpan s_watchInterval = TimeSpan.FromSeconds(2);

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var watch = new Option<bool>("--watch") { Description = "Write a line every two seconds, until Ctrl-C." };
        var command = new Command("status", "Shows how many inbound messages, poison messages and unsent alerts there are.") { watch };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed);
            return parsed.GetValue(watch)
                ? await WatchAsync(session, host.Time, cancellationToken)
                : await ShowAsync(session, host.Time, cancellationToken);
        });
        return command;
    }

    private static async Task<int> ShowAsync(CommandSession session, TimeProvider time, CancellationToken cancellationToken)
    {
        Status status = await ReadAsync(session, time, cancellationToken);
        if (!session.Report.Json)
        {
            session.Report.WriteTable(
                ["waiting", "number", "oldest"],
                [
                    ["inbound messages", Number(status.Inbound), $"{Number(status.OldestSeconds)} s"],
                    ["poison messages", Number(status.Poison), ""],
                    ["unsent alerts", Number(status.UnsentAlerts), ""],
                ]);
            return ProgramHost.Done;
        }

        session.Report.WriteJson(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("inbound");
            json.WriteNumber("length", status.Inbound);
            json.WriteNumber("oldest_seconds", status.OldestSeconds);
            json.WriteEndObject();
            json.WriteNumber("poison", status.Poison);
            json.WriteNumber("unsent_alerts", status.UnsentAlerts);
            json.WriteEndObject();
        });
        return ProgramHost.Done;
    }

    private static async Task<int> WatchAsync(CommandSession session, TimeProvider time, CancellationToken cancellationToken)
    {
        if (session.Report.Json)
        {
            throw CliException.WrongUse("--watch writes many answers, but --json allows only one: give one of the two.");
        }

        while (true)
        {
            Status status = await ReadAsync(session, time, cancellationToken);
            session.Report.WriteLine(
                $"{time.GetUtcNow():HH:mm:ss}Z  inbound {Number(status.Inbound)} (oldest {Number(status.OldestSeconds)} s)  "
                    + $"poison {Number(status.Poison)}  unsent alerts {Number(status.UnsentAlerts)}");
            await Task.Delay(s_watchInterval, time, cancellationToken);
        }
    }

    private static async Task<Status> ReadAsync(CommandSession session, TimeProvider time, CancellationToken cancellationToken)
    {
        Queues queues = session.Get<Queues>();
        await queues.EnsureExistAsync(cancellationToken);
        QueueDepth inbound = await queues.Inbound.GetDepthAsync(cancellationToken);
        QueueDepth poison = await queues.Poison.GetDepthAsync(cancellationToken);
        long unsent = await session.Get<IAlertOutbox>().CountUnsentAsync(cancellationToken);
        TimeSpan age = inbound is { Length: > 0, Oldest: { } oldest } ? time.GetUtcNow().UtcDateTime - oldest : TimeSpan.Zero;
        return new Status(inbound.Length, (long)Math.Max(0, age.TotalSeconds), poison.Length, unsent);
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed record Status(long Inbound, long OldestSeconds, long Poison, long UnsentAlerts);
}
