using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Learning;

namespace FinanceIngest.Cli.Detecting;

/// <summary>The command <c>detectors rebuild</c>.</summary>
internal static class DetectorsRebuildCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var yes = new Option<bool>("--yes", "-y") { Description = "Do it without asking." };
        var command = new Command(
            "rebuild", "Makes learned states anew from the carried sums and the result rows, where they differ from these; asks first.") { yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
            StateAudit audit = session.Get<StateAudit>();
            bool given = parsed.GetValue(yes) || (!session.Report.CanAsk && session.Report.May(yes: false, "make learned states anew"));

            // The question says how many there are, and so the states are compared before it.
            var found = new FoundDifferences(session.Report, DetectorsVerifyCommand.MostUsers);
            List<long> users = [];
            AuditCounts counts = await audit.VerifyAsync(
                (userId, lines) =>
                {
                    users.Add(userId);
                    found.Add(userId, lines);
                },
                cancellationToken);
            if (users.Count > 0 && !session.Report.May(given, $"make the states of {Counted.Of(users.Count, "user")} anew"))
            {
                session.Report.Note("Nothing was changed.");
                return ProgramHost.Failed;
            }

            foreach (long userId in users)
            {
                await audit.RebuildAsync(userId, cancellationToken);
            }

            Write(session.Report, counts, found, users.Count);
            return ProgramHost.Done;
        });
        return command;
    }

    private static void Write(Report report, AuditCounts counts, FoundDifferences found, int rebuilt)
    {
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartObject();
                DetectorsVerifyCommand.WriteCounts(json, counts);
                json.WriteNumber("rebuilt", rebuilt);
                found.Write(json);
                json.WriteEndObject();
            });
            return;
        }

        report.WriteLine(DetectorsVerifyCommand.Counts(counts));
        report.WriteLine(rebuilt == 0
            ? "Every state is what its rows say; nothing was changed."
            : $"The states of {Counted.Of(rebuilt, "user")} were made anew.");
    }
}
