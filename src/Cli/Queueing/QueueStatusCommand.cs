using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Overview;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Queueing;

/// <summary>The command <c>queue status</c>.</summary>
internal static class QueueStatusCommand
{
    private const string Unknown = "unknown";
    private static readonly TimeSpan s_watchInterval = TimeSpan.FromSeconds(2);

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var watch = new Option<bool>("--watch") { Description = "Write a line every two seconds, until Ctrl-C." };
        var command = new Command("status", "Shows what waits: inbound messages and their transactions, poison messages, unsent alerts; and the last batch.")
        {
            watch,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            return parsed.GetValue(watch)
                ? await WatchAsync(session, host, cancellationToken)
                : await ShowAsync(session, host, cancellationToken);
        });
        return command;
    }

    private static async Task<int> ShowAsync(CommandSession session, CliHost host, CancellationToken cancellationToken)
    {
        TimeProvider time = host.Time;
        InstallationFigures figures = await ReadAsync(session, host, cancellationToken);
        if (session.Report.Json)
        {
            session.Report.WriteJson(json => Write(json, figures, time));
        }
        else
        {
            session.Report.WriteTable(["what", "number", "age"], Rows(figures, time));
        }

        foreach (string problem in figures.Problems)
        {
            session.Report.Note(problem);
        }

        return figures is { Inbound: null, Poison: null, Database: null } ? ProgramHost.Failed : ProgramHost.Done;
    }

    private static async Task<int> WatchAsync(CommandSession session, CliHost host, CancellationToken cancellationToken)
    {
        TimeProvider time = host.Time;
        if (session.Report.Json)
        {
            throw CliException.WrongUse("--watch writes many answers, but --json allows only one: give one of the two.");
        }

        string[] told = [];
        while (true)
        {
            InstallationFigures figures = await ReadAsync(session, host, cancellationToken);
            session.Report.WriteLine(
                $"{time.GetUtcNow():HH:mm:ss}Z  inbound {Text(figures.Inbound?.Length)} ({Transactions(figures.Inbound)} transactions, "
                    + $"oldest {Seconds(figures.Inbound?.OldestSeconds)})  poison {Text(figures.Poison?.Length)}  "
                    + $"unsent alerts {Text(figures.Database?.UnsentAlerts)}  last batch {Batch(figures, time)}");

            // A problem is told when it begins, and not with every line.
            foreach (string problem in figures.Problems.Except(told))
            {
                session.Report.Note(problem);
            }

            told = [.. figures.Problems];
            await Task.Delay(s_watchInterval, time, cancellationToken);
        }
    }

    private static Task<InstallationFigures> ReadAsync(CommandSession session, CliHost host, CancellationToken cancellationToken) =>
        session.Get<InstallationOverview>().ReadAsync(host.Patience, cancellationToken);

    private static IEnumerable<string[]> Rows(InstallationFigures figures, TimeProvider time) =>
    [
        ["inbound messages", Text(figures.Inbound?.Length), figures.Inbound is { } inbound ? $"oldest {Seconds(inbound.OldestSeconds)}" : ""],
        ["transactions in them", Transactions(figures.Inbound), ""],
        ["poison messages", Text(figures.Poison?.Length), ""],
        ["unsent alerts", Text(figures.Database?.UnsentAlerts), ""],
        ["rows of the last batch", figures.Database is null ? Unknown : Text(figures.Database.LastBatch?.Transactions ?? 0), Batch(figures, time)],
    ];

    private static string Batch(InstallationFigures figures, TimeProvider time) =>
        figures.Database is null ? Unknown
        : figures.Database.LastBatch is { } batch ? $"{Seconds(Age(batch, time))} ago"
        : "none yet";

    private static double Age(LastBatch batch, TimeProvider time) => Math.Max(0, (time.GetUtcNow().UtcDateTime - batch.At).TotalSeconds);

    private static string Transactions(InboundFigures? inbound) =>
        inbound?.Transactions is { } count ? (inbound.IsEstimate ? "about " : "") + Text(count) : Unknown;

    private static string Seconds(double? value) => value is { } seconds ? $"{Text((long)seconds)} s" : Unknown;

    private static string Text(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? Unknown;

    private static void Write(Utf8JsonWriter json, InstallationFigures figures, TimeProvider time)
    {
        json.WriteStartObject();
        json.WriteStartObject("inbound");
        Number(json, "length", figures.Inbound?.Length);
        Number(json, "transactions", figures.Inbound?.Transactions);
        Number(json, "oldest_seconds", (long?)figures.Inbound?.OldestSeconds);
        json.WriteEndObject();
        Number(json, "poison", figures.Poison?.Length);
        Number(json, "unsent_alerts", figures.Database?.UnsentAlerts);
        if (figures.Database?.LastBatch is { } batch)
        {
            json.WriteStartObject("last_batch");
            json.WriteTime("at", Timestamp.Truncate(batch.At));
            json.WriteNumber("age_seconds", (long)Age(batch, time));
            json.WriteNumber("transactions", batch.Transactions);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("last_batch");
        }

        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
