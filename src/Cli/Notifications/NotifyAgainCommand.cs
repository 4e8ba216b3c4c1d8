using System.CommandLine;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Notifications;

namespace FinanceIngest.Cli.Notifications;

/// <summary>The command <c>notify again</c>.</summary>
internal static class NotifyAgainCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var ids = new Argument<long[]>("ID") { Description = "Numbers of deliveries, as notify list shows them.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("again", "Has messages sent again under their ids, such as those that were given up.") { ids };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Changes);
            int messages = await session.Get<DeliveryOperations>().SendAgainAsync(parsed.GetValue(ids)!, cancellationToken);
            if (session.Report.Json)
            {
                session.Report.WriteJson(json =>
                {
                    json.WriteStartObject();
                    json.WriteNumber("messages", messages);
                    json.WriteEndObject();
                });
            }
            else
            {
                session.Report.WriteLine($"{Counted.Of(messages, "message")} will be sent again.");
            }

            return messages > 0 ? ProgramHost.Done : ProgramHost.Failed;
        });
        return command;
    }
}
