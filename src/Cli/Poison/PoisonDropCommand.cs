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
            if (!session.Report.MayRemove(parsed.GetValue(yes), Counted.Of(unwanted.Length, "poison message")))
            {
                session.Report.Note("Nothing was dropped.");
                return ProgramHost.Failed;
            }

            return PoisonReport.Write(session.Report, "dropped", await session.Get<PoisonOperations>().DropAsync(unwanted, cancellationToken));
        });
        return command;
    }
}
