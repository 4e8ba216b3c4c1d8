using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Poison;

namespace FinanceIngest.Cli.Poison;

/// <summary>The command <c>poison redrive</c>.</summary>
internal static class PoisonRedriveCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var ids = new Argument<string[]>("ID")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "Ids of messages, from 'poison list'; without any, all messages are put back.",
        };
        var command = new Command(
            "redrive", "Puts poison messages back on the inbound queue. Their transactions keep their ids. It is safe to repeat.") { ids };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
            PoisonOperations poison = session.Get<PoisonOperations>();
            PoisonOutcome outcome = parsed.GetValue(ids) is { Length: > 0 } some
                ? await poison.RedriveAsync(some, cancellationToken)
                : await poison.RedriveAllAsync(cancellationToken);
            return PoisonReport.Write(session.Report, "redriven", outcome);
        });
        return command;
    }
}
