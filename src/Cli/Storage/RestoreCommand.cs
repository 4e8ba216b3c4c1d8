using System.CommandLine;
using FinanceIngest.Backup;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Storage;

/// <summary>The command <c>restore</c>.</summary>
internal static class RestoreCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var file = new Argument<string>("FILE") { Description = "A file that 'backup' wrote." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Replace an installation that is there without asking." };
        var command = new Command(
            "restore", "Puts an embedded installation back from a backup. No program may be running on the data directory.") { file, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Makes);
            string path = parsed.GetRequiredValue(file);
            BackupManifest manifest = await EmbeddedRestore.VerifyAsync(path, cancellationToken);
            string directory = session.Settings.DataDirectory;
            string what = $"replace the installation in {directory} by the backup of {Timestamp.ToText(manifest.CreatedAt)}";
            if (EmbeddedRestore.WouldReplace(session.Settings) && !session.Report.May(parsed.GetValue(yes), what))
            {
                session.Report.Note("Nothing was restored.");
                return ProgramHost.Failed;
            }

            await EmbeddedRestore.RunAsync(session.Settings, path, manifest, cancellationToken);
            Write(session.Report, directory, manifest);
            session.Report.Note(
                $"Submit again what was sent since {Timestamp.ToText(manifest.CreatedAt)}: repeats are harmless. Erase again whoever was erased since. "
                    + "Cursors of the results feed from before answer 410: its readers start again without one.");
            return ProgramHost.Done;
        });
        return command;
    }

    private static void Write(Report report, string directory, BackupManifest manifest)
    {
        if (!report.Json)
        {
            report.WriteLine($"{directory} is as it was at {Timestamp.ToText(manifest.CreatedAt)}, schema version {manifest.SchemaVersion}.");
            return;
        }

        report.WriteJson(json =>
        {
            json.WriteStartObject();
            json.WriteString("data_directory", directory);
            BackupCommand.WriteManifest(json, manifest);
            json.WriteEndObject();
        });
    }
}
