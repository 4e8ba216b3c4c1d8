using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Learning;

namespace FinanceIngest.Cli.Detecting;

/// <summary>The command <c>detectors verify</c>.</summary>
internal static class DetectorsVerifyCommand
{
    /// <summary>Users whose differences the JSON value has at most; more are counted.</summary>
    public const int MostUsers = 10_000;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var command = new Command("verify", "Compares the learned states with the result rows that they are made of; exit code 1 where they differ.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            var found = new FoundDifferences(session.Report, MostUsers);
            AuditCounts counts = await session.Get<StateAudit>().VerifyAsync(found.Add, cancellationToken);
            Write(session.Report, counts, found);
            return counts.Different == 0 ? ProgramHost.Done : ProgramHost.Failed;
        });
        return command;
    }

    private static void Write(Report report, AuditCounts counts, FoundDifferences found)
    {
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartObject();
                WriteCounts(json, counts);
                found.Write(json);
                json.WriteEndObject();
            });
            return;
        }

        report.WriteLine(Counts(counts));
        report.WriteLine(counts.Different == 0
            ? "Every state is what its rows say."
            : $"{Counted.Of(counts.Different, "user")} with other states than their rows say: run \"detectors rebuild\".");
    }

    /// <summary>Writes the counts' fields.</summary>
    public static void WriteCounts(Utf8JsonWriter json, AuditCounts counts)
    {
        json.WriteNumber("users", counts.Users);
        json.WriteNumber("rows", counts.Rows);
        json.WriteNumber("different", counts.Different);
    }

    /// <summary>Says what was compared.</summary>
    public static string Counts(AuditCounts counts) =>
        $"{Counted.Of(counts.Users, "user")} with states, {Counted.Of(counts.Rows, "row")} that taught them something.";
}
