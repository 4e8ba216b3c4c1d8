using System.CommandLine;
using System.Globalization;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;

namespace FinanceIngest.Cli.Baselines;

/// <summary>The command <c>stats export</c>.</summary>
internal static class StatsExportCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var file = new Argument<string>("FILE") { Description = "A .csv, .json or .pkl file; an existing file is replaced." };
        var command = new Command("export", "Writes all baselines to a file that 'stats import' reads; the older system reads a .pkl.") { file };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string path = StatsFileName.Check(parsed.GetRequiredValue(file));
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            long written = await BaselineFile.WriteAsync(path, session.Get<IBaselineStore>().ReadAllAsync(cancellationToken), cancellationToken);
            Write(session.Report, written, path);
            return ProgramHost.Done;
        });
        return command;
    }

    private static void Write(Report report, long written, string path)
    {
        if (!report.Json)
        {
            report.WriteLine($"Exported {written.ToString(CultureInfo.InvariantCulture)} anomaly stat rows to {path}.");
            return;
        }

        report.WriteJson(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("exported", written);
            json.WriteString("file", path);
            json.WriteEndObject();
        });
    }
}
