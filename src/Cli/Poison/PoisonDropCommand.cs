using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Poison;

namespace FinanceIngest.Cli.Poison;

/// <summary>The command <c>poison drop</c>.</summary>
internal static class PoisonDropCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var ids = new Argument<string[]>("ID") { Arity = ArgumentArity.OneOrMore, Description = "Ids of messages, from 'poison list'." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do it without asking." };
        var command = new Command("drop", "Removes poison messages for good. The rows of their transactions stay, with the status 'failed'.") { ids, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
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
