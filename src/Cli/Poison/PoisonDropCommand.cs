using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Poison;

namespace FinanceIngest.Cli.Poison;

/// <summary><c>poison drop</c>.</summary>
internal static class PoisonDropCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var ids = new Argument<string[]>("ID") { Arity = ArgumentArity.OneOrMore, Description = "Ids of messages." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Don't ask." };
        var command = new Command("drop", "Removes poison messages for good. Rows of their transactions that say 'failed' stay.") { ids, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed);
            string[] unwanted = [.. parsed.GetRequiredValue(ids).Distinct()];
            if (!parsed.GetValue(yes) && !Ask(host, session.Report, unwanted.Length))
            {
                session.Report.Note("Nothing was dropped.");
                return ProgramHost.Failed;
            }

            return PoisonReport.Write(session.Report, "dropped", await session.Get<PoisonOperations>().DropAsync(unwanted, cancellationToken));
        });
        return command;
    }

    private static bool Ask(CliHost host, Report report, int count) =>
        host.IsInputTerminal && host.IsErrorTerminal && !report.Json
            ? report.Confirm($"Remove {Counted.Of(count, "poison message")} for good?")
            : throw CliException.WrongUse("Nobody can be asked here whether to remove poison messages for good: give --yes.");
}
