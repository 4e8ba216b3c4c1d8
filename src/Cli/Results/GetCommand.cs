using System.CommandLine;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Results;

namespace FinanceIngest.Cli.Results;

/// <summary>The command <c>get</c>.</summary>
internal static class GetCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var id = new Argument<string>("ID") { Description = "The transaction's id." };
        var command = new Command("get", "Shows one transaction's result.") { id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            string wanted = parsed.GetRequiredValue(id);
            JsonElement result = await session.Get<ResultsReader>().GetAsync(wanted, cancellationToken)
                ?? throw new CliException($"There is no transaction {SafeText.Quote(wanted)}: this installation never issued that id.");
            if (session.Report.Json)
            {
                session.Report.WriteJson(result.WriteTo);
            }
            else
            {
                session.Report.WriteFields(ResultText.Fields(result));
            }

            return ProgramHost.Done;
        });
        return command;
    }
}
